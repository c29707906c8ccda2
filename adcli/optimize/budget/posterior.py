"""The posterior of a campaign's response, by population Monte Carlo over the four numbers of its shape.

At each shape the level and the waves of demand are solved for, and the scale of errors is integrated out of a
quasi-Poisson likelihood. Sources: Wedderburn (1974), quasi-likelihood; Cappé et al. (2004), population Monte
Carlo; Newey and West (1987), errors that hang together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.optimize.budget.days import Demand
from adcli.optimize.budget.response import Response, Shape, carried_over

DRAWS = 1_000
_PRIOR_POINTS = 4_096  # a power of 2, as Sobol's sequence likes it
_PROPOSED = 2_048
_ENOUGH = 400  # effective draws, to go on from
_MOST_ROUNDS = 8
_OF_PRIOR = 0.1  # of what is proposed, so that no weight is boundless
_LOCATION = np.array(
    [-0.5, 0.4, 0.0, 2.0]
)  # of the prior: logit carry-over, log half / usual, log steepness,
_SCALE = np.array([1.3, 1.0, 0.4, 2.5])  # logit share
_LAGS = 14  # over which errors may hang together
_NEWTON_STEPS = 6
_LONGEST_STEP = 1.0  # of a coefficient of demand, of Newton's
_UNSEEN_DEMAND = 0.2  # prior standard deviation of the power of spend by which unseen demand goes with it


class Lift(NamedTuple):
    """What a lift test says of the share of the value at the usual spend that the spend brings."""

    share: float
    std_error: float


class Series(NamedTuple):
    """A campaign's days: spend (t,), value (t,) and the demand they had."""

    spend: Floats
    value: Floats
    demand: Demand


class _Errors(NamedTuple):
    """How days scatter: variance = dispersion x mean; `inflation` of them tell as much as one alone."""

    dispersion: float
    inflation: float = 1.0


def fit_response(series: Series, *, recent: int, seed: int, lift: Lift | None = None) -> Response:
    """Draws from the posterior of the response.

    `recent`: how many of the last days have the demand that the level is for; `lift`: of a test, what the
    days say is then taken with room for demand that no wave shows, and that spend went with.
    """
    from scipy.stats import gaussian_kde, norm, qmc

    rng = np.random.default_rng(seed)
    series = series if lift is None else _with_unseen_demand(series)
    usual = float(series.spend.mean())
    points = norm.ppf(np.clip(qmc.Sobol(4, rng=rng).random(_PRIOR_POINTS), 1e-9, 1 - 1e-9))
    errors = _errors(series, shape_at(points, usual), usual)
    log_ratio = np.zeros(_PRIOR_POINTS)  # of the prior to what proposed the points
    for round_number in range(_MOST_ROUNDS):
        shape = shape_at(points, usual)
        coefficients, deviance = _solve(series, _log_offset(series.spend, shape, usual), errors)
        degrees = series.value.size / errors.inflation - coefficients.shape[1]
        log_weights = log_ratio - degrees / 2 * np.log(deviance)
        if lift is not None:
            log_weights += norm.logpdf(shape.share, lift.share, lift.std_error)
        exponent = _exponent(log_weights)
        if exponent == 1 and round_number:
            break
        near = gaussian_kde(points.T, weights=_normalised(exponent * log_weights))
        of_prior = rng.standard_normal((int(_OF_PRIOR * _PROPOSED), 4))
        points = np.vstack([near.resample(_PROPOSED - len(of_prior), seed=rng).T, of_prior])
        prior = np.exp(norm.logpdf(points).sum(axis=1))
        log_ratio = np.log(prior) - np.log((1 - _OF_PRIOR) * near.pdf(points.T) + _OF_PRIOR * prior)
    chosen = rng.choice(len(points), DRAWS, p=_normalised(log_weights))
    root = np.linalg.cholesky(_covariance(series, errors) * errors.inflation)
    scattered = coefficients[chosen] + rng.standard_normal((DRAWS, len(root))) @ root.T
    level = np.exp(scattered @ series.demand.waves[-recent:].T).mean(axis=1)
    return Response(Shape(*(part[chosen] for part in shape)), usual, level)


