"""How far a mean's errors reach on either side where its values are skewed and the arms unequal.

Welch's t errs 5 % of the time in all where arms are equal, whatever the skewness: it errs more on one side
and as much less on the other. In unequal arms the smaller one misses the rare large values more often than
not, its variance looks small when its mean does, and the errors no longer cancel.
"""

from __future__ import annotations

import math

FAINT, FULL = 0.25, 0.45  # skewness of the difference: below, Welch's t errs in 6 % at most; above, corrected
FEWEST_EQUAL = 0.25  # of a skewness of 2: what the smaller arm has is worth a quarter of one large value
LARGEST = 1 / math.sqrt(FEWEST_EQUAL)
JEFFREYS = 0.5
NONE = 1e-3  # skewness: below, the far end is the quantile to more digits than it can be computed


def leaning(skewness: float) -> float:
    """The part of a skewness that is corrected for: none where it is faint, all of it from `FULL` on."""
    return skewness * min(max((abs(skewness) - FAINT) / (FULL - FAINT), 0.0), 1.0)


def skewed_margins(quantile: float, skewness: float) -> tuple[float, float]:
    """How many standard errors an interval goes below and above its estimate; never less than the quantile.

    The estimate is taken for the sum of k = 1 / skewness^2 equal counts, which is as skewed, and gets the far
    end of Jeffreys' interval of a Poisson mean, scaled. Without skewness that is the quantile.

    Source: Bohm and Zech (2014), section 3; Brown, Cai and DasGupta (2003) for Jeffreys' interval.
    """
    from scipy.special import gammainccinv, ndtr

    if abs(skewness) < NONE:
        return quantile, quantile
    count = 1 / skewness**2
    far = abs(skewness) * (float(gammainccinv(count + JEFFREYS, float(ndtr(-quantile)))) - count)
    far = max(far, quantile)
    return (quantile, far) if skewness > 0 else (far, quantile)


def skewed_statistic(statistic: float, skewness: float) -> float:
    """The t that is as far out without skewness as this one is with it: what `skewed_margins` inverts."""
    from scipy.special import gammaincc, ndtri

    if abs(skewness) < NONE or (statistic > 0) == (skewness > 0):
        return statistic
    count = 1 / skewness**2
    tail = float(gammaincc(count + JEFFREYS, count + abs(statistic / skewness)))
    as_far = max(float(-ndtri(tail)), 0.0) if tail > 0 else abs(statistic)
    return math.copysign(min(abs(statistic), as_far), statistic)
