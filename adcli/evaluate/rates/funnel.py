"""The way from impression to click, cart and purchase, within a window of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from adcli.errors import DataError
from adcli.evaluate.rates.cells import RateRow, group_cells, hidden_cells, rows_table
from adcli.evaluate.rates.counts import USER, UnitCounts, check_cells, check_users, with_time_parts
from adcli.statistics.intervals import wilson_clustered

STEPS = ("impression", "click", "cart", "purchase")
FIGURES = (
    "value", "ci_low", "ci_high", "numerator", "denominator", "users", "median_seconds", "unlinked",
)  # fmt: skip
EVENT, DELAY = "number of the event", "delay of what it led to"  # no names that a log may have
NO_ITEM = ""  # what an event without an item is matched by


class _Links(NamedTuple):
    """What led to what."""

    # one row per later event that an earlier one led to: `earlier later` (event numbers), `delay`
    pairs: pl.DataFrame
    later: int  # number of later events, linked or not


def funnel_table(
    events: pl.DataFrame,
    *,
    steps: Sequence[str] = STEPS,
    window: timedelta = timedelta(days=7),
    by: Sequence[str] = (),
    min_users: int = 50,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """How many events of each step led on to the next, and of the first to the last.

    An event is led to by the latest event of the step before, of the same user and item, at the same time or
    earlier and no longer ago than `window`. An impression that brings three clicks led on once.

    Args:
        events: The events table; an event without `item_id` is linked to events without one.
        steps: Values of `event_type` in order; those that the log does not hold are passed over.
        window: From one step to the next.
        by: Columns of the earlier event to break down by.
        min_users: As in `rate_table`.
        confidence: Of the intervals, clustered by user.

    Returns:
        One row per pair of steps and cell: `metric`, such as `impression_to_click`, the `by` columns, `value
        ci_low ci_high numerator denominator users median_seconds unlinked definition reason`; `unlinked` is
        the share of the cell's own later events that no earlier one led to.

    Raises:
        DataError: If the log holds fewer than two of the steps, or a column is missing.
    """
    events = with_time_parts(events, by).with_row_index(EVENT)
    check_cells(events.columns, by)
    check_users(events.select(*by, user="user_id"), by)
    held = events["event_type"].drop_nulls().unique().sort().to_list()
    seen = [step for step in dict.fromkeys(steps) if step in held]
    if len(seen) < 2:
        known = ", ".join(seen) or "none"
        raise DataError(
            f"--step: a funnel needs two steps, and of {', '.join(steps)} the log has {known}.",
            fix=f"Its event types are {', '.join(held)}.",
        )
    links = {pair: _link(events, *pair, window) for pair in pairwise(seen)}
    if len(seen) > 2:
        links[seen[0], seen[-1]] = reduce(_chain, links.values())
    tables = []
    for (earlier, later), found in links.items():
        counts = _count(events, earlier, found.pairs, by)
        formula = f"{earlier} events that led to a {later} within {_days(window)} / {earlier} events"
        definition = f"{formula}; {confidence:.0%} Wilson interval, clustered by user"
        table = _table(f"{earlier}_to_{later}", definition, counts, by, min_users, confidence)
        described = _with_delays(table, events, later, found.pairs, by, min_users if by else 0)
        tables.append(described.select("metric", *by, *FIGURES, "definition", "reason"))
    return pl.concat(tables)


def _days(window: timedelta) -> str:
    days = window / timedelta(days=1)
    return f"{days:g} day{'' if days == 1 else 's'}"


def _link(events: pl.DataFrame, earlier: str, later: str, window: timedelta) -> _Links:
    item = pl.col("item_id").fill_null(NO_ITEM) if "item_id" in events.columns else pl.lit(NO_ITEM)
    keyed = events.select(EVENT, "event_type", "event_time", "user_id", item.alias("item")).sort(
        "event_time", maintain_order=True
    )
    causes = keyed.filter(pl.col("event_type") == earlier).select(
        "user_id", "item", "event_time", cause_time="event_time", earlier=EVENT
    )
    effects = keyed.filter(pl.col("event_type") == later).drop("event_type")
    found = effects.join_asof(
        causes,
        on="event_time",
        by=["user_id", "item"],
        strategy="backward",
        tolerance=window,
        check_sortedness=False,
    )
    delay = pl.col("event_time") - pl.col("cause_time")
    pairs = found.drop_nulls("earlier").select("earlier", later=EVENT, delay=delay)
    return _Links(pairs, effects.height)


def _chain(first: _Links, second: _Links) -> _Links:
    joined = first.pairs.join(second.pairs, left_on="later", right_on="earlier", suffix="_after")
    pairs = joined.select("earlier", later="later_after", delay=pl.col("delay") + pl.col("delay_after"))
    return _Links(pairs, second.later)


def _count(events: pl.DataFrame, earlier: str, pairs: pl.DataFrame, by: Sequence[str]) -> UnitCounts:
    led = pl.col(EVENT).is_in(pairs["earlier"].unique().implode()).cast(pl.Int64)
    causes = events.filter(pl.col("event_type") == earlier).with_columns(led=led)
    counted = causes.group_by(*by, pl.col("user_id").alias("user"), maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("events"), pl.col("led").sum()
    )
    return UnitCounts(counted.with_columns(known_user=pl.col("user").is_not_null()), ("events", "led"), USER)


def _with_delays(
    table: pl.DataFrame, events: pl.DataFrame, later: str, pairs: pl.DataFrame, by: Sequence[str], fewest: int
) -> pl.DataFrame:
    """The cells with their median delay and share unlinked; null where hidden, or of fewer than `fewest`."""
    delays = pairs.select(pl.col("earlier").alias(EVENT), pl.col("delay").alias(DELAY))
    causes = events.select(EVENT, *by).join(delays, on=EVENT)
    effects = events.filter(pl.col("event_type") == later).select(EVENT, *by)
    is_linked = pl.col(EVENT).is_in(pairs["later"].implode())
    described = {
        "median_seconds": (causes, pl.col(DELAY).median().dt.total_microseconds() / 1e6),
        "unlinked": (effects, 1 - is_linked.mean()),
    }
    shown = pl.col("value").is_not_null()
    for name, (rows, figure) in described.items():
        known = pl.when(pl.len() >= max(fewest, 1)).then(figure).alias(name)
        if by:
            cells = rows.group_by(by).agg(known)
            table = table.join(cells, on=list(by), how="left", nulls_equal=True, maintain_order="left")
        else:
            table = table.with_columns(rows.select(known).to_series())
        table = table.with_columns(pl.when(shown).then(name).cast(pl.Float64))
    return table


def _table(
    metric: str, definition: str, counts: UnitCounts, by: Sequence[str], min_users: int, confidence: float
) -> pl.DataFrame:
    cells = group_cells(counts, by)
    led = cells.units["led"].cast(pl.Float64).to_numpy()
    events = cells.units["events"].cast(pl.Float64).to_numpy()
    rows = []
    for cell, why in enumerate(hidden_cells(cells, by, min_users=min_users)):
        if why:
            rows.append(RateRow(metric, cell, definition, why))
            continue
        span = slice(cells.starts[cell], cells.starts[cell + 1])
        low, high = wilson_clustered(led[span], events[span], confidence)
        top, bottom = float(led[span].sum()), float(events[span].sum())
        figures = top / bottom, low, high, top, bottom, int(cells.sums["users"][cell])
        rows.append(RateRow(metric, cell, definition, "", *figures))
    return rows_table(rows, cells, by)
