"""Two means, or two ratios of sums, from aggregates; with covariates from before the experiment, adjusted."""

from __future__ import annotations

import math

import numpy as np

from adcli.arrays import Floats
from adcli.statistics.aggregates import Aggregates
from adcli.statistics.comparison import ArmFigure, Comparison, Metric, without_spread
from adcli.statistics.intervals import NO_INTERVAL, Interval, student_quantile

FEW_EQUAL = 40  # below, the relative interval holds the truth in 91 to 95 % of trials
FEW_DEGREES, UNEVEN = 100, 1.02  # of a ratio: within, the delta method's error is the jackknife's to 1 %
IMPLAUSIBLE = 0.001  # p of a difference in what the experiment cannot have moved
FAINT, FULL = 0.25, 0.45  # skewness of the difference: below, Welch's t errs in 6 % at most; above, corrected
FEWEST_EQUAL = 0.25  # of a skewness of 2: what the smaller arm has is worth a quarter of one large value
LARGEST = 1 / math.sqrt(FEWEST_EQUAL)
JEFFREYS = 0.5
NONE = 1e-3  # skewness: below, the far end is the quantile to more digits than it can be computed


def compare_averages(
    variant: Aggregates, control: Aggregates, metric: Metric, confidence: float
) -> Comparison:
    """Two means, or two ratios of sums, by Welch's t; adjusted for covariates if any.

    The error of a ratio is the delta method's, or the jackknife's where units differ so much that it matters.

    The covariates' slopes are those of both arms together (CUPED with one covariate, regression adjustment
    with several). Where arms are unequal and values skewed, the interval and the p-value lean as
    `skewed_margins` says. The relative interval is symmetric in the logarithm of the ratio, but for that.

    Source: Welch (1947); Deng et al. (2013), section 3.2; Deng, Knoblich and Lu (2018), section 3.1.
    """
    both = variant + control
    slopes = _slopes(both, metric)
    raw = [variant, control]
    arms = [_adjusted(arm, both, metric, slopes) for arm in raw]
    difference = arms[0].value - arms[1].value
    error = math.sqrt(arms[0].variance + arms[1].variance)
    by = "jackknife" if any(arm.degrees != arm.n - 1 for arm in arms) else "delta method"
    kinds = "Welch t" + (f" on ratios by the {by}" if metric.kind == "ratio" else "")
    test = kinds + (f", adjusted for {' and '.join(metric.covariates)}" if metric.covariates else "")
    if min(arm.n for arm in arms) < 2:
        return without_spread(arms, test, "an arm has a single unit")
    if not error > 0:
        return without_spread(arms, test, "every unit of an arm has the same value")
    degrees = _welch_degrees(arms)
    quantile = student_quantile(confidence, degrees)
    skewness = _skewness(arms, both, metric, error)
    down, up = skewed_margins(quantile, leaning(skewness))
    corrected = "; corrected for skewness" if leaning(skewness) else ""
    return Comparison(
        variant=arms[0],
        control=arms[1],
        difference=difference,
        difference_interval=Interval(difference - down * error, difference + up * error),
        relative=arms[0].value / arms[1].value - 1 if arms[1].value > 0 else math.nan,
        relative_interval=_log_ratio_interval(arms, confidence, (down / quantile, up / quantile)),
        statistic=difference / error,
        p_value=_student_p(skewed_statistic(difference / error, leaning(skewness)), degrees),
        test=f"{test}{corrected}; relative: log scale{_rough(arms, raw, metric)}",
        caution=_unlike_before(raw, metric) or _too_skewed(arms, metric, skewness),
        variance_reduction=_variance_reduction(arms, raw, metric),
    )


def _skewness(arms: list[ArmFigure], both: Aggregates, metric: Metric, error: float) -> float:
    """Of the difference, from the skewness of both arms pooled; 0 where they are equal or it is not known.

    The smaller arm's own says least where it matters, when the large values are missing in it. A figure half
    way between the arms' is taken to scale the values of each, as an effect that multiplies would.
    """
    shape = both.shape.get((metric.column, metric.denominator))
    if shape is None or not shape.second > 0:
        return 0.0
    of_one = sum(arm.variance * arm.n**2 for arm in arms) / sum(arm.n for arm in arms)  # (adjusted) value
    scale = of_one / (shape.second / both.average(metric.denominator) ** 2)
    pooled = shape.third / shape.second / both.average(metric.denominator) * math.sqrt(scale)
    value = both.average(metric.column) / both.average(metric.denominator)
    sizes = np.array([arm.n for arm in arms], np.float64)
    weight = (1 / sizes) / (1 / sizes).sum()
    own = np.ones(2)
    if min(arm.value for arm in arms) > 0 and value > 0:
        own = np.sqrt([arm.value / value for arm in arms])
    return float(pooled * (weight * own / sizes) @ np.array([1.0, -1.0]) / error)


def _too_skewed(arms: list[ArmFigure], metric: Metric, skewness: float) -> str:
    """That the smaller arm has too little of the few large values to be tested; empty if not."""
    if abs(skewness) <= LARGEST:
        return ""
    fewest = min(arm.n for arm in arms)
    return (
        f"few large values make up most of '{metric.name}', and the smaller arm is too small to have its "
        f"share of them (skewness {abs(skewness):.1f}, at most {LARGEST:.0f}); about "
        f"{math.ceil(fewest * (skewness / LARGEST) ** 2):,} units in it, or arms of equal size, would do"
    )


