"""The rows of one report: days as days, cost in units of money, and no row that is the sum of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.aliases import normalised
from adcli.tables.formats.blocks import Rejects, rows_as_json
from adcli.tables.numerals import MONEY
from adcli.tables.standard.breakdowns import restated
from adcli.tables.standard.conform import Batch
from adcli.tables.unify import concatenated

_STARTS: Final = frozenset(
    {"startdate", "startdateinutc", "starttime", "reportingstarts", "reportingstart", "datestart"}
)
_GOALS: Final = frozenset({"resultindicator", "resulttype", "resultstype"})
_DEAREST: Final = 10_000  # units of money for a click, or earned by one; millionths look so


class SettledReport(NamedTuple):
    """A report as one batch, and what was decided about it, one sentence each."""

    batch: Batch
    notes: list[str]


def settle_report(
    batches: Sequence[Batch], sources: Mapping[str, str], by_hand: Collection[str]
) -> SettledReport:
    """One input's report, whole: what only all of its rows show.

    Args:
        batches: Its rows as columns of the table `report`.
        sources: The source column of each of them.
        by_hand: The standard columns whose source the user named.

    Raises:
        DataError: If its conversions count different things, its cost may be in millionths, or rows by one
            column and rows by another may count the same.
    """
    notes: list[str] = []
    lines = pl.concat([batch.lines for batch in batches])
    frame = concatenated([batch.frame for batch in batches])
    frame = _with_days(frame, sources, notes)
    frame = _with_cost(frame, sources, by_hand, notes)
    _refuse_mixed_results(frame, sources)
    why = restated(frame, sources, by_hand, notes)
    restates = why.is_not_null()
    kept, twice = frame.filter(~restates), frame.filter(restates)
    rejects = Rejects()
    rejects.extend(lines.filter(restates).to_list(), why.drop_nulls().to_list(), rows_as_json(twice))
    all_rejects = pl.concat([*(batch.rejects for batch in batches), rejects.frame(batches[0].file)])
    whole = batches[0]._replace(
        frame=kept, lines=lines.filter(~restates), rejects=all_rejects.sort("line", maintain_order=True)
    )
    return SettledReport(whole, [*notes, *_doubts(kept)])


def _with_days(frame: pl.DataFrame, sources: Mapping[str, str], notes: list[str]) -> pl.DataFrame:
    """The date as a day, with its hour where it has one; none where a row is a period of several days."""
    if "date" not in frame.columns or frame.schema["date"] == pl.Date:
        return frame
    end = frame.get_column("date_end", default=None)
    if end is not None and normalised(sources.get("date", "")) in _STARTS:
        days = (end - frame["date"]).dt.total_hours()
        if (days > 24).any():
            notes.append(
                f"a row is a period ({sources['date']} to {sources['date_end']}), not a day: rates over days "
                "need the report by day"
            )
            return frame.rename({"date": "date_start"})
    hour = frame["date"].dt.hour().cast(pl.Int64)
    made = [frame["date"].dt.date()]
    if frame.get_column("hour", default=hour).null_count() == frame.height or (
        "hour" not in frame.columns and (hour != 0).any()
    ):
        made.append(hour.alias("hour"))
    return frame.with_columns(made)


def _with_cost(
    frame: pl.DataFrame, sources: Mapping[str, str], by_hand: Collection[str], notes: list[str]
) -> pl.DataFrame:
    """The cost in units of money where the platform counts millionths; then its revenue too."""
    if "cost_micros" in frame.columns:
        if "cost" not in frame.columns or frame["cost"].null_count() == frame.height:
            frame = frame.with_columns(_of_millionths("cost_micros").alias("cost"))
            if "revenue" not in by_hand and _is_dear(frame, "revenue", "cost"):
                notes.append(f"{sources['revenue']} is in millionths as {sources['cost_micros']} is")
                frame = frame.with_columns(_of_millionths("revenue").alias("revenue"))
        return frame.drop("cost_micros")
    if "cost" not in by_hand and _is_dear(frame, "cost", "clicks"):
        column = sources.get("cost", "cost")
        paid = frame.select(pl.col("cost", "clicks").cast(pl.Float64)).drop_nulls().sum().row(0)
        raise DataError(
            f"A click costs {paid[0] / paid[1]:,.0f} by the column '{printable(column)}', which may be in "
            "millionths of the currency.",
            fix=f"Say which: --map cost_micros='{column}', or --map cost='{column}' for as it stands.",
        )
    return frame


def _of_millionths(name: str) -> pl.Expr:
    whole, rest = (pl.col(name).cast(pl.Int64) // 1_000_000, pl.col(name).cast(pl.Int64) % 1_000_000)
    return pl.format("{}.{}", whole, rest.cast(pl.String).str.zfill(6)).cast(MONEY)


def _is_dear(frame: pl.DataFrame, money: str, base: str) -> bool:
    """Whether so much money comes to one of `base`, all in whole units, that it may be in millionths."""
    if not {money, base} <= set(frame.columns):
        return False
    pairs = frame.select(pl.col(money, base).cast(pl.Float64)).drop_nulls()
    paid, bought = float(pairs[money].sum()), float(pairs[base].sum())
    return bought > 0 and paid / bought > _DEAREST and bool((pairs[money] % 1 == 0).all())


def _refuse_mixed_results(frame: pl.DataFrame, sources: Mapping[str, str]) -> None:
    """Raise DataError where the conversions are `Results` that mean something else from row to row."""
    if normalised(sources.get("conversions", "")) != "results":
        return
    for name in frame.columns:
        if normalised(name) not in _GOALS:
            continue
        meant = frame[name].drop_nulls().unique(maintain_order=True).to_list()
        if len(meant) > 1:
            raise DataError(
                f"'{printable(sources['conversions'])}' counts different things ({printable(name)}: "
                f"{', '.join(printable(str(value)) for value in meant[:3])}), which have no sum.",
                fix="Name the column to count with --map conversions=COLUMN.",
            )


def _doubts(frame: pl.DataFrame) -> list[str]:
    """What a reader of the counts should know before trusting them."""
    doubts = []
    if {"impressions", "clicks"} <= set(frame.columns):
        above = frame.filter(pl.col("clicks") > pl.col("impressions")).height
        if above:
            doubts.append(f"{above:,} of {frame.height:,} rows have more clicks than impressions")
    for name in ("impressions", "clicks", "conversions", "cost", "revenue"):
        missing = frame[name].null_count() if name in frame.columns else 0
        if 0 < missing < frame.height:
            doubts.append(f"{name} is missing in {missing:,} of {frame.height:,} rows, which count as 0")
    return doubts
