"""Next-item retrieval from an event log, held out in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats32, Integers
from adcli.errors import DataError
from adcli.statistics.retrieval import RetrievalTask, unit_vectors


class NextItem(NamedTuple):
    """The task, and the number of events of each candidate before the split."""

    task: RetrievalTask
    counts: Integers


def next_item_task(
    events: pl.DataFrame,
    items: pl.Series,
    item_units: Floats32,
    *,
    users: pl.Series | None,
    user_units: Floats32 | None,
    since: datetime | None,
    most: int,
    seed: int,
) -> NextItem:
    """One query a user, from the items before the split; relevant are the items after it.

    Args:
        events: The events table.
        items: (n,) ids of the candidates.
        item_units: (n, d) their unit vectors.
        users: Ids of users that have a vector, which then is the query.
        user_units: Their unit vectors.
        since: The time of the split; None splits each user at their last item (leave-one-out).
        most: Queries at most.
        seed: Of their sampling.

    Raises:
        DataError: If no user has known items on both sides of the split.
    """
    about = _about_items(events, items, since)
    before, after = about.filter(~pl.col("is_after")), about.filter("is_after")
    able = after["user_id"].unique()
    known_by = users if users is not None else before["user_id"].unique()
    able = able.filter(able.is_in(known_by.implode())).sort()
    if not len(able):
        raise DataError(
            f"No user has items of the vectors on both sides of the split ({about.height:,} of "
            f"{events.height:,} events are about such items).",
            fix="Give products' vectors, and another --since.",
        )
    sampled = able.gather(np.sort(np.random.default_rng(seed).permutation(len(able))[:most]))
    query = pl.DataFrame({"user_id": sampled}).with_row_index("query")
    relevant = after.join(query, on="user_id").select("query", "item").unique().sort("query", "item")
    if users is not None and user_units is not None:
        at = pl.DataFrame({"user_id": users}).with_row_index("at").unique("user_id", keep="first")
        queries = user_units[query.join(at, on="user_id", how="left", maintain_order="left")["at"].to_numpy()]
    else:
        queries = _means(before.join(query, on="user_id"), item_units, len(sampled))
    task = RetrievalTask(queries, item_units, _relevant(relevant, len(items)), np.full(len(sampled), -1))
    counts = np.bincount(before["item"].to_numpy(), minlength=len(items))
    return NextItem(task, counts)


def _about_items(events: pl.DataFrame, items: pl.Series, since: datetime | None) -> pl.DataFrame:
    """Events of known items, with the row of the `item` and `is_after` the split."""
    if "item_id" not in events.columns:
        raise DataError("The events have no items.", fix="Name the column: --map item_id=COLUMN.")
    rows = pl.DataFrame({"item_id": items}).with_row_index("item").unique("item_id", keep="first")
    about = events.select("user_id", "event_time", "item_id").join(rows, on="item_id", maintain_order="left")
    split = pl.lit(since, pl.Datetime("us", "UTC")) if since else pl.col("event_time").max().over("user_id")
    return about.with_columns((pl.col("event_time") >= split).alias("is_after"))


def popularity(next_item: NextItem) -> RetrievalTask:
    """The same task for a ranking by the number of events before the split."""
    return next_item.task._replace(
        queries=np.ones((len(next_item.task.queries), 1), np.float32),
        candidates=next_item.counts[:, None].astype(np.float32),
    )


def _means(before: pl.DataFrame, item_units: Floats32, queries: int) -> Floats32:
    """(queries, d) the mean of the vectors of each user's items, at length 1."""
    sums = np.zeros((queries, item_units.shape[1]), np.float32)
    np.add.at(sums, before["query"].to_numpy(), item_units[before["item"].to_numpy()])
    return unit_vectors(sums)


def _relevant(pairs: pl.DataFrame, items: int) -> Callable[[Integers], Flags]:
    """The (c, items) relevant items of consecutive queries, from `query item` in order."""
    query, item = pairs["query"].to_numpy().astype(np.int64), pairs["item"].to_numpy().astype(np.int64)

    def relevant(rows: Integers) -> Flags:
        mask = np.zeros((len(rows), items), bool)
        first, last = np.searchsorted(query, [rows[0], rows[-1] + 1])
        mask[query[first:last] - rows[0], item[first:last]] = True
        return mask

    return relevant