def shape_at(points: Floats, usual: float) -> Shape:
    """The shapes at points (g, 4) of a standard normal prior, for a usual spend."""
    from scipy.special import expit

    carry_over, half, steepness, share = (_LOCATION + _SCALE * points).T
    return Shape(expit(carry_over), usual * np.exp(half), np.exp(steepness), expit(share))


def _with_unseen_demand(series: Series) -> Series:
    usual = series.spend.mean()
    wave = np.log(series.spend / usual + 0.1) - np.log(1.1)
    waves = np.column_stack([series.demand.waves, wave])
    return series._replace(demand=Demand(waves, np.append(series.demand.precision, _UNSEEN_DEMAND**-2)))


def _log_offset(spend: Floats, shape: Shape, usual: float) -> Floats:
    return np.log(shape.relative_value(carried_over(spend, shape.carry_over), usual))


def _solve(series: Series, offset: Floats, errors: _Errors) -> tuple[Floats, Floats]:
    """Coefficients of demand (g, p) and penalised deviance (g,) at offsets (g, t), by Newton's method.

    The curvature is that of the observed values and the same for all.
    """
    from scipy.special import xlogy

    (waves, precision), y = series.demand, series.value
    coefficients = np.zeros((offset.shape[0], waves.shape[1]))
    coefficients[:, 0] = np.log(y.sum() / np.exp(offset).sum(axis=1))
    covariance = _covariance(series, errors)
    for _ in range(_NEWTON_STEPS):
        mean = np.exp(offset + coefficients @ waves.T)
        slope = (y - mean) @ waves / errors.dispersion - coefficients * precision
        coefficients += np.clip(slope @ covariance, -_LONGEST_STEP, _LONGEST_STEP)
    mean = np.exp(offset + coefficients @ waves.T)
    deviance = 2 * (xlogy(y, y / mean) - y + mean).sum(axis=1)
    return coefficients, deviance + errors.dispersion * (np.square(coefficients) @ precision)


def _covariance(series: Series, errors: _Errors) -> Floats:
    """Of the coefficients of demand."""
    waves, precision = series.demand
    information = (waves.T * np.maximum(series.value, series.value.mean() / 10)) @ waves / errors.dispersion
    return np.asarray(np.linalg.inv(information + np.diag(precision)))


def _errors(series: Series, shape: Shape, usual: float) -> _Errors:
    """How days scatter around the likeliest of the shapes."""
    offsets = _log_offset(series.spend, shape, usual)
    waves = series.demand.waves
    errors = _Errors(1.0)
    for _ in range(2):
        coefficients, deviance = _solve(series, offsets, errors)
        best = int(deviance.argmin())
        mean = np.exp(offsets[best] + waves @ coefficients[best])
        residuals = (series.value - mean) / np.sqrt(mean)
        moved = offsets[best] - waves @ np.linalg.lstsq(waves, offsets[best], rcond=None)[0]
        dispersion = float(np.square(residuals).sum() / (mean.size - waves.shape[1]))
        errors = _Errors(dispersion, _inflation(residuals, moved))
    return errors


def _inflation(residuals: Floats, moved: Floats) -> float:
    """By how much the variance of a slope grows where its errors and what it is of both hang together."""
    if moved.std() < 1e-9:
        return 1.0
    lags = range(1, min(_LAGS, residuals.size // 4) + 1)
    both = [_autocorrelation(residuals, lag) * _autocorrelation(moved, lag) for lag in lags]
    fading = 1 - np.array(lags) / (len(lags) + 1)
    return max(1.0, 1 + 2 * float((fading * both).sum()))


def _autocorrelation(x: Floats, lag: int) -> float:
    return float((x[lag:] * x[:-lag]).sum() / np.square(x).sum())


def _normalised(log_weights: Floats) -> Floats:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def _exponent(log_weights: Floats) -> float:
    """The greatest power of the weights, at most 1, that leaves enough effective draws."""
    from scipy.optimize import bisect

    def to_spare(exponent: float) -> float:
        return float(1 / np.square(_normalised(exponent * log_weights)).sum() - _ENOUGH)

    return 1.0 if to_spare(1.0) >= 0 else float(bisect(to_spare, 0.0, 1.0, xtol=1e-4))
