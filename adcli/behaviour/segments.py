"""The segments that profiles are in: ids, names and where each lies among the profiles' vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats


class SegmentCentres(NamedTuple):
    """Segments: ids, names and (k, d) mean vectors."""

    ids: list[str]
    names: list[str]
    centres: Floats

    def directions(self) -> Floats:
        """(k, d) the mean vectors at unit length."""
        unit: Floats = self.centres / np.linalg.norm(self.centres, axis=1, keepdims=True)
        return unit


def segment_centres(profiles: pl.DataFrame) -> SegmentCentres | None:
    """The segments of a vectors table, largest first; None if it has none."""
    if "segment_id" not in profiles.columns or profiles["segment_id"].null_count() == profiles.height:
        return None
    known = profiles.filter(pl.col("segment_id").is_not_null() & (pl.col("kind") == "user"))
    sizes = (
        known.group_by("segment_id", "segment_name", maintain_order=True).len().sort("len", descending=True)
    )
    centres = [
        known.filter(pl.col("segment_id") == key)["embedding"].to_numpy().mean(axis=0, dtype=np.float64)
        for key in sizes["segment_id"]
    ]
    return SegmentCentres(sizes["segment_id"].to_list(), sizes["segment_name"].to_list(), np.array(centres))
