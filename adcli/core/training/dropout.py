"""Dropout whose random numbers depend on what is computed and not on which thread computes it when.

torch draws dropout from one generator for all threads. Here each thread draws from its own, which is seeded
before each part of a batch. Attention weights are not dropped.
"""

from __future__ import annotations

import threading

import torch  # noqa: TID253 - this module is reached only once a model is loaded

_of_thread = threading.local()


class SeededDropout(torch.nn.Module):
    """Dropout from the thread's own generator.

    Attributes:
        share: Of the numbers that become 0.
        p: 0, for attention that reads it off its module and drops by torch's own generator.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share, self.p = share, 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The numbers that stay, scaled up so that their mean stays too; in evaluation all of them."""
        if not self.training or self.share == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=_of_thread.generator)
        return x * kept.div_(1 - self.share)


def use_seeded_dropout(model: torch.nn.Module) -> None:
    """Exchange a model's dropout modules."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Dropout):
                setattr(parent, name, SeededDropout(child.p).train(child.training))


def seed_dropout(seed: int, part: int, device: str) -> None:
    """Seed this thread's generator, on the device of the model, for one part of a batch."""
    _of_thread.generator = torch.Generator(device).manual_seed((seed * 1_000_003 + part) % (1 << 62))


def drop_nothing(model: torch.nn.Module) -> None:
    """Let a model's dropout modules keep every number."""
    for module in model.modules():
        if isinstance(module, SeededDropout):
            module.share = 0.0
