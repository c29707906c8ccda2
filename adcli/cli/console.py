"""What people see while a command runs: messages and progress, on standard error only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from adcli.errors import printable
from adcli.numbers import plain

if TYPE_CHECKING:
    from adcli.statistics.verdicts import Verdict

_PROGRESS_AFTER_S = 2.0
_PLAIN_LINE_EVERY_S = 30.0
_HOURS_FROM_S = 180.0
_MOST_ANSWERS = 12
_WORDS = {"better": "32;1", "worse": "31;1"}


class Console:
    """Messages at three levels: errors always, notes unless `quiet`, details if `verbose`."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose

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

        Args:
            label: What is being done.
            total: How much there is to do, where that is known.
            unit: Of what.
            share: Else, how much of the work is done, from 0 to 1, if that is known.
        """
        return Progress(self, label, total, unit, share)

    def _line(self, text: str, first: str = "", code: str = "") -> None:
        """Show a message, its first words in a style; what it quotes cannot steer the terminal."""
        line = _styled(first, code) + printable(text, len(text))
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints


class Progress:
    """A bar on a terminal once the work takes over two seconds; elsewhere a line every thirty seconds."""

    def __init__(
        self,
        console: Console,
        label: str,
        total: int | None,
        unit: str,
        share: Callable[[], float | None],
    ) -> None:
        self._console = console
        self._label = label
        self._total = total
        self._unit = unit
        self._share = share
        self._done = 0
        self._started = time.monotonic()
        self._last_line = self._started
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, amount: int) -> None:
        """Count `amount` more units of work."""
        self._done += amount
        if self._console.quiet:
            return
        now = time.monotonic()
        if not sys.stderr.isatty():
            if now - self._last_line >= _PLAIN_LINE_EVERY_S:
                self._last_line = now
                self._console.note(f"{self._label}: {self._progress(now)}")
            return
        if self._bar is None and now - self._started >= _PROGRESS_AFTER_S:
            self._bar = _bar()
            self._task = self._bar.add_task(self._label, progress="")
            self._bar.start()
        if self._bar is not None:
            self._bar.update(
                self._task, completed=self._done, total=self._expected(), progress=self._progress(now)
            )

    def _expected(self) -> float | None:
        """How much there is to do: as known, or as what was done so far promises."""
        if self._total is not None:
            return self._total
        share = self._share()
        return self._done / share if share else None

    def _progress(self, now: float) -> str:
        """What is done, how fast, and how long the rest will take."""
        rate = self._done / (now - self._started)
        shown = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        of = "" if self._total is None else f" of {self._total:,}"
        expected = self._expected()
        left = "" if expected is None or not rate else f", {_span((expected - self._done) / rate)} left"
        return f"{self._done:,}{of} {self._unit}, {shown}{left}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _HOURS_FROM_S else str(timedelta(seconds=round(seconds)))


def _bar() -> Any:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[progress]}", markup=False),
        console=RichConsole(stderr=True),
        transient=True,
    )


def _styled(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty()
    return text if plain or not text else f"\x1b[{code}m{text}\x1b[0m"
