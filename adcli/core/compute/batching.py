"""Which texts go through the model together: distinct ones once, by length, under a budget of tokens.

    texts, place = distinct(["mug", "cup", "mug"])        # -> ['mug', 'cup'], [0, 1, 0]
    plan_batches(lengths, token_budget=4096)              # -> arrays of positions, longest first

Source: Krell et al., "Efficient Sequence Packing without Cross-contamination" (2021), for why padding costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from adcli.arrays import Integers

IntArray = Integers
Item = TypeVar("Item")

UNIT_BATCHES = 16
STRIDES = (0, 4, 2, 6, 1, 5, 3, 7)  # so that lengths between those done come next


class Group(NamedTuple):
    """Sequences of one length that lie one after another in a batch."""

    start: int  # position of the first token in the batch
    sequences: int  # how many
    length: int  # tokens in each


def distinct(texts: Sequence[str]) -> tuple[list[str], Integers]:
    """The distinct texts in order of first appearance, and for each text its place among them.

    `[texts[i] for i in place]` gives the input back.
    """
    once = list(dict.fromkeys(texts))
    at = {text: place for place, text in enumerate(once)}
    return once, np.fromiter(map(at.__getitem__, texts), np.int64, len(texts))


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def plan_batches(
    lengths: npt.ArrayLike, *, token_budget: int, max_padding: float | None = None
) -> list[Integers]:
    """Positions of the sequences of each batch, longest first, so that a batch too large fails at once.

    Each sequence is in exactly one batch. A batch's tokens stay within the budget unless it is one sequence
    alone.

    Args:
        lengths: (n,) tokens of each sequence.
        token_budget: Tokens of a batch, padding included.
        max_padding: Padding a batch may have as a share of its tokens; None where the model takes sequences
            of any lengths side by side without padding them.
    """
    size = np.asarray(lengths, np.int64)
    order = np.argsort(-size, kind="stable")
    batches: list[Integers] = []
    start, tokens = 0, 0
    for end, sequence in enumerate(order):
        longest, count = int(size[order[start]]), end - start + 1
        more = tokens + int(size[sequence])
        room = more if max_padding is None else longest * count
        wasted = 0.0 if max_padding is None else 1.0 - more / max(longest * count, 1)
        if end > start and (room > token_budget or wasted > (max_padding or 0.0)):
            batches.append(order[start:end])
            start, more = end, int(size[sequence])
        tokens = more
    if len(order):
        batches.append(order[start:])
    return batches


def plan_batches_of_texts(
    owner: Integers, lengths: Integers, *, token_budget: int, max_padding: float | None = None
) -> Iterator[Integers]:
    """Positions of the windows of each batch, so that texts of several windows are soon done.

    Texts go through the model in units of similar length, all windows of a text in one unit, and what is done
    after a time is a fair sample of all: the units are taken in strides over the lengths, the longest first.

    Args:
        owner: (windows,) the text of each window, ascending.
        lengths: (windows,) tokens of each.
        token_budget: Tokens of a batch, padding included.
        max_padding: As in `plan_batches`.
    """
    tokens = np.bincount(owner, weights=lengths).astype(np.int64)
    first = np.searchsorted(owner, np.arange(len(tokens) + 1))
    units = plan_batches(tokens, token_budget=UNIT_BATCHES * token_budget)
    for unit in (unit for start in STRIDES for unit in units[start :: len(STRIDES)]):
        windows = np.concatenate([np.arange(first[text], first[text + 1]) for text in unit])
        for batch in plan_batches(lengths[windows], token_budget=token_budget, max_padding=max_padding):
            yield windows[batch]


def equal_length_groups(lengths: npt.ArrayLike) -> list[Group]:
    """The runs of equal length in a batch, which attention takes without padding.

    `lengths` (n,) tokens of each sequence, in the batch's order.
    """
    size = np.asarray(lengths, np.int64)
    if not len(size):
        return []
    borders = np.flatnonzero(np.diff(size)) + 1
    starts = np.concatenate([[0], borders])
    counts = np.diff(np.concatenate([starts, [len(size)]]))
    first_token = np.concatenate([[0], np.cumsum(size)])
    return [Group(int(first_token[s]), int(c), int(size[s])) for s, c in zip(starts, counts, strict=True)]
