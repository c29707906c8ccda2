"""The task of finding what a user comes to next, from an event log that is split in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.embeddings.retrieval import IntArray, Task


class NextItem(NamedTuple):
    """The task, and how often each candidate came up before the split."""

    task: Task
    counts: IntArray


def next_item_task(
    events: pl.DataFrame,
    items: pl.Series,
    item_units: npt.NDArray[np.float32],
    *,
    users: pl.Series | None,
    user_units: npt.NDArray[np.float32] | None,
    since: datetime | None,
    most: int,
    seed: int,
) -> NextItem:
    """One query a user: what they did before the split; right answers: the items they came to after it.

    Args:
        events: The events table.
        items: (n,) ids of the candidates.
        item_units: (n, d) their unit vectors.
        users: Ids of users that have a vector, which then is the query.
        user_units: Their unit vectors.
        since: The time of the split; None takes the time of each user's last item, if something was before.
        most: Users asked about at most.
        seed: Of which ones.

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
    asked = able.gather(np.sort(np.random.default_rng(seed).permutation(len(able))[:most]))
    place = pl.DataFrame({"user_id": asked}).with_row_index("query")
    right = after.join(place, on="user_id").select("query", "item").unique().sort("query", "item")
    if users is not None and user_units is not None:
        at = pl.DataFrame({"user_id": users}).with_row_index("at").unique("user_id", keep="first")
        queries = user_units[place.join(at, on="user_id", how="left", maintain_order="left")["at"].to_numpy()]
    else:
        queries = _means(before.join(place, on="user_id"), item_units, len(asked))
    task = Task(queries, item_units, _right_answers(right, len(items)), np.full(len(asked), -1))
    counts = np.bincount(before["item"].to_numpy(), minlength=len(items))
    return NextItem(task, counts)


def _about_items(events: pl.DataFrame, items: pl.Series, since: datetime | None) -> pl.DataFrame:
    """Events about known items, with the place of the `item` and whether they are after the split."""
    if "item_id" not in events.columns:
        raise DataError("The events are about no items.", fix="Name the column: --map item_id=COLUMN.")
    places = pl.DataFrame({"item_id": items}).with_row_index("item").unique("item_id", keep="first")
    about = events.select("user_id", "event_time", "item_id").join(
        places, on="item_id", maintain_order="left"
    )
    split = pl.lit(since, pl.Datetime("us", "UTC")) if since else pl.col("event_time").max().over("user_id")
    return about.with_columns((pl.col("event_time") >= split).alias("is_after"))


def popularity(asked: NextItem) -> Task:
    """The same task for a ranking by how often items came up before the split."""
    return asked.task._replace(
        queries=np.ones((len(asked.task.queries), 1), np.float32),
        candidates=asked.counts[:, None].astype(np.float32),
    )


def _means(
    before: pl.DataFrame, item_units: npt.NDArray[np.float32], queries: int
) -> npt.NDArray[np.float32]:
    """(queries, d) the mean of the vectors of what each user came to before."""
    sums = np.zeros((queries, item_units.shape[1]), np.float32)
    np.add.at(sums, before["query"].to_numpy(), item_units[before["item"].to_numpy()])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1), np.float32)


def _right_answers(right: pl.DataFrame, items: int) -> Callable[[IntArray], npt.NDArray[np.bool_]]:
    """The (c, items) right answers of consecutive queries, from their (c,) places."""
    query, item = right["query"].to_numpy().astype(np.int64), right["item"].to_numpy().astype(np.int64)

    def answers_of(rows: IntArray) -> npt.NDArray[np.bool_]:
        answers = np.zeros((len(rows), items), bool)
        first, last = np.searchsorted(query, [rows[0], rows[-1] + 1])
        answers[query[first:last] - rows[0], item[first:last]] = True
        return answers

    return answers_of
