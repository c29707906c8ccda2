"""`adcli clean --features`: what is known of each user and item, in tables beside the output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.clean_rows import spilled
from adcli.cli.money import Money, settled_in_one_currency
from adcli.cli.option_rules import Needs, option_group
from adcli.cli.options import moment_of
from adcli.cli.run import Run
from adcli.cli.targets import is_stream
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

_TABLES = {"user_id": "users", "item_id": "items"}
_ROW = "__row"
_PART_ROWS = 200_000


@option_group("Features")
class Features:
    """What is known of users and items."""

    features: bool = typer.Option(
        False,
        "--features",
        help="Write OUTPUT.users.parquet and OUTPUT.items.parquet: recency, frequency, revenue, tenure, "
        "CTR and more, as of each event, from what came before it.",
    )
    cutoff: Annotated[str | None, Needs("features")] = typer.Option(
        None, metavar="TIME", help="Features as of this time (UTC) instead, a row a user and item."
    )


def require_features(run: Run, table: str, options: Features) -> None:
    """Make sure that the features can be computed and written.

    Raises UsageError if the input is no log, or there is no output to write them beside.
    """
    if options.features and table != "events":
        raise UsageError(f"--features needs events, and the input is read as {table}.")
    if options.features and (run.output is None or is_stream(run.output)):
        raise UsageError("--features writes files beside the output.", fix="Name the output with -o FILE.")


def with_features(
    run: Run, frames: Iterator[pl.DataFrame], options: Features, money: Money
) -> Iterator[pl.DataFrame]:
    """The frames as they are, once the features of all are written.

    Of the log only what money came of stays in memory.
    """
    import polars as pl

    from adcli.behaviour.features import columns_of_features, features, sums_of_all
    from adcli.behaviour.partitions import by_key

    paths = spilled(run, frames)
    at = moment_of(options.cutoff) if options.cutoff else None
    with run.step("features"):
        log = pl.scan_parquet(spilled(run, _with_sales(run, paths, money)))
        names = log.collect_schema().names()
        of_all = sums_of_all(log)
        for key, name in _TABLES.items():
            if key in names:
                parts = by_key(log, columns_of_features(names), key, rows=_PART_ROWS)
                found = (features(part, key, at=at, of_all=of_all) for part in parts)
                path = Path(f"{run.output}.{name}.parquet")
                run.note(f"{path}: {run.attach_table(path, found):,} rows of features.")
    for path in paths:
        yield pl.read_parquet(path)


def _with_sales(run: Run, paths: list[Path], money: Money) -> Iterator[pl.DataFrame]:
    """The log, file by file, with `sold_for`; a purchase that is no sale is of type `other`."""
    import polars as pl

    from adcli.behaviour.attribution import earns
    from adcli.behaviour.features import SOLD, columns_of_features
    from adcli.behaviour.sales import columns_of_sales

    log = pl.scan_parquet(paths).with_row_index(_ROW)
    names = log.collect_schema().names()
    money_rows = log.filter(earns(names)).select(columns_of_sales(names, [_ROW])).collect()
    sales = settled_in_one_currency(run, money_rows, money)
    sold = pl.col(SOLD).cast(pl.Float64) if SOLD in sales.columns else pl.lit(None, pl.Float64)
    settled = sales.select(_ROW, sold.alias(SOLD), settled_type=pl.col("event_type").cast(pl.String))
    kept = columns_of_features(names)
    if {"price", "currency"} <= set(names) and log.select(
        pl.col("currency").drop_nulls().n_unique() > 1
    ).collect().item():
        run.note("Prices are in several currencies: no price_mean, no price_affinity.")
        kept.remove("price")
    begin = 0
    for path in paths:
        frame = pl.read_parquet(path, columns=kept).with_row_index(_ROW, offset=begin)
        begin += frame.height
        kind = pl.coalesce("settled_type", pl.col("event_type").cast(pl.String))
        joined = frame.join(settled, on=_ROW, how="left", maintain_order="left")
        yield joined.with_columns(event_type=kind).drop(_ROW, "settled_type")
