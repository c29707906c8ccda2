"""Pairs of texts from behaviour: what was viewed, carted or bought with what, and taken after which query.

    events = events_with_texts(events, item_texts(events), seed=0)
    pairs = behaviour_pairs(events)
    # anchor, positive, event_time, source

Source: Barkan and Koenigstein, "Item2Vec" (2016), for items of one session as each other's context; Huang et
al., "Embedding-based Retrieval in Facebook Search" (2020), for a query and the result that was taken.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.tables.standard.items import products_of_events

TAKEN: Final = ("view", "click", "cart", "purchase")
WINDOW: Final = 3
TOGETHER_WITHIN: Final = timedelta(days=30)
RESULT_WITHIN: Final = timedelta(minutes=30)
_IS_TAKEN: Final = pl.col("text").is_not_null() & pl.col("event_type").is_in(TAKEN)


def item_texts(events: pl.DataFrame) -> pl.DataFrame:
    """`item_id text` from the events themselves: the text that comes with an item most often.

    Raises DataError if the events hold no texts of items.
    """
    return products_of_events(events).select("item_id", text="title")


def events_with_texts(events: pl.DataFrame, items: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """The events by user and time: `user_id event_time event_type item_id session_id query text`.

    `events`: the events table; `items`: `item_id text`; `seed`: of the order within a moment.
    """
    session = pl.col("session_id") if "session_id" in events.columns else pl.lit(None, pl.String)
    query = pl.col("query").str.strip_chars() if "query" in events.columns else pl.lit(None, pl.String)
    item = pl.col("item_id") if "item_id" in events.columns else pl.lit(None, pl.String)
    texts = items.unique("item_id", keep="first").filter(pl.col("text") != "")
    draw = pl.Series("draw", np.random.default_rng(seed).random(events.height))
    return (
        events.select(
            "user_id",
            "event_time",
            pl.col("event_type").cast(pl.String),
            item.alias("item_id"),
            session.alias("session_id"),
            query.replace("", None).alias("query"),
            draw,
        )
        .join(texts.select("item_id", "text"), on="item_id", how="left", maintain_order="left")
        .sort("user_id", "event_time", "draw")
    )


def behaviour_pairs(events: pl.DataFrame) -> pl.DataFrame:
    """Pairs in the order of time; a pair that occurs often comes often.

    Items are paired with the next few of the same session, or of the same user within 30 days where there are
    no sessions; items of one moment, such as those of a basket, in a random order. A query is paired with
    what its user took within half an hour and before the next query.

    Args:
        events: As `events_with_texts` gives them.

    Returns:
        `anchor positive event_time source`; the time is that of the later of the two, and `source` is
        co-bought, co-viewed or query.

    Raises:
        DataError: If no event is about an item that has a text, or nobody had two.
    """
    if not events["text"].is_not_null().any():
        raise DataError(
            "No event is about an item with a text.",
            fix="Give the catalogue that the events are about, or name columns: --map item_id=COLUMN.",
        )
    pairs = pl.concat([_neighbours(taken_items(events)), _results(events)])
    if not pairs.height:
        raise DataError("Nobody had to do with two items or a query, so there are no pairs to learn from.")
    return pairs.sort("event_time", maintain_order=True)


def taken_items(events: pl.DataFrame) -> pl.DataFrame:
    """The events that viewed, clicked, carted or bought an item with a text."""
    return events.filter(_IS_TAKEN)


def frequent_items(taken: pl.DataFrame, most: int) -> pl.DataFrame:
    """`item text` of the texts that were taken most often, numbered in the order of the alphabet."""
    counts = taken.group_by("text").len().sort("len", "text", descending=[True, False])
    return counts.head(most).select(pl.col("text").sort()).with_row_index("item")


def _neighbours(taken: pl.DataFrame) -> pl.DataFrame:
    """Each item with the next few different ones."""
    later = [
        taken.with_columns(
            pl.col(name).shift(-step).over("user_id").alias(f"{name}_later")
            for name in ("text", "event_time", "event_type", "session_id")
        )
        for step in range(1, WINDOW + 1)
    ]
    found = pl.concat(later)
    soon = pl.col("event_time_later") - pl.col("event_time") <= TOGETHER_WITHIN
    same_session = pl.col("session_id").eq_missing(pl.col("session_id_later"))
    bought = (pl.col("event_type") == "purchase") & (pl.col("event_type_later") == "purchase")
    return found.filter(soon & same_session & (pl.col("text") != pl.col("text_later"))).select(
        pl.col("text").alias("anchor"),
        pl.col("text_later").alias("positive"),
        pl.col("event_time_later").alias("event_time"),
        pl.when(bought).then(pl.lit("co-bought")).otherwise(pl.lit("co-viewed")).alias("source"),
    )


def _results(events: pl.DataFrame) -> pl.DataFrame:
    """Each query with what was taken after it."""
    asked = pl.col("query").is_not_null()
    last = events.with_columns(
        pl.col("query").forward_fill().over("user_id").alias("asked"),
        pl.when(asked).then("event_time").forward_fill().over("user_id").alias("asked_time"),
    )
    soon = pl.col("event_time") - pl.col("asked_time") <= RESULT_WITHIN
    return last.filter(_IS_TAKEN & soon & (pl.col("asked") != pl.col("text"))).select(
        pl.col("asked").alias("anchor"),
        pl.col("text").alias("positive"),
        "event_time",
        pl.lit("query").alias("source"),
    )
