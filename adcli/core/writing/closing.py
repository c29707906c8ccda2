"""Texts that end within so many display columns: nothing is written that would pass them, so nothing is cut.

As a text runs short of room, tokens that end a sentence become likelier; where only they fit, one is forced.
The text is over with its first sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch  # noqa: TID253 - this module is reached only once a model is loaded

ANY_ROOM = 1 << 30  # columns of a text that may take any number, and of sentences too
SCARCE = 32  # columns below which ending becomes likelier
URGE = 6.0  # nats that ending gains until no room is left
NEXT_WORD = 9  # columns that are kept for the word that must follow one of `UNFINISHED`
UNFINISHED = frozenset({
    "a", "an", "the", "of", "to", "and", "or", "with", "for", "from", "in", "on", "at", "by", "as", "that",
    "which", "is", "are", "it", "its", "it's", "that's", "your", "you", "their", "his", "her", "our", "my",
    "this", "these", "into", "than", "but", "while", "so", "very", "more",
})  # fmt: skip
"""Words that no sentence ends with."""
_ENDS = tuple(".!?。！？")
_AFTER_THE_END = "\"')]”’）」』"


class TokenShapes(NamedTuple):
    """What matters of a vocabulary to where texts end.

    Attributes:
        columns: (vocabulary,) that a token takes at most, however they are counted; 0 for `stops`.
        room: (vocabulary,) the same with what must follow it to end the sentence.
        ends: (vocabulary,) whether a sentence is over with it.
        fails: (vocabulary,) whether it ends a text without ending a sentence.
        numeric: (vocabulary,) whether it ends in a digit, after which a full stop may be a decimal point.
        points: (vocabulary,) whether it is nothing but that.
    """

    columns: torch.Tensor
    room: torch.Tensor
    ends: torch.Tensor
    fails: torch.Tensor
    numeric: torch.Tensor
    points: torch.Tensor

    @classmethod
    def of(cls, texts: Sequence[str], stops: Sequence[int]) -> Self:
        """The shapes of tokens from their texts; `stops` end a text."""
        over = [text.rstrip(_AFTER_THE_END).endswith(_ENDS) and "\n" not in text for text in texts]
        halts = [place in set(stops) or "\n" in text for place, text in enumerate(texts)]
        if not any(over):  # a vocabulary without a full stop
            over, halts = halts, [False] * len(texts)
        columns = [columns_at_most(text) for text in texts]
        room = [
            wide + (not end) * (NEXT_WORD if text.strip().lower() in UNFINISHED else 1)
            for text, wide, end in zip(texts, columns, over, strict=True)
        ]
        for stop in stops:
            columns[stop] = room[stop] = 0
        return cls(
            torch.tensor(columns, dtype=torch.int32),
            torch.tensor(room, dtype=torch.int32),
            torch.tensor(over),
            torch.tensor(halts),
            torch.tensor([text[-1:].isdigit() for text in texts]),
            torch.tensor([text == "." for text in texts]),
        )


def columns_at_most(text: str) -> int:
    """The display columns of a text, a character beyond ASCII being two; half a character (`�`) is one."""
    return len(text) + sum(not character.isascii() and character != "�" for character in text)


class Closing:
    """The room that each row of a batch has left.

    Args:
        shapes: Of the vocabulary.
        columns: (rows,) that each may take; `ANY_ROOM` where it is free.
        device: Where scores are.
    """

    def __init__(self, shapes: TokenShapes, columns: Sequence[int], device: str) -> None:
        self._shapes = TokenShapes(*(part.to(device) for part in shapes))
        self._left = torch.tensor(columns, dtype=torch.int32, device=device).clamp_(min=0)
        self._limited = self._left < ANY_ROOM
        self._after_digit = torch.zeros_like(self._limited)

    def limit(self, scores: torch.Tensor, *, last: bool) -> torch.Tensor:
        """(rows, vocabulary) scores with -inf for what does not fit; at the `last` token all but endings."""
        size = scores.shape[1]
        ends = self._shapes.ends[:size]
        left = self._left[:, None]
        unfit = self._shapes.room[:size] > left
        unfit |= (self._shapes.fails[:size] | (~ends & last)) & (self._limited[:, None] & (left > 0))
        urge = URGE * (1 - left / SCARCE).clamp_(min=0).to(scores.dtype)
        return (scores + urge * ends).masked_fill_(unfit, -torch.inf)

    def take(self, tokens: torch.Tensor) -> torch.Tensor:
        """(rows,) whether each limited row is over with its token."""
        self._left -= self._shapes.columns[tokens]
        is_decimal = self._shapes.points[tokens] & self._after_digit
        self._after_digit = self._shapes.numeric[tokens]
        return self._shapes.ends[tokens] & ~is_decimal & self._limited
