"""Which examples are learned from when."""

from __future__ import annotations

import numpy as np

from adcli.arrays import Integers
from adcli.core.training.settings import TrainingSettings


def batch_members(count: int, batch: int, settings: TrainingSettings) -> Integers:
    """Which examples are in a batch: each once before any comes again, in an order that depends on the seed.

    `count`: examples there are; `batch`: number of the batch since training began; `settings`: batch size and
    seed.
    """
    per_pass = count // settings.batch_size
    rounds, place = divmod(batch, per_pass)
    order = np.random.default_rng([settings.seed, rounds]).permutation(count)
    return order[place * settings.batch_size : (place + 1) * settings.batch_size]
