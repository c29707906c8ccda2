"""Variants of prompts being written by a packed decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.audience import Audience
from adcli.core.compute.batching import Group, IntArray, equal_length_groups
from adcli.core.compute.forward import PackedBatch
from adcli.core.writing.decoder import PackedDecoder
from adcli.core.writing.decoder_weights import DecoderWeights
from adcli.core.writing.prefix_tree import Trunk, read_prompts

BUCKET = 32  # prompts are kept in room for a multiple of so many tokens, and those of equal room go together


class Prefixes(NamedTuple):
    """One layer's keys and values of the prompts that have equal room.

    Attributes:
        keys: (prompts × key heads, depth, room).
        values: (prompts × key heads, room, depth).
    """

    keys: torch.Tensor
    values: torch.Tensor


class PackedLanguageModel(PackedDecoder):
    """A packed decoder that writes: what prompts share is read once, a prompt once for all its variants.

    Attributes:
        trunk: What the batch before began with: a batch that begins so does not read it again.
    """

    trunk: Trunk | None = None

    def refresh(self, weights: DecoderWeights) -> None:
        """Take over changed weights; what was read with the old ones is forgotten."""
        super().refresh(weights)
        self.trunk = None

    def begin(
        self, batch: PackedBatch, *, variants: int, new_tokens: int, audience: Audience | None = None
    ) -> PackedDecoding:
        """Each prompt read once, to be continued `variants` times by at most `new_tokens` tokens."""
        return PackedDecoding(self, batch, variants=variants, new_tokens=new_tokens, audience=audience)


class PackedDecoding:
    """The state of a batch of texts being written: rows are the variants of each prompt, prompt after prompt.

    Args:
        decoder: The model.
        batch: The prompts.
        variants: Texts for each prompt.
        new_tokens: Most tokens that will be written.
        audience: For whom, None for everybody.
    """

    def __init__(
        self,
        decoder: PackedLanguageModel,
        batch: PackedBatch,
        *,
        variants: int,
        new_tokens: int,
        audience: Audience | None,
    ) -> None:
        self._decoder, self._variants = decoder, variants
        prompts = np.split(batch.ids, np.cumsum(batch.lengths)[:-1])
        read = read_prompts(decoder, prompts, audience, decoder.trunk)
        decoder.trunk = read.trunk or decoder.trunk
        lengths = batch.lengths + read.learned
        self._rooms = equal_length_groups(-(-lengths // BUCKET) * BUCKET)
        self._masks = _masks(lengths, self._rooms, decoder)
        self._first = decoder.head(read.last).repeat_interleave(variants, dim=0)
        self._prefixes = [
            _in_rooms(keys, values, self._rooms) for keys, values in zip(read.keys, read.values, strict=True)
        ]
        self._lengths = torch.from_numpy(np.repeat(lengths, variants)).to(decoder.device)
        rows, depth = len(self._lengths) * decoder.key_heads, decoder.depth
        self._keys = [self._first.new_empty(rows, depth, new_tokens) for _ in decoder.layers]
        self._values = [self._first.new_empty(rows, new_tokens, depth) for _ in decoder.layers]
        self._written = 0

    def first(self) -> torch.Tensor:
        """(rows, vocabulary) scores of each row's first token."""
        return self._first

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """(rows, vocabulary) scores of the token after `tokens`, (rows,)."""
        states = self._decoder.run(tokens, self._lengths + self._written, self._attend)
        self._written += 1
        return self._decoder.head(states)

    def _attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        """What each row's new token sees: its prompt and what the row wrote, itself included."""
        now = self._written
        self._keys[layer][:, :, now], self._values[layer][:, now] = key.flatten(0, 1), value.flatten(0, 1)
        keys, values = self._keys[layer][:, :, : now + 1], self._values[layer][:, : now + 1]
        rows, heads, depth = query.shape
        key_heads = self._decoder.key_heads
        own = torch.bmm(query.reshape(rows * key_heads, -1, depth), keys)
        own = own.view(rows, heads, now + 1)
        context = torch.empty_like(query)
        start = 0
        for room, mask, prefixes in zip(self._rooms, self._masks, self._prefixes[layer], strict=True):
            end = start + room.sequences * self._variants
            part = slice(start, end)
            in_part = slice(start * key_heads, end * key_heads)
            self._attend_room(query[part], own[part], values[in_part], prefixes, mask, context[part])
            start = end
        return context

    def _attend_room(
        self,
        query: torch.Tensor,
        own: torch.Tensor,
        values: torch.Tensor,
        prefixes: Prefixes,
        mask: torch.Tensor,
        context: torch.Tensor,
    ) -> None:
        """Fill `context` of the rows whose prompts have equal room.

        Args:
            query: (rows, heads, depth).
            own: (rows, heads, written) scores of what each row wrote.
            values: (rows × key heads, written, depth) of what each row wrote.
            prefixes: Of the prompts.
            mask: (prompts × key heads, 1, room), 0 where there is a token, else -inf.
            context: (rows, heads, depth).
        """
        rows, heads, depth = query.shape
        key_heads = self._decoder.key_heads
        split = (rows // self._variants, self._variants, key_heads, heads // key_heads)

        def by_prompt(x: torch.Tensor) -> torch.Tensor:
            return x.view(*split, -1).transpose(1, 2).reshape(split[0] * key_heads, -1, x.shape[-1])

        def by_row(x: torch.Tensor) -> torch.Tensor:
            swapped = x.view(split[0], key_heads, self._variants, split[3], -1).transpose(1, 2)
            return swapped.reshape(rows, heads, -1)

        shared = torch.baddbmm(mask, by_prompt(query), prefixes.keys)
        highest = torch.maximum(by_row(shared.amax(-1, keepdim=True)), own.amax(-1, keepdim=True))
        shared = shared.sub_(by_prompt(highest)).exp_()
        own = own.sub_(highest).exp_()
        total = by_row(shared.sum(-1, keepdim=True)) + own.sum(-1, keepdim=True)
        from_prompt = by_row(torch.bmm(shared, prefixes.values))
        from_own = torch.bmm(own.view(rows * key_heads, -1, own.shape[-1]), values).view(rows, heads, depth)
        torch.div(from_prompt + from_own, total, out=context)


def _masks(lengths: IntArray, rooms: list[Group], decoder: PackedDecoder) -> list[torch.Tensor]:
    """For each room (prompts × key heads, 1, room): 0 where there is a token, else -inf."""
    masks, first = [], 0
    for room in rooms:
        its = lengths[first : first + room.sequences]
        empty = np.arange(room.length) >= np.repeat(its, decoder.key_heads)[:, None, None]
        mask = torch.zeros(empty.shape, dtype=decoder.dtype).masked_fill_(torch.from_numpy(empty), -torch.inf)
        masks.append(mask.to(decoder.device))
        first += room.sequences
    return masks


def _in_rooms(
    keys: Sequence[torch.Tensor], values: Sequence[torch.Tensor], rooms: Sequence[Group]
) -> list[Prefixes]:
    """One layer's keys and values of the prompts, put together by room."""
    prefixes, first = [], 0
    for room in rooms:
        key_heads, _, depth = keys[first].shape
        roomy_keys = keys[first].new_zeros(room.sequences, key_heads, depth, room.length)
        roomy_values = keys[first].new_zeros(room.sequences, key_heads, room.length, depth)
        for place in range(room.sequences):
            length = keys[first + place].shape[1]
            roomy_keys[place, :, :, :length] = keys[first + place].transpose(1, 2)
            roomy_values[place, :, :length] = values[first + place]
        prefixes.append(Prefixes(roomy_keys.flatten(0, 1), roomy_values.flatten(0, 1)))
        first += room.sequences
    return prefixes
