"""Texts that are nearly the same, found by MinHash and banded locality-sensitive hashing.

Two texts are as alike as the share of their runs of three words that both have (Jaccard); of each text 64
minima of hashes tell that share to about .05 (Broder, 1997), and only texts that agree in one of 16 bands of
four minima are compared (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4): of pairs
that share .8, one in five thousand is missed. The minima lie on disk; memory holds some 40 bytes a text.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.arrays import Integers

_BANDS: Final = 16
_MINIMA: Final = 4 * _BANDS
_CHUNK: Final = 100_000
_OF_ONE_LETTER: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}"  # scripts without blanks between words
_WORD: Final = rf"[{_OF_ONE_LETTER}]|[\w--[{_OF_ONE_LETTER}]]+"


def near_duplicates(texts: Iterable[pl.Series], least: float, *, spill: Path) -> pl.Series:
    """(n,) the number of the group that each text belongs to, in order of their first; null of those alone.

    `texts`: batches of texts, null and empty ones are like no other; `least`: the share of common runs of
    words from which texts are near-duplicates; `spill`: a private folder.
    """
    path = spill / "minima"
    with path.open("wb") as file:
        for batch in texts:
            for part in batch.to_frame("text").iter_slices(_CHUNK):
                file.write(_minima(part["text"]).tobytes())
    if not path.stat().st_size:
        return pl.Series([], dtype=pl.Int64)
    minima = np.memmap(path, np.uint32, "r").reshape(-1, _MINIMA)
    pairs = [_alike(minima, _candidates(minima, band), least) for band in range(_BANDS)]
    return _groups(np.concatenate(pairs), len(minima))


def _minima(texts: pl.Series) -> npt.NDArray[np.uint32]:
    """(n, 64) the minima of the texts' runs of words; 0 where a text has no word."""
    word, row = pl.col("word"), pl.col("row")
    words = (
        texts.str.to_lowercase().str.extract_all(_WORD).to_frame("word").with_row_index("row").explode("word")
    ).drop_nulls()
    following = [pl.when(row.shift(-step) == row).then(word.shift(-step)) for step in (1, 2)]
    runs = words.select(row, run=pl.concat_str(word, *following, separator=" ", ignore_nulls=True).hash(0))
    hashes = [(pl.col("run").hash(seed).min() // 2**32).alias(str(seed)) for seed in range(1, _MINIMA + 1)]
    rows = pl.DataFrame({"row": range(len(texts))}, schema={"row": words.schema["row"]})
    found = rows.join(runs.group_by("row").agg(hashes), on="row", how="left", maintain_order="left")
    return found.drop("row").fill_null(0).to_numpy().astype(np.uint32, order="C")


def _candidates(minima: npt.NDArray[np.uint32], band: int) -> Integers:
    """(m, 2) each text and the one before it that has the same band."""
    columns = np.ascontiguousarray(minima[:, 4 * band : 4 * band + 4]).view(np.uint64)
    first = pl.DataFrame(columns).select(pl.struct(pl.all()).hash()).to_series().to_numpy()
    rows = np.flatnonzero(columns.any(axis=1))
    order = rows[np.argsort(first[rows], kind="stable")]
    same = np.flatnonzero(first[order][1:] == first[order][:-1])
    return np.column_stack([order[same], order[same + 1]])


def _alike(minima: npt.NDArray[np.uint32], pairs: Integers, least: float) -> Integers:
    """The pairs that share enough."""
    kept = [
        part[(minima[part[:, 0]] == minima[part[:, 1]]).mean(axis=1) >= least]
        for part in np.array_split(pairs, len(pairs) // _CHUNK + 1)
    ]
    return np.concatenate(kept)


def _groups(pairs: Integers, texts: int) -> pl.Series:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(texts, texts))
    _, label = connected_components(graph, directed=False)
    has_others = pl.len().over("label") > 1  # labels are numbered in the order of their first texts
    group = pl.when(has_others).then("label").rank("dense").cast(pl.Int64)
    return pl.DataFrame({"label": label}).select(group).to_series()