def _unlike_before(arms: list[Aggregates], metric: Metric) -> str:
    """Which covariate the arms differ in, as randomised arms do not before the experiment; empty if none."""
    for name in metric.covariates:
        figures = [ArmFigure(arm.n, arm.average(name), arm.cov(name, name) / arm.n) for arm in arms]
        error = math.sqrt(figures[0].variance + figures[1].variance)
        if error > 0:
            t = (figures[0].value - figures[1].value) / error
            p_value = _student_p(t, _welch_degrees(figures))
            if p_value * len(metric.covariates) < IMPLAUSIBLE:
                return (
                    f"the arms differ in '{name}' (p {p_value:.2g}), so it is not from before the experiment"
                )
    return ""


def _variance(arm: Aggregates, metric: Metric) -> float:
    """Variance of one unit's (linearised) value."""
    ratio, per = arm.average(metric.column) / arm.average(metric.denominator), arm.average(metric.denominator)
    top, bottom = metric.column, metric.denominator
    return (
        arm.cov(top, top) - 2 * ratio * arm.cov(top, bottom) + ratio**2 * arm.cov(bottom, bottom)
    ) / per**2


def _covariances(arm: Aggregates, metric: Metric) -> Floats:
    """Of one unit's (linearised) value with each covariate."""
    ratio, per = arm.average(metric.column) / arm.average(metric.denominator), arm.average(metric.denominator)
    return np.array(
        [
            (arm.cov(metric.column, x) - ratio * arm.cov(metric.denominator, x)) / per
            for x in metric.covariates
        ]
    )


def _spread(arm: Aggregates, metric: Metric) -> Floats:
    return np.array([[arm.cov(a, b) for b in metric.covariates] for a in metric.covariates])


def _slopes(both: Aggregates, metric: Metric) -> Floats:
    if not metric.covariates:
        return np.zeros(0)
    slopes, *_ = np.linalg.lstsq(_spread(both, metric), _covariances(both, metric), rcond=None)
    return np.asarray(slopes, np.float64)


def _adjusted(arm: Aggregates, both: Aggregates, metric: Metric, slopes: Floats) -> ArmFigure:
    value, variance = arm.average(metric.column) / arm.average(metric.denominator), _variance(arm, metric)
    if metric.covariates:
        shift = np.array([arm.average(x) - both.average(x) for x in metric.covariates])
        value -= float(slopes @ shift)
        variance += float(slopes @ _spread(arm, metric) @ slopes - 2 * slopes @ _covariances(arm, metric))
    inflation, degrees = _unevenness(arm, metric)
    return ArmFigure(arm.n, value, inflation * max(variance, 0.0) / arm.n, degrees)


def _unevenness(arm: Aggregates, metric: Metric) -> tuple[float, float]:
    """What units of very different sizes do to the variance of a ratio: its inflation and its degrees."""
    shape = arm.shape.get((metric.column, metric.denominator))
    if not metric.denominator or shape is None or arm.n < 2:
        return 1.0, arm.n - 1
    inflation, degrees = shape.inflation(arm.n), shape.degrees(arm.n)
    if inflation < UNEVEN and degrees > FEW_DEGREES:
        return 1.0, arm.n - 1
    return inflation, max(degrees, 1.0)


def _welch_degrees(arms: list[ArmFigure]) -> float:
    total = arms[0].variance + arms[1].variance
    return total**2 / sum(arm.variance**2 / (arm.degrees or arm.n - 1) for arm in arms)


def _student_p(statistic: float, degrees: float) -> float:
    from scipy.stats import t

    return float(2 * t.sf(abs(statistic), degrees))


def _log_ratio_interval(
    arms: list[ArmFigure], confidence: float, leaning: tuple[float, float] = (1.0, 1.0)
) -> Interval:
    if arms[0].value <= 0 or arms[1].value <= 0:
        return NO_INTERVAL
    logs = [ArmFigure(arm.n, math.log(arm.value), arm.variance / arm.value**2, arm.degrees) for arm in arms]
    spread = math.sqrt(logs[0].variance + logs[1].variance)
    margin = student_quantile(confidence, _welch_degrees(logs)) * spread
    ratio = arms[0].value / arms[1].value
    down, up = (side * margin for side in leaning)
    return Interval(ratio * math.exp(-down) - 1, ratio * math.exp(min(up, 700.0)) - 1)


def _rough(figures: list[ArmFigure], arms: list[Aggregates], metric: Metric) -> str:
    """That a figure rests on few units, where few buy or few see most: the spread is seen in those alone.

    Source: Kish (1965), the effective number (sum y)^2 / sum y^2.
    """
    if min(figure.value for figure in figures) <= 0:
        return ""
    alike = min(figure.n / (1 + figure.n * figure.variance / figure.value**2) for figure in figures)
    if alike < FEW_EQUAL:
        return f" (rough: a figure worth {alike:.0f} equal units)"
    if metric.denominator and not any(arm.shape for arm in arms):
        name = metric.denominator
        held = min(arm.n / (1 + arm.cov(name, name) / arm.average(name) ** 2) for arm in arms)
        if held < FEW_EQUAL:
            return f" (rough: {held:.0f} units hold most of the {name})"
    return ""


def _variance_reduction(adjusted: list[ArmFigure], raw: list[Aggregates], metric: Metric) -> float:
    if not metric.covariates:
        return math.nan
    before = sum(_variance(arm, metric) / arm.n for arm in raw)
    return 1 - (adjusted[0].variance + adjusted[1].variance) / before


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
