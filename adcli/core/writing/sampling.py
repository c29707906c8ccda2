"""Sampling from a language model, each row from its own stream of random numbers.

What is sampled for a row depends on the model, its prompt, the settings, the seed, the row's number and the
variant, and not on the rows beside it.

Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020), section 3.1, for top-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.adapters.audience import Audience
from adcli.core.compute.forward import PackedBatch
from adcli.core.writing.closing import Closing
from adcli.core.writing.language_model import LanguageModel
from adcli.core.writing.prompts import Ids
from adcli.core.writing.settings import WritingSettings

BLOCK = 256  # tokens whose probabilities are summed before one of them is looked for


class Choice(NamedTuple):
    """One token for each row.

    Attributes:
        tokens: (rows,) ids.
        log_probability: (rows,) under the distribution that was sampled from.
        model_log_probability: (rows,) under the model itself: temperature 1, nothing left out.
    """

    tokens: torch.Tensor
    log_probability: torch.Tensor
    model_log_probability: torch.Tensor


class Samples(NamedTuple):
    """Continuations of prompts: `n` rows for each prompt, prompts in order; zeros beyond a row's length.

    Attributes:
        tokens: (rows, longest) ids.
        lengths: (rows,) tokens of each, the one that ends it included.
        log_probability: (rows, longest) of each token under the distribution that was sampled from.
        model_log_probability: (rows, longest) under the model itself: temperature 1, nothing left out.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    log_probability: torch.Tensor
    model_log_probability: torch.Tensor

    def ids(self) -> list[list[int]]:
        """The tokens of each row."""
        rows, lengths = self.tokens.tolist(), self.lengths.tolist()
        return [row[:length] for row, length in zip(rows, lengths, strict=True)]

    @classmethod
    def joined(cls, parts: Sequence[tuple[npt.ArrayLike, Samples]]) -> Self:
        """The samples of several batches as one, on the CPU.

        Args:
            parts: (rows,) the place of each row of a batch in the whole, and the batch's samples.
        """
        places = torch.cat([torch.as_tensor(place) for place, _ in parts])
        longest = max(samples.tokens.shape[1] for _, samples in parts)
        fields = []
        for name in cls._fields:
            values = [getattr(samples, name).cpu() for _, samples in parts]
            if name != "lengths":
                values = [functional.pad(value, (0, longest - value.shape[1])) for value in values]
            together = torch.cat(values)
            fields.append(torch.empty_like(together).index_copy_(0, places, together))
        return cls(*fields)


def sample_batch(
    model: LanguageModel,
    prompts: Sequence[Ids],
    numbers: Sequence[int],
    settings: WritingSettings,
    *,
    stops: Sequence[int],
    device: str,
    closing: Closing | None = None,
    audience: Audience | None = None,
) -> Samples:
    """Continuations of each prompt, computed together.

    Args:
        model: Gives scores of next tokens.
        prompts: Token ids, the longest first.
        numbers: The row number of each prompt, which its random numbers depend on.
        settings: How.
        stops: Tokens that end a text.
        device: Where the model computes.
        closing: The room that each row has; None for any.
        audience: For whom all of them are, None for everybody.
    """
    limit, n = settings.max_new_tokens, settings.n
    streams = [uniform_stream(settings.seed, row, variant, limit) for row in numbers for variant in range(n)]
    uniform = torch.from_numpy(np.stack(streams)).to(device)
    batch = PackedBatch.of_each(prompts)
    decoding = model.begin(batch, variants=n, new_tokens=limit, audience=audience)
    ending = torch.tensor(stops, device=device)
    chosen: list[Choice] = []
    ended = torch.zeros(len(streams), dtype=torch.bool, device=device)
    lengths = torch.zeros(len(streams), dtype=torch.int64, device=device)
    for place in range(limit):
        scores = decoding.step(chosen[-1].tokens) if chosen else decoding.first()
        if closing is not None:
            scores = closing.limit(scores, last=place == limit - 1)
        lengths += ~ended
        chosen.append(choose_tokens(scores, uniform[:, place], settings))
        ended |= torch.isin(chosen[-1].tokens, ending)
        if closing is not None:
            ended |= closing.take(chosen[-1].tokens)
        if bool(ended.all()):
            break
    inside = torch.arange(len(chosen), device=device) < lengths[:, None]
    tokens, sampled, plain = (torch.stack(field, dim=1) * inside for field in zip(*chosen, strict=True))
    return Samples(tokens, lengths, sampled, plain)


