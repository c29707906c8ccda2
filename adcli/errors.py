"""Errors that people read: each is one sentence, carries its exit code, and says what to do."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import IO, Any


class AdcliError(Exception):
    """The run failed. Exit code 1.

    `message`: what is wrong and where (file, line, column), as one sentence; `fix`: what the user can do
    about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        """The sentence and its cure."""
        return f"{self.message} {self.fix}".rstrip()


class UsageError(AdcliError):
    """The command was called wrongly. Exit code 2."""

    exit_code = 2


class DataError(AdcliError):
    """The input cannot be used. Exit code 3."""

    exit_code = 3


class GateError(AdcliError):
    """A condition that the user set (`--fail-under`, `--strict`) was not met. Exit code 4."""

    exit_code = 4


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?` for the known word closest to `word`, or an empty string.

    Of words as close as another, one with the same letters comes first: `crt` is `ctr`.
    """
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)
    swapped = [name for name in close if sorted(name) == sorted(word.lower())]
    return f"Did you mean '{lowered[(swapped or close)[0]]}'?" if close else ""


def require_known(
    word: str, known: Collection[str], sentence: str, fix: str = "", *, error: type[AdcliError] = DataError
) -> None:
    """Raise `error` with a sentence if a word is none of those known; its cure is the nearest, else `fix`."""
    if word not in known:
        raise error(sentence, fix=did_you_mean(word, known) or fix)


def printable(text: str, limit: int = 40) -> str:
    """`text` from a data file, made safe to show: no control characters, at most `limit` characters."""
    shown = "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else "�"
        for char in text[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


@contextmanager
def native_errors_into(file: IO[Any]) -> Iterator[None]:
    """What code below Python (Java, a panic of Rust) writes to standard error goes to a file meanwhile."""
    before = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
