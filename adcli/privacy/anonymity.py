"""k-anonymity (Samarati and Sweeney, 1998): how many people share what could tell them from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import polars as pl

SMALL: Final = 5  # a group of fewer is usually held to tell too much


class Anonymity(NamedTuple):
    """The groups that quasi-identifiers make."""

    columns: list[str]  # the quasi-identifiers
    unit: str  # what is counted: users, or rows where the table has no users
    k: int  # the size of the smallest group; 0 where there is none
    groups: int  # how many groups there are
    unique: int  # how many units are alone in a group
    small: int  # how many are in groups of fewer than `SMALL`
    units: int  # how many units there are in all groups; a user can be in several

    @property
    def sentence(self) -> str:
        """What it means."""
        of = f"{', '.join(self.columns)}: k = {self.k:,}, the smallest of {self.groups:,} groups"
        return (
            f"k-anonymity of {of}; of {self.units:,} {self.unit} {self.unique:,} are alone in theirs and "
            f"{self.small:,} share it with fewer than {SMALL - 1} others."
        )


class AnonymityCount:
    """Counts the groups of rows that pass by, in 16 bytes for each different pair of group and user."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._unit = "rows"
        self._seen: list[pl.DataFrame] = []

    def __call__(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames as they are."""
        for frame in frames:
            self._add(frame)
            yield frame

    def _add(self, frame: pl.DataFrame) -> None:
        groups = frame.select(self._columns).hash_rows(seed=0).alias("group")
        if "user_id" in frame.columns:
            self._unit = "users"
            pairs = pl.DataFrame([groups, frame["user_id"].hash().alias("user")])
            self._seen.append(pairs.filter(frame["user_id"].is_not_null()).unique())
        else:
            self._seen.append(groups.to_frame().group_by("group").agg(size=pl.len()))
        if len(self._seen) > 50:
            self._seen = [self._together()]

    def _together(self) -> pl.DataFrame:
        whole = pl.concat(self._seen)
        return whole.unique() if self._unit == "users" else whole.group_by("group").agg(pl.sum("size"))

    def found(self) -> Anonymity:
        """What the groups of all rows so far are."""
        whole = self._together()
        sizes = whole.group_by("group").len()["len"] if self._unit == "users" else whole["size"]
        smallest = sizes.min()
        return Anonymity(
            self._columns,
            self._unit,
            int(smallest) if isinstance(smallest, int) else 0,
            len(sizes),
            int((sizes == 1).sum()),
            int(sizes.filter(sizes < SMALL).sum()),
            int(sizes.sum()),
        )
