"""Two means, or two ratios of sums, from aggregates; with covariates from before the experiment, adjusted."""

from __future__ import annotations

import math

import numpy as np

from adcli.statistics.aggregates import Aggregates, Unevenness
from adcli.statistics.comparison import ArmFigure, Comparison
from adcli.statistics.intervals import NO_INTERVAL, FloatArray, Interval, student_quantile
from adcli.statistics.metrics import Metric

FEW_EQUAL = 40  # below, the relative interval holds the truth in 91 to 95 % of trials
IMPLAUSIBLE = 0.001  # p of a difference in what the experiment cannot have moved


def compare_averages(
    variant: Aggregates, control: Aggregates, metric: Metric, confidence: float
) -> Comparison:
    """Two means, or two ratios of sums by the delta method, by Welch's t; adjusted for covariates if any.

    The covariates' slopes are those of both arms together (CUPED with one covariate, regression adjustment
    with several). The relative interval is symmetric in the logarithm of the ratio.

    Source: Welch (1947); Deng et al. (2013), section 3.2; Deng, Knoblich and Lu (2018), section 3.1.
    """
    both = variant + control
    slopes = _slopes(both, metric)
    arms = [_adjusted(arm, both, metric, slopes) for arm in (variant, control)]
    difference = arms[0].value - arms[1].value
    error = math.sqrt(arms[0].variance + arms[1].variance)
    kinds = "Welch t" + (" on ratios by the delta method" if metric.kind == "ratio" else "")
    test = kinds + (f", adjusted for {' and '.join(metric.covariates)}" if metric.covariates else "")
    if min(arm.n for arm in arms) < 2:
        return _without_spread(arms, test, "an arm has a single unit")
    if not error > 0:
        return _without_spread(arms, test, "every unit of an arm has the same value")
    reach = student_quantile(confidence, _welch_degrees(arms)) * error
    return Comparison(
        variant=arms[0],
        control=arms[1],
        difference=difference,
        difference_interval=Interval(difference - reach, difference + reach),
        relative=arms[0].value / arms[1].value - 1 if arms[1].value > 0 else math.nan,
        relative_interval=_log_ratio_interval(arms, confidence),
        statistic=difference / error,
        p_value=_student_p(difference / error, _welch_degrees(arms)),
        test=f"{test}; relative: log scale{_rough(arms, [variant, control], metric)}",
        caution=_unlike_before([variant, control], metric),
        variance_reduction=_variance_reduction(arms, [variant, control], metric),
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


def _covariances(arm: Aggregates, metric: Metric) -> FloatArray:
    """Of one unit's (linearised) value with each covariate."""
    ratio, per = arm.average(metric.column) / arm.average(metric.denominator), arm.average(metric.denominator)
    return np.array(
        [
            (arm.cov(metric.column, x) - ratio * arm.cov(metric.denominator, x)) / per
            for x in metric.covariates
        ]
    )


def _spread(arm: Aggregates, metric: Metric) -> FloatArray:
    return np.array([[arm.cov(a, b) for b in metric.covariates] for a in metric.covariates])


def _slopes(both: Aggregates, metric: Metric) -> FloatArray:
    if not metric.covariates:
        return np.zeros(0)
    slopes, *_ = np.linalg.lstsq(_spread(both, metric), _covariances(both, metric), rcond=None)
    return np.asarray(slopes, np.float64)


def _adjusted(arm: Aggregates, both: Aggregates, metric: Metric, slopes: FloatArray) -> ArmFigure:
    value, variance = arm.average(metric.column) / arm.average(metric.denominator), _variance(arm, metric)
    if metric.covariates:
        shift = np.array([arm.average(x) - both.average(x) for x in metric.covariates])
        value -= float(slopes @ shift)
        variance += float(slopes @ _spread(arm, metric) @ slopes - 2 * slopes @ _covariances(arm, metric))
    uneven = arm.uneven.get((metric.column, metric.denominator), Unevenness(1.0, arm.n - 1))
    return ArmFigure(arm.n, value, uneven.inflation * max(variance, 0.0) / arm.n, uneven.degrees)


def _welch_degrees(arms: list[ArmFigure]) -> float:
    total = arms[0].variance + arms[1].variance
    return total**2 / sum(arm.variance**2 / (arm.degrees or arm.n - 1) for arm in arms)


def _student_p(statistic: float, degrees: float) -> float:
    from scipy.stats import t

    return float(2 * t.sf(abs(statistic), degrees))


def _log_ratio_interval(arms: list[ArmFigure], confidence: float) -> Interval:
    if arms[0].value <= 0 or arms[1].value <= 0:
        return NO_INTERVAL
    logs = [ArmFigure(arm.n, math.log(arm.value), arm.variance / arm.value**2, arm.degrees) for arm in arms]
    reach = student_quantile(confidence, _welch_degrees(logs)) * math.sqrt(
        logs[0].variance + logs[1].variance
    )
    ratio = arms[0].value / arms[1].value
    return Interval(ratio * math.exp(-reach) - 1, ratio * math.exp(min(reach, 700.0)) - 1)


def _rough(figures: list[ArmFigure], arms: list[Aggregates], metric: Metric) -> str:
    """That a figure rests on few units, where few buy or few see most: the spread is seen in those alone.

    Source: Kish (1965), the effective number (sum y)^2 / sum y^2.
    """
    if min(figure.value for figure in figures) <= 0:
        return ""
    alike = min(figure.n / (1 + figure.n * figure.variance / figure.value**2) for figure in figures)
    if alike < FEW_EQUAL:
        return f" (rough: a figure worth {alike:.0f} equal units)"
    if metric.denominator and not any(arm.uneven for arm in arms):
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


def _without_spread(arms: list[ArmFigure], test: str, caution: str) -> Comparison:
    difference = arms[0].value - arms[1].value
    relative = arms[0].value / arms[1].value - 1 if arms[1].value > 0 else math.nan
    return Comparison(
        arms[0],
        arms[1],
        difference,
        NO_INTERVAL,
        relative,
        NO_INTERVAL,
        math.nan,
        math.nan,
        test,
        caution=caution,
    )
