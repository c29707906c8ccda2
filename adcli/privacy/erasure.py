"""The right to erasure (GDPR, article 17): rows of users who asked to be forgotten are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from adcli.errors import DataError, UsageError
from adcli.privacy.keys import Key
from adcli.privacy.pseudonyms import PSEUDONYM, pseudonyms_of

_LOOKED_AT: Final = 10_000  # rows of a frame, for pseudonyms
ERASED: Final = "erased at the user's request"


class Erasure:
    """Which rows are of users who asked to be erased.

    Attributes:
        users: How many users the list names.
        rows: How many rows of theirs were found, by input.
    """

    reason = ERASED

    def __init__(self, path: Path, keys: Sequence[Key]) -> None:
        """One raw user id a line; with keys their pseudonyms are found too, by each of the keys.

        Raises DataError if the list is no text, or empty.
        """
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise DataError(f"--erase {path}: is no text in UTF-8.", fix="One user id a line.") from None
        ids = sorted({line.strip() for line in lines} - {""})
        if not ids:
            raise DataError(f"--erase {path}: names no user.", fix="One user id a line.")
        self.users = len(ids)
        self.rows: Counter[str] = Counter()
        self._numbers = {str(key.number) for key in keys}
        self._forms = pl.Series([*ids, *sorted(pseudonyms_of(ids, list(keys), "user_id"))])

    def find(self, frame: pl.DataFrame, source: str) -> pl.Series | None:
        """(n,) whether each row is one of theirs; None where none is, or the table has no users.

        `frame`: rows of a table; of vectors those count that are a user's; `source`: the input that they come
        from.
        """
        name = user_column(frame.columns)
        if name is None:
            return None
        users = frame[name].cast(pl.String)
        if name == "id":
            users = users.set(
                ~frame["kind"].cast(pl.String).str.starts_with("user").fill_null(value=False), None
            )
        self._require_keys(users, source)
        is_theirs = users.is_in(self._forms.implode()).fill_null(value=False)
        count = int(is_theirs.sum())
        self.rows[source] += count
        return is_theirs if count else None

    def _require_keys(self, users: pl.Series, source: str) -> None:
        """Make sure that users cannot stay unnoticed behind pseudonyms of a key that is not there."""
        numbers = users.head(_LOOKED_AT).str.extract(PSEUDONYM).drop_nulls().unique()
        if lacking := sorted(set(numbers.to_list()) - self._numbers):
            raise UsageError(
                f"--erase: {source}: users are pseudonyms, p{lacking[0]}_…, which only their key can tell.",
                fix=f"--key-file names a file whose line {lacking[0]} is the key.",
            )


def user_column(names: Iterable[str]) -> str | None:
    """The column that tells whose a row is; None where a table has none."""
    names = set(names)
    return "user_id" if "user_id" in names else "id" if {"id", "kind"} <= names else None
