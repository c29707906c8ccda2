"""How much of a piece of work is done, told to whoever listens; nobody does unless a command shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class _Part(NamedTuple):
    """Of the whole work, what is done now: from `low` on, `width` of it."""

    tell: Callable[[float], None]
    low: float
    width: float


_now: ContextVar[_Part | None] = ContextVar("part of the work", default=None)


@contextmanager
def telling(listener: Callable[[float], None]) -> Iterator[None]:
    """While this lasts, `listener` hears how much of the work is done, from 0 to 1."""
    before = _now.get()
    _now.set(_Part(listener, 0.0, 1.0))
    try:
        yield
    finally:
        _now.set(before)


@contextmanager
def part(start: float, end: float) -> Iterator[None]:
    """What is done from here takes the work from one share of it to another; parts may have parts."""
    whole = _now.get()
    if whole is None:
        yield
        return
    own = _Part(whole.tell, whole.low + start * whole.width, (end - start) * whole.width)
    _now.set(own)
    try:
        yield
    finally:
        _now.set(whole)
    whole.tell(own.low + own.width)


def reached(share: float) -> None:
    """So much of this part of the work is done, from 0 to 1."""
    whole = _now.get()
    if whole is not None:
        whole.tell(whole.low + share * whole.width)


def steps(items: Iterable[Item], costs: Sequence[float] = ()) -> Iterator[Item]:
    """The items, each a part of the work, of equal cost unless `costs` says otherwise."""
    items = list(items)
    costs = costs or [1.0] * len(items)
    total, done = sum(costs), 0.0
    for item, cost in zip(items, costs, strict=True):
        with part(done / total, (done + cost) / total):
            yield item
        done += cost
