"""Interactions: what users did and wrote, events and reviews in one frame.

    interactions = pl.concat([interactions_of_events(events), interactions_of_reviews(reviews)])
    interactions = weighted(before(interactions, cutoff), {"purchase": 8})

Columns: `user_id event_time event_type item_id text category price revenue begins_order`. `text` is what was
searched for or written; `begins_order` is false for the further lines of an order, which is one purchase;
`event_time` is null only for a review that does not say when it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl

from adcli.behaviour.features import begins_order
from adcli.behaviour.sales import settle_sales
from adcli.embed.texts import cleaned, texts_of
from adcli.errors import DataError, UsageError, require_known
from adcli.tables.standard.tables import EVENT_TYPES

WEIGHTS: Final[Mapping[str, float]] = {
    "impression": 0.0,
    "view": 1.0,
    "click": 2.0,
    "search": 2.0,
    "review": 3.0,
    "cart": 3.0,
    "purchase": 5.0,
    "other": 0.0,
}
_TIME: Final = pl.Datetime("us", "UTC")
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "user_id": pl.String(),
    "event_time": _TIME,
    "event_type": pl.Enum(EVENT_TYPES),
    "item_id": pl.String(),
    "text": pl.String(),
    "category": pl.String(),
    "price": pl.Float64(),
    "revenue": pl.Float64(),
    "begins_order": pl.Boolean(),
}


def interactions_of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Interactions from rows of the events table, all of them or those that went through `settle_sales`.

    Their `query` is the text, else their `text`.
    """
    written = [
        cleaned(events[name]).replace("", None) for name in ("query", "text") if name in events.columns
    ]
    text = pl.coalesce(written) if written else pl.lit(None, pl.String)
    events = events.with_columns(text.alias("text"))
    events = events if "sold_for" in events.columns else settle_sales(events).events
    sold_for = pl.col("sold_for") if "sold_for" in events.columns else pl.lit(None)
    return _conformed(events.with_columns(sold_for.alias("revenue"), begins_order(events.columns)))


def interactions_of_reviews(reviews: pl.DataFrame) -> pl.DataFrame:
    """Interactions from rows of the reviews table that say who wrote them.

    Raises DataError if no review says who wrote it.
    """
    if "user_id" not in reviews.columns or reviews["user_id"].null_count() == reviews.height:
        raise DataError(
            "The reviews do not say which user wrote them.", fix="Name the column: --map user_id=COLUMN."
        )
    text = texts_of(reviews, "reviews").replace("", None)
    written = reviews.with_columns(text.alias("text"), pl.lit("review").alias("event_type"))
    return _conformed(written.drop("category", strict=False).filter(pl.col("user_id").is_not_null()))


def before(interactions: pl.DataFrame, cutoff: datetime | None) -> pl.DataFrame:
    """The interactions before `cutoff`, without those that have no time; all of them for None."""
    return interactions if cutoff is None else interactions.filter(pl.col("event_time") < cutoff)


def default_weights(given: Mapping[str, float]) -> dict[str, float]:
    """The weight of each event type: as given, else the usual one."""
    return {**WEIGHTS, **given}


def weighted(interactions: pl.DataFrame, weights: Mapping[str, float]) -> pl.DataFrame:
    """The interactions with a column `weight` by its type; a type not in `weights` has its usual weight."""
    table = default_weights(weights)
    of_type = pl.col("event_type").cast(pl.String).replace_strict(table, return_dtype=pl.Float64)
    return interactions.with_columns(of_type.alias("weight"))


def check_weights(weights: Mapping[str, float]) -> None:
    """Make sure that weights are given to types of events and are not negative; else UsageError."""
    for name, weight in weights.items():
        sentence = f"--weight {name}={weight:g}: no such event type; there are {', '.join(WEIGHTS)}."
        require_known(name, WEIGHTS, sentence, error=UsageError)
        if not 0 <= weight < float("inf"):
            raise UsageError(f"--weight {name}={weight:g}: a weight is 0 or more.")


def _conformed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in SCHEMA.items()
    )
