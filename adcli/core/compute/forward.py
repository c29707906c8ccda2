"""The seam between batching and a model: token ids in, token states out.

Batches come packed: sequences one after another, sorted by length, nothing padded. `AutoModelForward` runs
any architecture transformers knows; `adcli.core.encoding.packed` runs the BERT family without padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Integers, Integers32
from adcli.core.compute.batching import Group, equal_length_groups
from adcli.core.compute.linear_modules import exchange_linears


class PackedBatch(NamedTuple):
    """Sequences one after another."""

    ids: Integers32  # (tokens,) token ids
    lengths: Integers  # (sequences,) tokens of each, descending
    groups: list[Group]  # the runs of equal length

    @classmethod
    def of(cls, ids: Integers32, lengths: Integers) -> PackedBatch:
        """A batch of sequences that lie one after another in `ids`."""
        return cls(ids, lengths, equal_length_groups(lengths))

    @classmethod
    def of_each(cls, sequences: Sequence[Integers32]) -> PackedBatch:
        """A batch of these sequences, the longest first."""
        return cls.of(np.concatenate(sequences), np.array([len(ids) for ids in sequences]))


def padded(
    ids: Integers32, lengths: npt.ArrayLike, device: str, *, filler: int = 0, on_left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences that lie one after another as rows of one length, and which of it are tokens.

    Args:
        ids: (tokens,) of all sequences.
        lengths: (n,) tokens of each.
        device: Where to.
        filler: What stands where there is no token.
        on_left: Whether that is before a sequence, and not after it.
    """
    size = np.asarray(lengths, np.int64)
    place = np.arange(int(size.max()))
    there = (place[::-1] if on_left else place) < size[:, None]
    filled = np.full(there.shape, filler, np.int64)
    filled[there] = ids
    return torch.from_numpy(filled).to(device), torch.from_numpy(there).to(device)


class ForwardPass(Protocol):
    """A model as a function of a packed batch."""

    name: str  # what computes, in words
    width: int  # numbers in a token's state
    # padding the batcher may let arise, as a share of tokens; None if sequences of any lengths can share a
    # batch without padding
    max_padding: float | None

    def __call__(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, width) states of the batch's tokens, in its order."""
        ...

    def layers(self, batch: PackedBatch) -> Iterator[torch.Tensor]:
        """The same of the embeddings, and then of each layer."""
        ...


class AutoModelForward:
    """Any encoder that transformers loads, with padding and an attention mask."""

    max_padding: float | None = 0.02

    def __init__(self, model: Any, device: str, dtype: torch.dtype, *, onednn: bool = False) -> None:
        self._model = model.to(device=device, dtype=dtype)
        if onednn:
            exchange_linears(self._model)
        self._device = device
        self._filler = model.config.pad_token_id or 0
        self.width = int(model.config.hidden_size)
        self.name = f"{type(model).__name__} of transformers" + (", oneDNN projections" if onednn else "")

    def __call__(self, batch: PackedBatch) -> torch.Tensor:
        """(tokens, width) states of the batch's tokens, in its order."""
        output, there = self._output(batch)
        states: torch.Tensor = output.last_hidden_state[there]
        return states

    def layers(self, batch: PackedBatch) -> Iterator[torch.Tensor]:
        """The same of the embeddings, and then of each layer."""
        output, there = self._output(batch, output_hidden_states=True)
        yield from (states[there] for states in output.hidden_states)

    def _output(self, batch: PackedBatch, **asked: bool) -> tuple[Any, torch.Tensor]:
        """What the model gives for the batch, padded, and which of it are tokens."""
        ids, there = padded(batch.ids, batch.lengths, self._device, filler=self._filler)
        output = self._model(input_ids=ids, attention_mask=there.long(), use_cache=False, **asked)
        return output, there
