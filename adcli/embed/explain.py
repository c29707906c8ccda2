"""What a vector rests on: which of a user's events, which words of a text.

A part's `moved` is 1 - cosine between the vector and what it would be without that part: leave-one-out for
events, occlusion for words (Zeiler and Fergus 2014; Li et al., "Understanding Neural Networks through
Representation Erasure", 2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.embed.interaction_vectors import UNKNOWN, InteractionVectors
from adcli.embed.profile_sums import decay
from adcli.embed.vectors import Encode
from adcli.errors import DataError

MAX_WORDS: Final = 200  # of one text
MAX_TEXTS: Final = 5  # of a user, those that moved the profile most
SCHEMA: Final = {
    "id": pl.String(),
    "part": pl.String(),
    "what": pl.String(),
    "event_type": pl.String(),
    "events": pl.Int64(),
    "share": pl.Float64(),
    "similarity": pl.Float64(),
    "moved": pl.Float64(),
}


def explain_text(name: str, text: str, encode: Encode) -> pl.DataFrame:
    """A row for each word of a text, those that moved its vector most first.

    `encode`: texts to (n, d) unit vectors.
    """
    words = text.split()[:MAX_WORDS]
    vectors = encode([text, *_without_each(words)]).astype(np.float64)
    moved = 1 - vectors[1:] @ vectors[0] if words else np.empty(0)
    return _table(
        {"id": name, "part": "word", "what": word, "moved": by}
        for word, by in zip(words, moved.tolist(), strict=True)
    )


def explain_profile(
    user: str,
    interactions: InteractionVectors,
    texts: Sequence[str | None],
    encode: Encode,
    *,
    half_life: float | None,
) -> pl.DataFrame:
    """A row for each item or text of a user's events, and for each word of those that moved the profile most.

    `interactions`: interactions with a `weight`; `texts` (m,) the text that was embedded for each vector,
    None where that is not known; `encode`: texts to (n, d) unit vectors; `half_life`: days after which an
    event counts half, None for never. Raises DataError if there is no such user, or nothing is known of them.
    """
    parts = _parts(user, interactions, half_life)
    weights = parts["share"].to_numpy()
    vectors = interactions.vectors[parts["vector"].to_numpy()].astype(np.float64)
    total = weights @ vectors
    moved = _moved(total, total - weights[:, None] * vectors)
    events = parts.with_columns(
        pl.Series("similarity", vectors @ total / np.linalg.norm(total)), pl.Series("moved", moved)
    )
    own_texts = [texts[row] for row in parts["vector"].to_list()]
    read = [part for part in np.argsort(-moved, kind="stable") if own_texts[part]][:MAX_TEXTS]
    words = _table(
        {"id": user, "part": "word", "what": word, "event_type": parts["event_type"][int(part)], "moved": by}
        for part in read
        for word, by in _words_moved(total, weights[part], vectors[part], str(own_texts[part]), encode)
    )
    return pl.concat([_table({"id": user, "part": "event", **row} for row in events.to_dicts()), words])


def _parts(user: str, interactions: InteractionVectors, half_life: float | None) -> pl.DataFrame:
    """`event_type vector what events share` of what a user interacted with."""
    mine = interactions.events.filter(pl.col("user_id") == user)
    if not mine.height:
        raise DataError(f"--explain {user}: no event is of this user.")
    age = pl.col("event_time").max() - pl.col("event_time")
    decayed = pl.col("weight") * decay(age, half_life)
    counted = mine.with_columns(decayed.alias("decayed")).filter(
        (pl.col("decayed") > 0) & (pl.col("level") > UNKNOWN)
    )
    highest = counted.filter(pl.col("level") == pl.col("level").max())
    if not highest.height:
        raise DataError(f"--explain {user}: no event of this user has a weight and a known item or text.")
    return (
        highest.group_by(pl.col("event_type").cast(pl.String), "vector")
        .agg(pl.len().cast(pl.Int64).alias("events"), pl.col("decayed").sort().sum().alias("share"))
        .with_columns(
            pl.col("share") / pl.col("share").sum(),
            pl.lit(interactions.titles).gather(pl.col("vector")).alias("what"),
        )
        .sort(-pl.col("share"), "vector", "event_type")
    )


def _words_moved(
    total: Floats, weight: float, vector: Floats, text: str, encode: Encode
) -> list[tuple[str, float]]:
    """Each word of a text, and how far the profile moves without it."""
    words = text.split()[:MAX_WORDS]
    without = encode(_without_each(words)).astype(np.float64)
    moved = _moved(total, total - weight * vector + weight * without)
    return list(zip(words, moved.tolist(), strict=True))


def _without_each(words: Sequence[str]) -> list[str]:
    return [" ".join([*words[:word], *words[word + 1 :]]) for word in range(len(words))]


def _moved(total: Floats, others: Floats) -> Floats:
    """(n,) 1 - cosine of a sum with each of (n, d) others; 1 where nothing is left."""
    lengths = np.linalg.norm(others, axis=1)
    cosine = others @ total / np.maximum(lengths * np.linalg.norm(total), 1e-12)
    return np.where(lengths > 1e-9, 1 - cosine, 1.0)


def _table(rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    known = [{name: row.get(name) for name in SCHEMA} for row in rows]
    return pl.DataFrame(known, schema=SCHEMA).sort("moved", descending=True, maintain_order=True)
