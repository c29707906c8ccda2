"""Prompts that begin alike, read once where they do: a tree of blocks of tokens, level by level.

A block is shared only where it is whole, and a prompt's blocks lie at the same places whatever is read beside
it; so a prompt's keys and values do not depend on which prompts share its beginning.

Source: Zheng et al., "SGLang: Efficient Execution of Structured Language Model Programs" (2024), section 3
(RadixAttention); Kwon et al., "PagedAttention" (2023), section 4.4, for whole blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.audience import Audience
from adcli.core.compute.forward import PackedBatch
from adcli.core.writing.decoder import PackedDecoder, causal_mask, of_group
from adcli.core.writing.prompts import Ids

BLOCK = 32  # tokens of a block


class Level(NamedTuple):
    """The distinct blocks that begin at one place of the prompts.

    Attributes:
        batch: Their tokens, whole blocks first.
        parents: (blocks,) the place of each one's beginning among the blocks of the level before.
    """

    batch: PackedBatch
    parents: torch.Tensor


class Trunk(NamedTuple):
    """The beginning that all prompts of a batch share, as it was read.

    Attributes:
        ids: Its tokens, whole blocks of them.
        audience: For whom, None for everybody.
        layers: For each layer keys and values, (1, key heads, length, depth), of a learned prefix too.
    """

    ids: Ids
    audience: Audience | None
    layers: list[tuple[torch.Tensor, torch.Tensor]]


class ReadPrompts(NamedTuple):
    """Prompts that were read.

    Attributes:
        last: (prompts, width) states of their last tokens.
        keys: For each layer, for each prompt (key heads, length, depth).
        values: Likewise.
        learned: Tokens that a learned prefix takes the place of, before each.
        trunk: What they share from their first token on, for the next batch.
    """

    last: torch.Tensor
    keys: list[list[torch.Tensor]]
    values: list[list[torch.Tensor]]
    learned: int
    trunk: Trunk | None


def levels_of(prompts: Sequence[Ids]) -> tuple[list[Level], list[tuple[int, int]]]:
    """The tree, and for each prompt the level and place of its last block."""
    levels, ends = [], [(0, 0)] * len(prompts)
    places: list[int] = [0] * len(prompts)
    for start in range(0, max(map(len, prompts)), BLOCK):
        going = [number for number, ids in enumerate(prompts) if len(ids) > start]
        own = {number: prompts[number][start : start + BLOCK] for number in going}
        distinct: dict[tuple[int, bytes], int] = {}
        for number in sorted(going, key=lambda number: -len(own[number])):
            distinct.setdefault((places[number], own[number].tobytes()), number)
        found = {key: place for place, key in enumerate(distinct)}
        blocks = PackedBatch.of_each([own[number] for number in distinct.values()])
        levels.append(Level(blocks, torch.tensor([parent for parent, _ in distinct])))
        for number in going:
            places[number] = found[places[number], own[number].tobytes()]
            ends[number] = (len(levels) - 1, places[number])
    return levels, ends


def read_prompts(
    decoder: PackedDecoder,
    prompts: Sequence[Ids],
    audience: Audience | None = None,
    known: Trunk | None = None,
) -> ReadPrompts:
    """Keys, values and last states of prompts, each shared beginning read once.

    Args:
        decoder: The model.
        prompts: Token ids.
        audience: For whom, None for everybody.
        known: What the model has read before; where these prompts begin so, it is not read again.
    """
    levels, ends = levels_of(prompts)
    single = next((at for at, level in enumerate(levels) if len(level.batch.lengths) > 1), len(levels))
    shared = min(single, *(at for at, _ in ends))
    known = known if known and known.audience == audience else None
    skipped = _blocks_alike(prompts[0][: shared * BLOCK], known.ids) if known else 0
    prefix = decoder.prefix_for(audience)
    before, learned = prefix.layers, prefix.length
    if known and skipped:
        length = learned + skipped * BLOCK
        before = [(keys[:, :, :length], values[:, :, :length]) for keys, values in known.layers]
    trunk = known if skipped and skipped == shared else None
    last: list[torch.Tensor] = [torch.empty(0)] * len(prompts)
    keys: list[list[torch.Tensor]] = [[torch.empty(0)] * len(prompts) for _ in decoder.layers]
    values: list[list[torch.Tensor]] = [[torch.empty(0)] * len(prompts) for _ in decoder.layers]
    for number, level in list(enumerate(levels))[skipped:]:
        reading = _LevelReading(decoder, level, before, learned + number * BLOCK)
        states = reading.states()
        stops = np.cumsum(level.batch.lengths) - 1
        for prompt, (at, place) in enumerate(ends):
            if at == number:
                last[prompt] = states[stops[place]]
                for layer in range(len(decoder.layers)):
                    keys[layer][prompt], values[layer][prompt] = reading.whole(layer, place)
        before = reading.full_blocks()
        if number == shared - 1:
            trunk = Trunk(prompts[0][: shared * BLOCK], audience, before)
    return ReadPrompts(torch.stack(last), keys, values, learned, trunk)


def _blocks_alike(ids: Ids, others: Ids) -> int:
    """How many whole blocks the two begin with in common."""
    length = min(len(ids), len(others))
    return int(np.cumprod(ids[:length] == others[:length]).sum()) // BLOCK


class _LevelReading:
    """One level being read: its blocks attend to what lies before them and causally to themselves."""

    def __init__(
        self,
        decoder: PackedDecoder,
        level: Level,
        before: Sequence[tuple[torch.Tensor, torch.Tensor]],
        start: int,
    ) -> None:
        self._decoder, self._level, self._before, self._start = decoder, level, before, start
        self._kept: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in decoder.layers]

    def states(self) -> torch.Tensor:
        """(tokens, width) final states."""
        batch, device = self._level.batch, self._decoder.device
        inside = np.concatenate([np.arange(length) for length in batch.lengths])
        positions = torch.from_numpy(inside + self._start).to(device)
        return self._decoder.run(torch.from_numpy(batch.ids).to(device), positions, self._attend)

    def whole(self, layer: int, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values (key heads, length, depth) from the first token to the end of a block."""
        for group, (keys, values) in zip(self._level.batch.groups, self._kept[layer], strict=True):
            if place < group.sequences:
                return keys[place], values[place]
            place -= group.sequences
        raise IndexError(place)

    def full_blocks(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For each layer keys and values of the blocks that others can follow, which are the first group."""
        return [kept[0] for kept in self._kept]

    def _attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        context, first = torch.empty_like(query), 0
        for group in self._level.batch.groups:
            q, k, v = (of_group(states, group) for states in (query, key, value))
            if self._before:
                parents = self._level.parents[first : first + group.sequences].to(query.device)
                past_keys, past_values = self._before[layer]
                k = torch.cat([past_keys[parents], k], dim=2)
                v = torch.cat([past_values[parents], v], dim=2)
            self._kept[layer].append((k, v))
            shared = self._decoder.heads // self._decoder.key_heads
            attended = functional.scaled_dot_product_attention(
                q,
                k.repeat_interleave(shared, dim=1),
                v.repeat_interleave(shared, dim=1),
                attn_mask=causal_mask(q, k),
                scale=1.0,
            )
            of_group(context, group).copy_(attended)
            first += group.sequences
        return context
