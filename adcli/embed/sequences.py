"""A user's interactions as text, serialised for the encoder.

sequences(interactions)["text"][0]
# 'Monday evening: viewed Kupferhaus moka pot, put into the cart Kupferhaus moka pot. Tuesday ...'
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import polars as pl

from adcli.embed.interaction_vectors import UNKNOWN, InteractionVectors
from adcli.embed.vectors import Encode, embedding_column, matrix

LAST_EVENTS: Final = 64
_VERBS: Final[Mapping[str, str]] = {
    "impression": "was shown",
    "view": "viewed",
    "click": "clicked",
    "cart": "put into the cart",
    "purchase": "bought",
    "review": "wrote",
    "search": "searched for",
    "other": "did something with",
}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MAX_CHARACTERS = 200  # of a title or review


def sequences(interactions: InteractionVectors) -> pl.DataFrame:
    """`user_id text`, by user: the last 64 weighted events, oldest first, repeats once.

    `interactions`: interactions with a `weight`.
    """
    known = interactions.events.filter((pl.col("weight") > 0) & (pl.col("level") > UNKNOWN))
    known = known.sort("user_id", "event_time", nulls_last=False, maintain_order=True)
    phrases = known.select(
        "user_id",
        _moment().alias("moment"),
        pl.concat_str(
            pl.col("event_type").cast(pl.String).replace_strict(_VERBS),
            pl.lit(" "),
            pl.lit(interactions.titles).str.slice(0, _MAX_CHARACTERS).gather(pl.col("vector")),
        ).alias("phrase"),
    )
    changed = pl.struct("user_id", "moment", "phrase").rle_id()
    last = (
        phrases.unique(changed, keep="first", maintain_order=True)
        .group_by("user_id", maintain_order=True)
        .tail(LAST_EVENTS)
    )
    moments = last.group_by(
        "user_id", pl.struct("user_id", "moment").rle_id().alias("run"), maintain_order=True
    ).agg(pl.col("moment").first(), pl.col("phrase").str.join(", "))
    sentence = pl.concat_str(pl.col("moment") + ": ", "phrase", ignore_nulls=True)
    return (
        moments.with_columns(sentence.alias("sentence"))
        .group_by("user_id", maintain_order=True)
        .agg(pl.col("sentence").str.join(". ").alias("text"))
    )


def sequence_profiles(
    profiles: Iterable[pl.DataFrame], interactions: InteractionVectors, encode: Encode
) -> Iterator[pl.DataFrame]:
    """Profiles with the vector of each user's sequence in place of the mean, and `basis` `sequence`.

    `profiles`: of the same interactions, as `adcli.embed.profiles` makes them; `interactions`: interactions
    with a `weight`; `encode`: texts to (n, d) unit vectors.
    """
    texts = sequences(interactions)
    for frame in profiles:
        mine = texts.join(frame.select(pl.col("id").alias("user_id")).with_row_index("row"), on="user_id")
        vectors = matrix(frame["embedding"]).copy()
        rows = mine["row"].to_numpy()
        vectors[rows] = encode(mine["text"].to_list())
        basis = frame["basis"].to_numpy().copy()
        basis[rows] = "sequence"
        yield frame.drop("coherence").with_columns(embedding_column(vectors), pl.Series("basis", basis))


def _moment() -> pl.Expr:
    """`Monday evening`; null for an event without a time."""
    hour = pl.col("event_time").dt.hour()
    part = (
        pl.when(hour < 6).then(pl.lit("night"))
        .when(hour < 12).then(pl.lit("morning"))
        .when(hour < 18).then(pl.lit("afternoon"))
        .otherwise(pl.lit("evening"))
    )  # fmt: skip
    day = pl.col("event_time").dt.weekday().replace_strict(dict(enumerate(_DAYS, 1)), return_dtype=pl.String)
    return pl.when(pl.col("event_time").is_not_null()).then(pl.concat_str(day, pl.lit(" "), part))
