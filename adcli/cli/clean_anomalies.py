"""`adcli clean --anomalies`: sessions unlike the others, flagged or rejected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.clean_rows import reject, spilled
from adcli.cli.option_rules import Excludes, option_group
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.tables.read import TableStream

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")


@option_group("Anomalies")
class Anomalies:
    """Sessions unlike the others."""

    anomalies: Literal["keep", "flag", "drop"] = typer.Option(
        "keep",
        help="Sessions unlike the others: kept without a look; flagged by is_anomaly, anomaly_score, "
        "anomaly_why; or rejected.",
    )
    contamination: float | None = typer.Option(
        None, min=0.0001, max=0.5, help="Share of sessions that are anomalies.", show_default=".01"
    )
    labels: Annotated[str | None, Excludes("contamination")] = typer.Option(
        None,
        metavar="FILE",
        help="Table of a few users known: user_id, is_anomaly. The score is then a probability.",
    )


def require_anomalies(options: Anomalies) -> None:
    """Make sure that the options have an effect; else UsageError."""
    for option, is_given in (("contamination", options.contamination), ("labels", options.labels)):
        if is_given and options.anomalies == "keep":
            raise UsageError(f"--{option} has no effect without --anomalies flag or drop.")


def with_anomalies(
    run: Run, stream: TableStream, frames: Iterator[pl.DataFrame], options: Anomalies
) -> Iterator[pl.DataFrame]:
    """Rows with a `session_id`, with their session's flags, or without the sessions unlike the others."""
    import polars as pl

    from adcli.behaviour.partitions import by_key
    from adcli.clean.anomalies import COLUMNS, KEYS, WANTED, SessionScores, session_features

    labels = _labels(run, options.labels) if options.labels else None
    paths = spilled(run, frames)
    log = pl.scan_parquet(paths)
    names = log.collect_schema().names()
    with run.step("anomalies"):
        wanted = [name for name in WANTED if name in names]
        features = pl.concat([session_features(part) for part in by_key(log, wanted)])
        fitted = SessionScores.fit(
            features, contamination=options.contamination or 0.01, labels=labels, seed=run.seed
        )
        scores = pl.concat([fitted.score(part) for part in features.iter_slices(100_000)])
    found = 0
    for path in paths:
        rows = pl.read_parquet(path).drop(COLUMNS, strict=False)
        flagged = rows.join(scores, on=KEYS, how="left", nulls_equal=True, maintain_order="left")
        flagged = flagged.with_columns(pl.col("is_anomaly").fill_null(value=False))
        found += int(flagged["is_anomaly"].sum())
        if options.anomalies == "drop":
            out = flagged.filter("is_anomaly")
            reject(
                run, stream, out.drop(COLUMNS), "anomaly: a session unlike the others: " + out["anomaly_why"]
            )
            flagged = flagged.filter(~pl.col("is_anomaly")).drop(COLUMNS)
        yield flagged
    sessions = int(scores["is_anomaly"].sum())
    run.note(f"{sessions:,} of {scores.height:,} sessions are anomalies, {found:,} rows.")


def _labels(run: Run, file: str) -> pl.DataFrame:
    """`user_id` and whether each is an anomaly, 0 or 1."""
    import polars as pl

    table = run.read([file], tables=["users"], needs=["user_id"], secondary=True)
    if "is_anomaly" not in table.columns:
        raise DataError(f"{file}: has no column is_anomaly.", fix="It says 1 or 0 of users that are known.")
    said = pl.col("is_anomaly").cast(pl.String).str.to_lowercase()
    labels = table.select(
        "user_id", is_anomaly=pl.when(said.is_in(_YES)).then(1).when(said.is_in(_NO)).then(0)
    )
    if labels["is_anomaly"].drop_nulls().n_unique() < 2:
        raise DataError(f"{file}: is_anomaly says no 1, or no 0.", fix="A model needs users of both kinds.")
    return labels.drop_nulls().unique("user_id", keep="first", maintain_order=True)
