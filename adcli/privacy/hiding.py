"""What is hidden in the columns of a table before anybody sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import polars as pl

from adcli.errors import UsageError, require_known

Hide = Callable[[pl.Series], pl.Series]
_LOOKED_AT: Final = 10_000  # rows of a frame in which another column may show what one hides
_NO_CHANCE: Final = 0.1  # of those rows: users and items that are both numbered are alike now and then


class Hiding:
    """Hides columns of frames that pass by.

    `columns`: by column, the option that asks for it and what hides its values.
    """

    def __init__(self, columns: Mapping[str, tuple[str, Hide]]) -> None:
        self.columns = columns
        self._shown: Counter[tuple[str, str]] = Counter()
        self._looked: Counter[str] = Counter()

    @property
    def options(self) -> dict[str, str]:
        """The option that asks for each column."""
        return {name: option for name, (option, _) in self.columns.items()}

    def showing(self) -> list[tuple[str, str]]:
        """Hidden columns, and columns that show what they hid, such as the addresses users are told by."""
        return [pair for pair, rows in self._shown.items() if rows > _NO_CHANCE * self._looked[pair[0]]]

    def __call__(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames, hidden. Raises UsageError if a column is not there, or holds no texts."""
        for number, frame in enumerate(frames):
            if not number:
                require_columns(self.options, frame.columns)
            yield self.hidden(frame)

    def hidden(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One frame, of which it hides those columns that are there."""
        made = []
        for name, (option, hide) in self.columns.items():
            if name in frame.columns:
                made.append(hide(_texts(frame[name], option)))
        out = frame.with_columns(made)
        self._look(frame, out)
        return _of_hidden(frame, out, self.columns)

    def _look(self, frame: pl.DataFrame, out: pl.DataFrame) -> None:
        """Count in how many rows a column shows what another hides."""
        before, after = frame.head(_LOOKED_AT), out.head(_LOOKED_AT)
        texts = after.select(pl.selectors.string())
        for name in self.columns:
            if name in before.columns:
                raw = before[name].cast(pl.String)
                is_hidden = raw.ne_missing(after[name])
                self._looked[name] += int(is_hidden.sum())
                for other in texts.columns:
                    self._shown[name, other] += int((is_hidden & (texts[other] == raw)).sum())


def require_columns(asked: Mapping[str, str], known: Iterable[str]) -> None:
    """Make sure that the columns are there that options ask for.

    `asked`: the option, by column; `known`: the columns. Raises UsageError if one is not.
    """
    known = list(known)
    for name, option in asked.items():
        sentence = f"{option} {name}: the table has no column '{name}'."
        require_known(name, known, sentence, f"There are {', '.join(known)}.", error=UsageError)


def require_once(asked: Mapping[str, Iterable[str]]) -> None:
    """Make sure that no column is hidden in two ways.

    `asked`: the columns, by option. Raises UsageError if one is.
    """
    seen: dict[str, str] = {}
    for option, names in asked.items():
        for name in names:
            if (other := seen.setdefault(name, option)) != option:
                raise UsageError(f"{name} is named by {other} and by {option}.", fix="Choose one of them.")


def _texts(values: pl.Series, option: str) -> pl.Series:
    """Values that can be hidden, as texts."""
    kind = values.dtype
    if kind in (pl.String, pl.Null) or kind.is_integer():
        return values.cast(pl.String)
    raise UsageError(f"{option} {values.name}: holds no texts but values of type {kind}.")


def _of_hidden(frame: pl.DataFrame, out: pl.DataFrame, hidden: Mapping[str, object]) -> pl.DataFrame:
    """The rows with those columns hidden too that are made of hidden ones: visits, reasons for robots."""
    made = []
    if "user_id" in hidden and {"user_id", "session_id"} <= set(frame.columns):
        visit = pl.col("session_id")
        is_of_user = visit.str.starts_with(pl.lit(frame["user_id"].cast(pl.String) + "."))
        hidden_visit = pl.concat_str("user_id", pl.lit("."), visit.str.split(".").list.last())
        made.append(pl.when(is_of_user).then(hidden_visit).otherwise(visit).alias("session_id"))
    if "user_agent" in hidden and "bot_reason" in frame.columns:
        made.append(pl.col("bot_reason").str.replace(r"(user agent of a robot): .*", "$1"))
    return out.with_columns(made)
