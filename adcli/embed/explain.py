"""What moved a vector: which of a user's deeds, which words of a text.

A part's `moved` is 1 - cosine between the vector and what it would be without that part: leave-one-out for
deeds, occlusion for words (Zeiler and Fergus 2014; Li et al., "Understanding Neural Networks through
Representation Erasure", 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.embed.contents import NOTHING, Contents
from adcli.embed.profile_state import fading
from adcli.embed.vectors import Encode
from adcli.errors import DataError

Float64Array = npt.NDArray[np.float64]

MOST_WORDS: Final = 200  # of one text
TEXTS_READ: Final = 5  # of a user, those that moved the profile most
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

    Args:
        name: The `id` of the text's vector.
        text: The text.
        encode: Texts to (n, d) unit vectors.
    """
    words = text.split()[:MOST_WORDS]
    vectors = encode([text, *_without_each(words)]).astype(np.float64)
    moved = 1 - vectors[1:] @ vectors[0] if words else np.empty(0)
    rows = [_row(name, "word", word, moved=float(by)) for word, by in zip(words, moved, strict=True)]
    return _table(rows)


def explain_profile(
    user: str, contents: Contents, texts: Sequence[str | None], encode: Encode, *, half_life: float | None
) -> pl.DataFrame:
    """A row for each thing a user's deeds were about, and for each word of those that moved the profile most.

    Args:
        user: The user.
        contents: Deeds with a `weight`, and what they were about.
        texts: (m,) the text that each content's vector was made of; None where that is not known.
        encode: Texts to (n, d) unit vectors.
        half_life: Days after which a deed counts half; None for never.

    Raises:
        DataError: If there is no such user, or nothing is known of them.
    """
    parts = _parts(user, contents, half_life)
    weights = parts["share"].to_numpy()
    vectors = contents.vectors[parts["content"].to_numpy()].astype(np.float64)
    total = weights @ vectors
    moved = _moved(total, total - weights[:, None] * vectors)
    similarity = vectors @ total / np.linalg.norm(total)
    rows = [
        _row(user, "event", part["what"], part["event_type"], part["events"], part["share"], alike, by)
        for part, alike, by in zip(
            parts.iter_rows(named=True), similarity.tolist(), moved.tolist(), strict=True
        )
    ]
    deeds = _table(rows)
    spoken = [texts[place] for place in parts["content"].to_list()]
    read = [place for place in np.argsort(-moved, kind="stable") if spoken[place]][:TEXTS_READ]
    words = [
        _row(user, "word", word, parts["event_type"][int(place)], moved=by)
        for place in read
        for word, by in _words_moved(total, weights[place], vectors[place], str(spoken[place]), encode)
    ]
    return pl.concat([deeds, _table(words)])


def _parts(user: str, contents: Contents, half_life: float | None) -> pl.DataFrame:
    """What a user's deeds were about: `event_type content what events share`."""
    mine = contents.deeds.filter(pl.col("user_id") == user)
    if not mine.height:
        raise DataError(f"--explain {user}: no event is of this user.")
    age = pl.col("event_time").max() - pl.col("event_time")
    faded = pl.col("weight") * fading(age, half_life)
    counted = mine.with_columns(faded.alias("faded")).filter(
        (pl.col("faded") > 0) & (pl.col("level") > NOTHING)
    )
    highest = counted.filter(pl.col("level") == pl.col("level").max())
    if not highest.height:
        raise DataError(f"--explain {user}: no event of this user says anything that counts.")
    return (
        highest.group_by(pl.col("event_type").cast(pl.String), "content")
        .agg(pl.len().cast(pl.Int64).alias("events"), pl.col("faded").sort().sum().alias("share"))
        .with_columns(
            pl.col("share") / pl.col("share").sum(),
            pl.lit(contents.words).gather(pl.col("content")).alias("what"),
        )
        .sort(-pl.col("share"), "content", "event_type")
    )


def _words_moved(
    total: Float64Array, weight: float, vector: Float64Array, text: str, encode: Encode
) -> list[tuple[str, float]]:
    """Each word of a text, and how far the profile moves without it."""
    words = text.split()[:MOST_WORDS]
    without = encode(_without_each(words)).astype(np.float64)
    moved = _moved(total, total - weight * vector + weight * without)
    return list(zip(words, moved.tolist(), strict=True))


def _without_each(words: Sequence[str]) -> list[str]:
    return [" ".join([*words[:place], *words[place + 1 :]]) for place in range(len(words))]


def _moved(total: Float64Array, others: Float64Array) -> Float64Array:
    """(n,) 1 - cosine of a sum with each of (n, d) others; 1 where nothing is left."""
    lengths = np.linalg.norm(others, axis=1)
    cosine = others @ total / np.maximum(lengths * np.linalg.norm(total), 1e-12)
    return np.where(lengths > 1e-9, 1 - cosine, 1.0)


def _row(
    name: str,
    part: str,
    what: str,
    event_type: str | None = None,
    events: int | None = None,
    share: float | None = None,
    similarity: float | None = None,
    moved: float = 0.0,
) -> dict[str, object]:
    return dict(zip(SCHEMA, (name, part, what, event_type, events, share, similarity, moved), strict=True))


def _table(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA).sort("moved", descending=True, maintain_order=True)
