"""Attention in a packed batch: of all its sequences at once, or of those of equal length side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.compute.batching import Group
from adcli.core.compute.forward import PackedBatch

LEAST_SUM, GREATEST_SUM = 1e-30, 1e35


class Attention:
    """What each token takes from its own sequence, here of the sequences of each length side by side."""

    name: ClassVar[str] = ""  # what computes, in words, where device and precision do not say it

    def __init__(self, heads: int) -> None:
        self.heads = heads

    def layout(self, batch: PackedBatch) -> Any:
        """What `fill` has to know of a batch, the same for all layers: the runs of equal length."""
        return batch.groups

    def fill(self, context: torch.Tensor, projected: torch.Tensor, layout: Any) -> None:
        """Fill `context`, (tokens, width), from `projected`, (tokens, 3 width): queries, keys, values.

        Queries are scaled already.
        """
        raise NotImplementedError


class VariableLengthAttention(Attention):
    """Attention of all sequences of a batch in one kernel: FlashAttention, on CUDA in half precision.

    Source: Dao, "FlashAttention-2" (2023).
    """

    name: ClassVar[str] = "FlashAttention over sequences of any lengths"

    def __init__(self, heads: int, device: str) -> None:
        from torch.nn.attention.varlen import varlen_attn

        super().__init__(heads)
        self._device = device
        self._attend: Callable[..., Any] = varlen_attn

    def layout(self, batch: PackedBatch) -> tuple[torch.Tensor, int]:
        """(sequences + 1,) where sequences begin and the last one ends, and the longest one's length."""
        ends = np.concatenate([[0], np.cumsum(batch.lengths)]).astype(np.int32)
        return torch.from_numpy(ends).to(self._device), int(batch.lengths.max())

    def fill(self, context: torch.Tensor, projected: torch.Tensor, layout: tuple[torch.Tensor, int]) -> None:
        """Fill `context` from `projected`."""
        ends, longest = layout
        query, key, value = projected.view(len(projected), 3, self.heads, -1).unbind(1)
        attended = self._attend(query, key, value, ends, ends, longest, longest, scale=1.0)
        context.view(query.shape).copy_(attended)


class SoftmaxAttention(Attention):
    """Attention by torch's own operator, on any device and in any precision."""

    def fill(self, context: torch.Tensor, projected: torch.Tensor, layout: Sequence[Group]) -> None:
        """Fill `context` from `projected`."""
        for group in layout:
            query, key, value = _by_head(projected, group, 3 * self.heads).chunk(3, dim=1)
            attended = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
            _by_head(context, group, self.heads).copy_(attended)


class ExponentialAttention(Attention):
    """Attention in bf16 on a CPU: exp(QKᵀ) V over the row sums.

    torch's softmax takes longer than all the rest of it. Without a row's greatest score taken off first, exp
    can leave its range; a sequence whose sums show that is computed again with it taken off, whatever lies
    beside it.
    """

    def fill(self, context: torch.Tensor, projected: torch.Tensor, layout: Sequence[Group]) -> None:
        """Fill `context` from `projected`."""
        sums = context.new_empty(len(context), self.heads)
        for group in layout:
            query, key, value = self._split(projected, group)
            weight = torch.bmm(query, key.transpose(1, 2)).exp_()
            total = weight.sum(dim=-1).view(group.sequences, self.heads, group.length)
            _by_head(sums, group, self.heads)[..., 0].copy_(total)
            attended = torch.bmm(weight, value).view(*total.shape, -1)
            torch.div(attended, total.unsqueeze(-1), out=_by_head(context, group, self.heads))
        least, greatest = torch.aminmax(sums)
        if not (least > LEAST_SUM and greatest < GREATEST_SUM):
            self._repair(context, projected, layout, sums)

    def _repair(
        self, context: torch.Tensor, projected: torch.Tensor, groups: Sequence[Group], sums: torch.Tensor
    ) -> None:
        """Compute the sequences again whose sums are out of range."""
        for group in groups:
            inside = _by_head(sums, group, self.heads)[..., 0]
            safe = ((inside > LEAST_SUM) & (inside < GREATEST_SUM)).flatten(1).all(dim=1)
            for place in (~safe).nonzero()[:, 0].tolist():
                alone = Group(group.start + place * group.length, 1, group.length)
                query, key, value = (part.float() for part in self._split(projected, alone))
                weight = torch.softmax(torch.bmm(query, key.transpose(1, 2)), dim=-1)
                _by_head(context, alone, self.heads).copy_(torch.bmm(weight, value).unsqueeze(0))

    def _split(self, projected: torch.Tensor, group: Group) -> tuple[torch.Tensor, ...]:
        """Queries, keys and values of a group: (sequences × heads, length, depth) each."""
        start, sequences, length = group
        rows = projected[start : start + sequences * length].view(sequences, length, 3, self.heads, -1)
        return rows.permute(2, 0, 3, 1, 4).reshape(3, sequences * self.heads, length, -1).unbind()


def plain_attention(heads: int, device: str, dtype: torch.dtype) -> Attention:
    """The fastest attention by length for a device and a precision."""
    if device == "cpu" and dtype == torch.bfloat16:
        return ExponentialAttention(heads)
    return SoftmaxAttention(heads)


def _by_head(states: torch.Tensor, group: Group, heads: int) -> torch.Tensor:
    """(sequences, heads, length, depth) of a group, as a view into (tokens, heads × depth)."""
    start, sequences, length = group
    rows = states[start : start + sequences * length]
    return rows.view(sequences, length, heads, -1).transpose(1, 2)
