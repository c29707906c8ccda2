"""Keyed pseudonyms: without the key nobody can tell whose they are, nor try who it could be.

    pseudonyms = Pseudonyms(read_keys(path)[-1], "user_id")
    pseudonyms(frame["user_id"])      # p1_9c5f…

BLAKE2b with a key (RFC 7693), 128 bits of it. The key of a column is drawn from its standard name, so that
the same user has the same pseudonym in every table and file, and none that an item of the same number has.
"""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

from adcli.privacy.keys import Key

ALGORITHM: Final = "BLAKE2b, 128 bits"
PSEUDONYM: Final = r"^p[0-9]+_[0-9a-f]{32}$"
_MOST_REMEMBERED = 4_000_000
_OF_ANOTHER: Final = {"unit_id": "user_id"}  # a unit of an experiment is a user as a rule


class Pseudonyms:
    """Gives the values of one column their pseudonyms, each distinct value's computed once.

    Values are known again by their codes in a categorical type. That a code still stands for the value that
    it was given to is checked in each row.

    Attributes:
        already: How many distinct values were pseudonyms before, which they stay.
    """

    def __init__(self, key: Key, column: str) -> None:
        domain = _OF_ANOTHER.get(column, column).encode()
        own = hashlib.blake2b(domain, key=key.secret, digest_size=32).digest()
        self._keyed = hashlib.blake2b(key=own, digest_size=16)
        self._prefix = f"p{key.number}_"
        self.already = 0
        self._anchor, self._values, self._pseudonyms = _nothing_known()

    def of(self, value: str) -> str:
        """The pseudonym of one value."""
        keyed = self._keyed.copy()
        keyed.update(value.encode())
        return self._prefix + keyed.hexdigest()

    def __call__(self, values: pl.Series) -> pl.Series:
        """(n,) pseudonyms of texts or whole numbers; null stays null, and a pseudonym what it is."""
        texts = values.cast(pl.String)
        codes = texts.cast(self._anchor.dtype).to_physical()
        self._make_room(codes)
        is_new = self._values.gather(codes).ne_missing(texts) & texts.is_not_null()
        if is_new.any():
            new = pl.DataFrame([codes.filter(is_new).alias("code"), texts.filter(is_new).alias("value")])
            self._learn(new.unique("code"))
        found = self._pseudonyms.gather(codes).alias(values.name)
        if len(self._values) > _MOST_REMEMBERED:
            self._anchor, self._values, self._pseudonyms = _nothing_known()
        return found

    def _make_room(self, codes: pl.Series) -> None:
        top = codes.max()
        if isinstance(top, int) and (missing := top + 1 - len(self._values)) > 0:
            self._values = self._values.extend_constant(None, missing)
            self._pseudonyms = self._pseudonyms.extend_constant(None, missing)

    def _learn(self, new: pl.DataFrame) -> None:
        is_one = new["value"].str.contains(PSEUDONYM)
        made = [
            value if known else self.of(value)
            for value, known in zip(new["value"].to_list(), is_one.to_list(), strict=True)
        ]
        self.already += int(is_one.sum())
        self._values = self._values.scatter(new["code"], new["value"])
        self._pseudonyms = self._pseudonyms.scatter(new["code"], pl.Series(made, dtype=pl.String))


def _nothing_known() -> tuple[pl.Series, pl.Series, pl.Series]:
    """A text of a fresh categorical type, which keeps its codes alive; values by code; their pseudonyms."""
    anchor = pl.Series([""]).cast(pl.Categorical(pl.Categories.random()))
    return anchor, pl.Series([None], dtype=pl.String), pl.Series([None], dtype=pl.String)


def pseudonyms_of(values: list[str], keys: list[Key], column: str) -> set[str]:
    """The pseudonyms that values have, or had, by any of the keys."""
    return {made.of(value) for key in keys for made in [Pseudonyms(key, column)] for value in values}
