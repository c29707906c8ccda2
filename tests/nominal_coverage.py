"""How often intervals hold the truth, over many simulated trials."""

import numpy as np

TRIALS = 2000


def assert_covers(low, high, truth):
    """Intervals of 95 % hold the truth in 93.5 to 96.5 % of the trials."""
    held = np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high)))
    assert 0.935 <= held <= 0.965, held
