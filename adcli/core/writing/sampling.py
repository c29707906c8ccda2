"""Choosing tokens from scores, each row from its own stream of random numbers.

Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020), section 3.1, for top-p.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.writing.settings import WritingSettings


def uniform_stream(seed: int, row: int, variant: int, length: int) -> npt.NDArray[np.float64]:
    """(length,) numbers in [0, 1) that belong to one variant of one row, whatever is written beside it."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, row, variant])))
    return generator.random(length)


def choose_tokens(scores: torch.Tensor, uniform: torch.Tensor, settings: WritingSettings) -> torch.Tensor:
    """(rows,) tokens.

    The best tokens are picked before anything is sorted or made a probability: sorting a whole vocabulary
    takes longer than a small model's step.

    Args:
        scores: (rows, vocabulary).
        uniform: (rows,) a random number in [0, 1) each.
        settings: Temperature, top-k and top-p.
    """
    if settings.temperature == 0:
        return scores.argmax(dim=-1)
    considered = min(settings.top_k or scores.shape[-1], scores.shape[-1])
    best, tokens = scores.topk(considered, dim=-1, sorted=True)
    probability = torch.softmax(best.double() / settings.temperature, dim=-1)
    before = probability.cumsum(dim=-1) - probability
    kept = probability * (before < settings.top_p)
    reached = kept.cumsum(dim=-1)
    place = torch.searchsorted(reached, uniform[:, None].to(reached) * reached[:, -1:], right=True)
    return tokens.gather(1, place.clamp_(max=considered - 1))[:, 0]