def uniform_stream(seed: int, row: int, variant: int, length: int) -> npt.NDArray[np.float64]:
    """(length,) numbers in [0, 1) that belong to one variant of one row, whatever is written beside it."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, row, variant])))
    return generator.random(length)


def choose_tokens(scores: torch.Tensor, uniform: torch.Tensor, settings: WritingSettings) -> Choice:
    """One token for each row of scores.

    Args:
        scores: (rows, vocabulary).
        uniform: (rows,) a random number in [0, 1) each.
        settings: Temperature, top-k and top-p.
    """
    plain = torch.log_softmax(scores, dim=-1, dtype=torch.float32)
    if settings.temperature == 0:
        tokens = scores.argmax(dim=-1)
        sampled = torch.zeros_like(plain[:, 0])
    elif not settings.top_k and settings.top_p == 1:
        tokens, sampled = _from_all(plain, uniform, settings.temperature)
    else:
        tokens, sampled = _from_likeliest(scores, uniform, settings)
    return Choice(tokens, sampled, plain.gather(1, tokens[:, None])[:, 0])


def _from_all(
    plain: torch.Tensor, uniform: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the whole vocabulary and their log-probabilities, by inversion: the block, then in the block.

    Sorting a vocabulary takes longer than a small model's step, and so do running sums over all of it.

    Args:
        plain: (rows, vocabulary) log-probabilities at temperature 1.
        uniform: (rows,) a random number in [0, 1) each.
        temperature: To sample at.
    """
    logs = plain if temperature == 1 else torch.log_softmax(plain / temperature, dim=-1)
    vocabulary = logs.shape[-1]
    blocks = functional.pad(logs.exp(), (0, -vocabulary % BLOCK)).view(len(logs), -1, BLOCK)
    reached = blocks.sum(dim=-1).double().cumsum(dim=-1)
    wanted = uniform[:, None].to(reached) * reached[:, -1:]
    block = torch.searchsorted(reached, wanted, right=True).clamp_(max=reached.shape[-1] - 1)
    before = functional.pad(reached, (1, 0)).gather(1, block)
    inside = blocks[torch.arange(len(logs), device=logs.device), block[:, 0]].double().cumsum(dim=-1)
    place = torch.searchsorted(inside, wanted - before, right=True).clamp_(max=BLOCK - 1)
    tokens = (block * BLOCK + place).clamp_(max=vocabulary - 1)
    return tokens[:, 0], logs.gather(1, tokens)[:, 0]


def _from_likeliest(
    scores: torch.Tensor, uniform: torch.Tensor, settings: WritingSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the likeliest only, and their log-probabilities among these."""
    considered = min(settings.top_k or scores.shape[-1], scores.shape[-1])
    best, tokens = scores.topk(considered, dim=-1, sorted=True)
    probability = torch.softmax(best.double() / settings.temperature, dim=-1)
    before = probability.cumsum(dim=-1) - probability
    kept = probability * (before < settings.top_p)
    reached = kept.cumsum(dim=-1)
    place = torch.searchsorted(reached, uniform[:, None].to(reached) * reached[:, -1:], right=True)
    place.clamp_(max=considered - 1)
    log_probability = (kept.gather(1, place) / reached[:, -1:]).log()
    return tokens.gather(1, place)[:, 0], log_probability[:, 0].float()
