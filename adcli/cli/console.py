"""What people see while a command runs: messages, and what it is busy with; on standard error only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adcli.cli.progress import Progress, Screen
from adcli.errors import printable
from adcli.numbers import plain
from adcli.stores import shown

if TYPE_CHECKING:
    from adcli.statistics.verdicts import Verdict

_MOST_ANSWERS = 12
_WORDS = {"better": "32;1", "worse": "31;1"}


class Console:
    """Messages at three levels: errors always, notes unless `quiet`, details if `verbose`."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.screen = Screen(is_on=not quiet)
        self.redact: Callable[[str], str] = str

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._line(text, "error: ", "31;1")

    def warn(self, text: str) -> None:
        """Say what the reader should know before trusting the result."""
        self._line(text, "warning: ", "33;1")

    def note(self, text: str) -> None:
        """Say what was decided or done."""
        if not self.quiet:
            self._line(text)

    def detail(self, text: str) -> None:
        """Say what only someone looking closely wants to know."""
        if self.verbose:
            self._line(text)

    def answer(self, verdicts: Sequence[Verdict]) -> None:
        """Say what came out, a sentence each, the verdict's word first."""
        if self.quiet:
            return
        for verdict in verdicts[:_MOST_ANSWERS]:
            word = f"{verdict.verdict}: " if verdict.verdict else ""
            self._line(plain(verdict.sentence or verdict.reason), word, _WORDS.get(verdict.verdict, "1"))
        if len(verdicts) > _MOST_ANSWERS:
            self._line(f"and {len(verdicts) - _MOST_ANSWERS} more, which --report and -o hold.")

    def progress(
        self,
        label: str,
        total: int | None = None,
        unit: str = "rows",
        *,
        share: Callable[[], float | None] = lambda: None,
    ) -> Progress:
        """A progress display to use as a context manager; call it with the amount of work just done.

        `label`: what is being done; `share`: else, how much of the work is done, from 0 to 1, if that is
        known.
        """
        return Progress(self.screen, self.note, label, total, unit, share)

    def _line(self, text: str, first: str = "", code: str = "") -> None:
        """Show a message, its first words in a style; what it quotes cannot steer it or tell secrets."""
        text = shown(self.redact(text))
        line = _styled(first, code) + printable(text, len(text))
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints


def _styled(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty()
    return text if plain or not text else f"\x1b[{code}m{text}\x1b[0m"
