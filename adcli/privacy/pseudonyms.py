"""Keyed pseudonyms: without the key nobody can tell whose they are, nor try who it could be.

    pseudonyms = Pseudonyms(read_keys(path)[-1], "user_id")
    pseudonyms(frame["user_id"])      # p1_9c5f…

BLAKE2b with a key (RFC 7693), 96 bits of it: of a thousand million users hardly ever two have the same. The
key of a column is drawn from its standard name, so that the same user has the same pseudonym in every table
and file, and none that an item of the same number has.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from adcli.privacy.hash_numbers import HashNumbers
from adcli.privacy.keys import Key

ALGORITHM: Final = "BLAKE2b, 96 bits"
PSEUDONYM: Final = r"^p([0-9]+)_[0-9A-Za-z_-]{16}$"
_LETTERS: Final = 16
_MOST_REMEMBERED = 4_000_000
_OF_ANOTHER: Final = {"unit_id": "user_id"}  # a unit of an experiment is a user as a rule


class Pseudonyms:
    """Gives the values of one column their pseudonyms, each distinct value's computed once.

    Values are known again by a hash of 64 bits; that it is of the same value is checked in each row.

    Attributes:
        already: How many distinct values were pseudonyms before, which they stay.
    """

    def __init__(self, key: Key, column: str) -> None:
        domain = _OF_ANOTHER.get(column, column).encode()
        own = hashlib.blake2b(domain, key=key.secret, digest_size=32).digest()
        self._keyed = hashlib.blake2b(key=own, digest_size=12)
        self._prefix = f"p{key.number}_"
        self.already = 0
        self._numbers, self._values, self._pseudonyms = _nothing_known()

    def of(self, values: Iterable[str]) -> list[str]:
        """The pseudonyms of some values."""
        digests = []
        for value in values:
            keyed = self._keyed.copy()
            keyed.update(value.encode())
            digests.append(keyed.digest())
        letters = base64.urlsafe_b64encode(b"".join(digests)).decode()
        return [self._prefix + letters[at : at + _LETTERS] for at in range(0, len(letters), _LETTERS)]

    def __call__(self, values: pl.Series) -> pl.Series:
        """(n,) pseudonyms of texts or whole numbers; null stays null, and a pseudonym what it is."""
        texts = values.cast(pl.String)
        hashes = texts.hash(seed=0).to_numpy()
        found = self._numbers.of(hashes)
        new = self._unlike(found, texts)
        if len(new):
            self._learn(texts.gather(new).unique(maintain_order=True))
            found[new] = self._numbers.of(hashes[new])
        made: pl.Series = self._pseudonyms.gather(found)
        if len(new) and len(others := new[self._unlike(found[new], texts.gather(new))]):  # two of one hash
            made = made.scatter(others, self.of(texts.gather(others).to_list()))
        if texts.null_count():
            made = made.set(texts.is_null(), None)
        if len(self._values) > _MOST_REMEMBERED:
            self._numbers, self._values, self._pseudonyms = _nothing_known()
        return made.alias(values.name)

    def _unlike(self, found: npt.NDArray[np.uint32], texts: pl.Series) -> npt.NDArray[np.uint32]:
        """The places of texts that are not the values that they were found to be."""
        is_other = self._values.gather(found).ne_missing(texts)
        return (is_other & texts.is_not_null()).arg_true().to_numpy()

    def _learn(self, new: pl.Series) -> None:
        is_one = new.str.contains(PSEUDONYM)
        self.already += int(is_one.sum())
        made = pl.Series(self.of(new.to_list()), dtype=pl.String)
        self._numbers.add(new.hash(seed=0).to_numpy())
        self._values = pl.concat([self._values, new.alias("")], rechunk=True)
        self._pseudonyms = pl.concat([self._pseudonyms, new.zip_with(is_one, made).alias("")], rechunk=True)


def _nothing_known() -> tuple[HashNumbers, pl.Series, pl.Series]:
    """No hash, and the values and pseudonyms by the numbers of their hashes: of 0 none."""
    return HashNumbers(), pl.Series("", [None], pl.String), pl.Series("", [None], pl.String)


def pseudonyms_of(values: list[str], keys: list[Key], column: str) -> set[str]:
    """The pseudonyms that values have, or had, by any of the keys."""
    return {one for key in keys for one in Pseudonyms(key, column).of(values)}
