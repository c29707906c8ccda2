"""Texts as tokens: nothing is cut off silently, long texts become windows.

reader = TextReader.load(path, max_length=256)
tokens = reader.read(["a mug", long_review])        # tokens.owner tells which window is whose
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from adcli.arrays import Integers, Integers32
from adcli.core.encoding.pooling import PoolingRule
from adcli.core.models.loading import load_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_WINDOWS = 64
CHARACTERS_PER_TOKEN = 16
TEXTS_AT_ONCE = 2_048  # the tokenizer's own records of a text take much more room than its tokens
CHARACTERS_AT_ONCE = 2_000_000


class Tokens(NamedTuple):
    """Windows of texts, one after another."""

    ids: Integers32  # (tokens,) ids of all windows
    lengths: Integers  # (windows,) tokens of each, special ones included
    owner: Integers  # (windows,) position of the text each belongs to, ascending

    def flat(self, windows: Integers) -> Integers32:
        """The ids of some windows, one after another."""
        end = np.cumsum(self.lengths)
        return np.concatenate([self.ids[end[w] - self.lengths[w] : end[w]] for w in windows])


class TextReader:
    """Cuts texts into tokens, and texts longer than the model's limit into windows.

    A window has the model's special tokens around it and shares `overlap` tokens with the one before. At most
    64 windows of a text are read (16,000 tokens at a limit of 256); what lies beyond says little more about
    a product or a review.
    """

    def __init__(
        self, tokenizer: Tokenizer, filler: int, rule: PoolingRule, max_length: int, windows: int
    ) -> None:
        self._tokenizer = tokenizer
        self._filler = filler
        self._rule = rule
        self.max_length = max_length
        self.windows = windows
        self.overlap = max_length // 8 if windows > 1 else 0
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length, stride=self.overlap)

    @classmethod
    def load(
        cls, path: Path, rule: PoolingRule, *, position_limit: int, max_length: int | None, windows: int
    ) -> TextReader:
        """The reader of the model in `path`.

        Args:
            path: The model's folder.
            rule: The model's own reading rule.
            position_limit: Tokens the model has positions for.
            max_length: Tokens of a window; None takes the model's own limit.
            windows: Windows read of one text; 1 cuts long texts off.
        """
        tokenizer = load_tokenizer(path)
        own = rule.max_length or min(tokenizer.model_max_length, position_limit)
        special = [tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id]
        filler = next((token for token in special if token is not None), 0)
        limit = min(max_length or own, position_limit)
        return cls(tokenizer.backend_tokenizer, filler, rule, limit, windows)

    def read(self, texts: Sequence[str]) -> Tokens:
        """The tokens of the texts. An empty text is the model's special tokens around nothing."""
        longest = self.windows * self.max_length * CHARACTERS_PER_TOKEN
        prepared = [self._prepare(text, longest) for text in texts]
        parts = [self._read(prepared[part], part.start) for part in _at_once(prepared)]
        return Tokens(*(np.concatenate(field) for field in zip(*parts, strict=True)))

    def _read(self, prepared: Sequence[str], first: int) -> Tokens:
        """The tokens of a few texts, the first of which is number `first`."""
        ids: list[int] = []
        lengths: list[int] = []
        owner: list[int] = []
        for position, encoding in enumerate(self._tokenizer.encode_batch_fast(prepared), start=first):
            beginning = encoding.ids or [self._filler]
            rest = [more.ids for more in encoding.overflowing[: self.windows - 1]] if self.windows > 1 else []
            for window in (beginning, *rest):
                ids += window
                lengths.append(len(window))
                owner.append(position)
        return Tokens(np.array(ids, np.int32), np.array(lengths, np.int64), np.array(owner, np.int64))

    def _prepare(self, text: str, longest: int) -> str:
        cut = (self._rule.prompt + text)[:longest]
        return cut.lower() if self._rule.lowercase else cut


def _at_once(texts: Sequence[str]) -> Iterator[slice]:
    """Slices of the texts that are few and short enough for the tokenizer to read at once."""
    start = characters = 0
    for end, text in enumerate(texts):
        characters += len(text)
        if end > start and (end - start >= TEXTS_AT_ONCE or characters > CHARACTERS_AT_ONCE):
            yield slice(start, end)
            start, characters = end, len(text)
    yield slice(start, len(texts))
