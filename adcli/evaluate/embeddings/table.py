"""What vectors are good for: do they find what belongs together, and how do they lie.

    embedding_table(vectors, products=products)           # same-category retrieval, geometry
    embedding_table(vectors, events=events)               # next-item retrieval

Two tasks, each only where the data allow it. Same category: do the nearest rows have a row's own category.
Next item: from what a user did before a time, or from the user's own vector, are the items found that come
after it; beside it what popularity alone finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.behaviour.next_item import next_item_task, popularity
from adcli.errors import DataError
from adcli.evaluate.embeddings.geometry import geometry
from adcli.evaluate.figures import figures_table
from adcli.statistics.intervals import NO_INTERVAL, wilson_mean
from adcli.statistics.retrieval import RetrievalTask, Retrieved, retrieve, unit_vectors

KS: Final = (1, 5, 10, 20)
MOST_QUERIES: Final = 5_000
GROUPS_SHOWN: Final = 10


class Row(NamedTuple):
    """One figure."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    queries: int
    definition: str


def embedding_table(
    vectors: pl.DataFrame,
    *,
    products: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
    since: datetime | None = None,
    ks: Sequence[int] = KS,
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """The figures that the data allow, with intervals.

    Args:
        vectors: The vectors table; a column `category` in it serves the first task.
        products: Products that say the categories, in place of the column.
        events: Events for the second task.
        since: The time that splits them; None splits each user's at their last item.
        ks: How many neighbours are looked at.
        confidence: Of the intervals.
        seed: Of queries drawn where there are many, of equals, and of the bootstrap.

    Returns:
        `metric group value ci_low ci_high queries definition`; `group` is `all`, a category, a kind of
        vector, or `by chance` and `by popularity` for what vectors are to be held against.

    Raises:
        DataError: If there are no vectors, or the events have no item among them.
    """
    known = with_categories(vectors, products)
    if known.height < 2:
        raise DataError("There are not two vectors to compare.")
    rows = list(_geometry_rows(known, confidence, seed))
    rows += _same_category_rows(known, ks, confidence, seed)
    if events is not None:
        rows += _next_item_rows(known, events, since, ks, confidence, seed)
    return figures_table(rows, Row)


def with_categories(vectors: pl.DataFrame, products: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rows that have a vector, with `category` (the widest step, null for none).

    `vectors`: the vectors table; `products`: products that say the categories, in place of a column
    `category`.
    """
    known = vectors.filter(pl.col("embedding").is_not_null())
    if products is not None and "category" in products.columns:
        stated = products.select(pl.col("item_id").alias("id"), "category").unique("id", keep="first")
        known = known.drop("category", strict=False).join(stated, on="id", how="left", maintain_order="left")
    path = pl.col("category") if "category" in known.columns else pl.lit(None, pl.String)
    widest = (
        path.str.strip_chars("[]\"' ").str.split_exact(">", 1).struct[0].str.strip_chars().replace("", None)
    )
    return known.with_columns(widest.alias("category"))


def _geometry_rows(known: pl.DataFrame, confidence: float, seed: int) -> Iterator[Row]:
    for (kind,), part in known.group_by("kind", maintain_order=True):
        if part.height > 1:
            groups = _codes(part["category"]) if part["category"].null_count() < part.height else None
            for figure in geometry(
                unit_vectors(part["embedding"].to_numpy()), groups, confidence=confidence, seed=seed
            ):
                yield Row(
                    figure.metric, str(kind), figure.value, *figure.interval, part.height, figure.definition
                )


def _same_category_rows(
    known: pl.DataFrame, ks: Sequence[int], confidence: float, seed: int
) -> Iterator[Row]:
    """Whether the nearest rows of the same kind are of the same category."""
    for (kind,), part in known.filter(pl.col("category").is_not_null()).group_by("kind", maintain_order=True):
        of_size = pl.len().over("category")
        able = part.with_row_index().filter(of_size > 1)["index"].to_numpy()
        if part["category"].n_unique() < 2 or not len(able):
            continue
        asked = np.sort(np.random.default_rng(seed).permutation(able)[:MOST_QUERIES])
        units, codes = unit_vectors(part["embedding"].to_numpy()), _codes(part["category"])
        task = RetrievalTask(units[asked], units, lambda rows: codes[asked[rows], None] == codes, asked)  # noqa: B023
        found = retrieve(task, ks, seed=seed)
        what = f"nearest {kind} rows are of the row's own category"
        groups = part["category"].gather(asked)
        yield from _rows("same_category", "all", found, what, confidence)
        for group in groups.value_counts(sort=True).head(GROUPS_SHOWN)["category"].sort():
            mine = found.values[(groups == group).to_numpy()]
            yield from _rows("same_category", group, found._replace(values=mine), what, confidence)
        yield from _chance_rows("same_category", found, ks, what)


def _next_item_rows(
    known: pl.DataFrame,
    events: pl.DataFrame,
    since: datetime | None,
    ks: Sequence[int],
    confidence: float,
    seed: int,
) -> Iterator[Row]:
    """Whether the items nearest to what a user did are those that came next."""
    users = known.filter(pl.col("kind") == "user")
    items = known.filter(pl.col("kind") == "product")
    asked = next_item_task(
        events,
        items["id"],
        unit_vectors(items["embedding"].to_numpy()),
        users=users["id"] if users.height else None,
        user_units=unit_vectors(users["embedding"].to_numpy()) if users.height else None,
        since=since,
        most=MOST_QUERIES,
        seed=seed,
    )
    source = "the user's vector" if users.height else "the mean of the items before"
    when = "the user's last item" if since is None else f"the items from {since:%Y-%m-%d %H:%M} on"
    what = f"items nearest to {source} are {when}, all items being candidates"
    found = retrieve(asked.task, ks, seed=seed)
    yield from _rows("next_item", "all", found, what, confidence)
    popular = retrieve(popularity(asked), ks, seed=seed)
    by_count = f"items that were most looked at before are {when}"
    yield from _rows("next_item", "by popularity", popular, by_count, confidence)
    yield from _chance_rows("next_item", found, ks, what)


def _rows(task: str, group: str, found: Retrieved, what: str, confidence: float) -> Iterator[Row]:
    for place, metric in enumerate(found.metrics):
        values = found.values[:, place]
        definition = (
            f"{_DEFINED[metric.split('@')[0]]}: {what}; {confidence:.0%} Wilson interval on the effective "
            "number of queries"
        )
        interval = wilson_mean(values, confidence)
        yield Row(f"{task}_{metric}", group, float(values.mean()), *interval, len(values), definition)


def _chance_rows(task: str, found: Retrieved, ks: Sequence[int], what: str) -> Iterator[Row]:
    for k, value in zip(ks, found.chance.mean(axis=0), strict=True):
        definition = f"what a random order would find: {what}"
        yield Row(
            f"{task}_recall@{k}", "by chance", float(value), *NO_INTERVAL, len(found.chance), definition
        )


_DEFINED: Final = {
    "recall": "right answers among the first k, by the smaller of k and their number",
    "mrr": "mean reciprocal rank of the first right answer",
    "ndcg": "discounted gain of the first k, by that of the best order",
}


def _codes(categories: pl.Series) -> Integers:
    """(n,) a number for each category; -1 for none."""
    return (categories.rank("dense").cast(pl.Int64) - 1).fill_null(-1).to_numpy()
