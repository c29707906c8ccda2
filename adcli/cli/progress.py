"""What a command is busy with: a bar on a terminal after two seconds; elsewhere a line every half minute."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

SHOWN_AFTER_S = 2.0
PLAIN_LINE_EVERY_S = 30.0
_HOURS_FROM_S = 180.0
_REDRAWN_EVERY_S = 0.25


class Screen:
    """The line of a terminal that says what is being done, the innermost of what is.

    A thread of its own draws it, as the work at hand may not come back for long.
    """

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on
        self._open: list[Progress] = []
        self._lock = threading.Lock()
        self._quiet_since = 0.0
        self._bar: Any = None
        self._task: Any = None

    def enter(self, progress: Progress) -> None:
        """Show this from now on."""
        with self._lock:
            self._open.append(progress)
            if len(self._open) > 1 or not self._is_on or not sys.stderr.isatty():
                return
            self._quiet_since = time.monotonic()
        threading.Thread(target=self._draw_on, daemon=True).start()

    def leave(self, progress: Progress) -> None:
        """It is done: show again what it was a part of."""
        with self._lock:
            self._open.remove(progress)
            if not self._open:
                self._hide()

    def hide(self) -> None:
        """Make room for what is written to the terminal now."""
        with self._lock:
            self._hide()

    def _hide(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._quiet_since = None, time.monotonic()

    def _draw_on(self) -> None:
        while True:
            time.sleep(_REDRAWN_EVERY_S)
            with self._lock:
                if not self._open:
                    return
                if self._bar is not None or time.monotonic() - self._quiet_since >= SHOWN_AFTER_S:
                    self._draw(self._open[-1])

    def _draw(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar = _bar()
            self._task = self._bar.add_task("", progress="")
            self._bar.start()
        done, total, text = progress.state(time.monotonic())
        self._bar.update(
            self._task, description=progress.label, completed=done, total=total, progress=text, refresh=True
        )


class Progress:
    """Some work: how much of it is done, counted by calling this or told as a share of the whole."""

    def __init__(
        self,
        screen: Screen,
        say: Callable[[str], None],
        label: str,
        total: int | None,
        unit: str,
        share: Callable[[], float | None],
    ) -> None:
        self.label = label
        self._screen = screen
        self._say = say
        self._total = total
        self._unit = unit
        self._share = share
        self._done = 0
        self._started = self._last_line = time.monotonic()
        self._reached, self._reached_at = 0.0, 0.0

    def __enter__(self) -> Self:
        self._screen.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.leave(self)

    def __call__(self, amount: int) -> None:
        """Count `amount` more units of work."""
        self._done += amount
        now = time.monotonic()
        if now - self._last_line >= PLAIN_LINE_EVERY_S and not sys.stderr.isatty():
            self._last_line = now
            self._say(f"{self.label}: {self._counted(now)}")

    def reach(self, share: float) -> None:
        """So much of the whole is done, from 0 to 1."""
        self._reached, self._reached_at = share, time.monotonic() - self._started

    def state(self, now: float) -> tuple[float, float | None, str]:
        """What is done, of how much, and that in words."""
        if self._done:
            return self._done, self._expected(), self._counted(now)
        if not self._reached:
            return 0, None, _span(now - self._started)
        left = self._reached_at / self._reached - (now - self._started)
        return self._reached, 1, f"{self._reached:.0%}" + (f", {_span(left)} left" if left > 0 else "")

    def _expected(self) -> float | None:
        """How much there is to do: as known, or as what was done so far promises."""
        if self._total is not None:
            return self._total
        share = self._share()
        return self._done / share if share else None

    def _counted(self, now: float) -> str:
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
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[progress]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        redirect_stdout=False,
        transient=True,
    )
