"""How often intervals hold the truth, over many simulated trials."""

import numpy as np

TRIALS = 500


def assert_covers(low, high, truth):
    """Intervals of 95 % hold the truth as often as that, within three standard errors of the trials."""
    held = np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high)))
    assert abs(held - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / len(low)), held
