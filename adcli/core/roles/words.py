"""Words to the tokens of an encoder, and token states back to states of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.core.compute.batching import IntArray

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

_WORD = re.compile(r"\w+(?:[.,]\d+)*(?=n['’]t\b)|n['’]t\b|['’]\w+|\w+(?:[.,]\d+)*|[^\w\s]", re.IGNORECASE)


def words_of(text: str) -> tuple[str, ...]:
    """The words and marks of a sentence, cut as Universal Dependencies cuts them: `do n't`, `15 - year`."""
    return tuple(_WORD.findall(text))


class Tokens(NamedTuple):
    """Sentences as tokens.

    Attributes:
        ids: Of each sentence the token ids, special ones included.
        first: Of each sentence the place of each word's first token; words beyond the longest input have
            none.
    """

    ids: Sequence[npt.NDArray[np.int32]]
    first: Sequence[IntArray]

    @property
    def lengths(self) -> IntArray:
        """(sentences,) tokens of each."""
        return np.array([len(ids) for ids in self.ids], np.int64)

    def those(self, members: Iterable[int]) -> Tokens:
        """Those of some sentences."""
        return Tokens(*zip(*((self.ids[member], self.first[member]) for member in members), strict=True))


def read_words(
    tokenizer: PreTrainedTokenizerBase, sentences: Sequence[Sequence[str]], max_length: int
) -> Tokens:
    """Sentences, given as words, as tokens. A word that the model does not read has the token before it."""
    ids, first = [], []
    read = tokenizer(
        [list(words) for words in sentences], is_split_into_words=True, truncation=True, max_length=max_length
    )
    for place in range(len(sentences)):
        owners = read.word_ids(place)
        begins = {owner: token for token, owner in reversed(list(enumerate(owners))) if owner is not None}
        ids.append(np.array(read["input_ids"][place], np.int32))
        starts: list[int] = []
        for word in range(max(begins, default=-1) + 1):  # such as a mark that is stripped from letters
            starts.append(begins.get(word, starts[-1] if starts else 0))
        first.append(np.array(starts, np.int64))
    return Tokens(ids, first)


def padded_words(states: torch.Tensor, tokens: Tokens) -> tuple[torch.Tensor, torch.Tensor]:
    """The state of each word's first token, sentences filled up with zeros, and which are words.

    Args:
        states: (tokens, width) of the sentences, one after another.
        tokens: The sentences.
    """
    import torch

    starts = np.cumsum(tokens.lengths) - tokens.lengths
    places = [torch.from_numpy(start + first) for start, first in zip(starts, tokens.first, strict=True)]
    words = torch.nn.utils.rnn.pad_sequence(
        [states[place.to(states.device)] for place in places], batch_first=True
    )
    counts = torch.tensor([len(place) for place in places], device=states.device)
    return words, torch.arange(words.shape[1], device=states.device) < counts[:, None]
