"""How sure a policy's value is, and its difference to what the log earned.

The spread of the terms that make an estimate shows the weights of the rewarded rows alone. A few rewards
seldom fall on the rows of large weight, and then the terms look more alike than they are. What the weights of
all rows would lead one to expect, were rewards the same everywhere, is known as well: the error is at least
that.
"""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats
from adcli.policies.logged import LoggedRows
from adcli.statistics.intervals import ClusteredRatio
from adcli.statistics.means import clustered_mean


def value_mean(
    influence: Floats, residual: Floats | None, weight: Floats, logged: LoggedRows
) -> ClusteredRatio:
    """A policy's value, the mean of an influence, with its error.

    Args:
        influence: Of each row on the value, shape (n,).
        residual: What the weights are applied to: the reward, or its deviation from a model; None where the
            influence is no product of one weight and one residual.
        weight: The weights, shape (n,).
        logged: The logged side, for its users.
    """
    least = 0.0 if residual is None or not weight.any() else _kish_error(residual, weight)
    return clustered_mean(influence, logged.cluster, least_error=least)


def difference_mean(
    influence: Floats, residual: Floats | None, weight: Floats, logged: LoggedRows
) -> ClusteredRatio:
    """A policy's value less what the log earned, with its error; arguments as of `value_mean`."""
    least = 0.0 if residual is None or not weight.any() else _score_error(residual, weight)
    return clustered_mean(influence - logged.reward, logged.cluster, least_error=least)


def _kish_error(residual: Floats, weight: Floats) -> float:
    """The error of a weighted mean if the residuals spread alike whatever their weight.

    Source: Kish (1965), section 11.7: the weighted variance over the effective sample size.
    """
    level = float(np.average(residual, weights=weight))
    variance = float(np.average(np.square(residual - level), weights=weight))
    return float(np.sqrt(variance * (weight @ weight))) / float(weight.sum())


def _score_error(residual: Floats, weight: Floats) -> float:
    """The error of a weighted mean less the plain one, if the residuals spread alike whatever their weight.

    It is the error of no difference, which a score test uses: variance x (1 / effective sample size - 1 / n).
    """
    scarcity = float(weight @ weight) / float(weight.sum()) ** 2 - 1 / weight.size
    return float(np.sqrt(residual.var() * max(scarcity, 0.0)))
