"""p-values of several comparisons, adjusted for their number."""

from __future__ import annotations

from typing import Literal

import numpy as np

from adcli.arrays import Floats

Correction = Literal["holm", "benjamini-hochberg", "none"]


def adjust(p_values: Floats, correction: Correction) -> Floats:
    """The adjusted p-values; NaN, a comparison that could not be made, stays and does not count.

    Source: Holm (1979) holds the family-wise error; Benjamini and Hochberg (1995) the false discovery rate.
    """
    adjusted = np.array(p_values, np.float64)
    made = np.isfinite(adjusted)
    if correction == "none" or not made.any():
        return adjusted
    order = np.argsort(adjusted[made], kind="stable")
    ranked = adjusted[made][order]
    count = len(ranked)
    if correction == "holm":  # statsmodels' own collects garbage at each call: a tenth of a second
        ranked = np.maximum.accumulate(ranked * np.arange(count, 0, -1))
    else:
        ranked = np.minimum.accumulate((ranked * count / np.arange(1, count + 1))[::-1])[::-1]
    back = np.empty(count)
    back[order] = np.minimum(ranked, 1.0)
    adjusted[made] = back
    return adjusted
