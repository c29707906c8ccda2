"""Coverage of intervals for off-policy values: the default beside the standard methods, at 80, 95 and 99 %.

    python test_off_policy_coverage.py [LOGS]

The default was chosen on the families `TO_CHOOSE` and is tested on `TO_TEST`. It has no constants of its own: Hall's
transformation, Student's t with Satterthwaite's degrees, and an error of at least Kish's.
"""

import sys

import numpy as np
import pytest
from off_policy_worlds import TO_CHOOSE, TO_TEST, World

from adcli.policies import estimators as e
from adcli.policies.logged import LoggedRows
from adcli.policies.uncertainty import difference_mean, value_mean
from adcli.statistics.intervals import normal_quantile
from adcli.statistics.means import clustered_mean

CONFIDENCES = (0.80, 0.95, 0.99)
LOGS, RESAMPLES = 300, 499


def normal(values, count, rng):
    """The mean and so many standard errors."""
    mean, error = _moments(values, count)
    return [(mean - z * error, mean + z * error) for z in _quantiles()]


def bootstraps(values, count, rng):
    """The studentised bootstrap, and the bias-corrected and accelerated one (Efron and Tibshirani, 1993)."""
    from scipy.special import ndtr, ndtri

    n, deviation = count.sum(), values - (count @ values) / count.sum()
    mean, error = _moments(values, count)
    drawn = rng.multinomial(n, count / n, RESAMPLES)
    means = drawn @ deviation / n
    spread = np.sqrt(np.maximum(drawn @ deviation**2 / n - means**2, 0) / n)
    studentised = np.divide(means, spread, out=np.copysign(np.inf, means), where=spread > 0)
    bias = ndtri(np.clip((means < 0).mean() + (means == 0).mean() / 2, 1e-3, 1 - 1e-3))
    acceleration = (count @ deviation**3) / (count @ deviation**2) ** 1.5 / 6
    by_t, by_bca = [], []
    for confidence in CONFIDENCES:
        tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
        low, high = np.quantile(studentised, tails, method="nearest")
        by_t.append((mean - high * error, mean - low * error))
        shifted = bias + ndtri(tails)
        by_bca.append(tuple(mean + np.quantile(means, ndtr(bias + shifted / (1 - acceleration * shifted)))))
    return by_t, by_bca


def likelihood_holds(values, count, truth):
    """Whether empirical likelihood with Student's quantile holds a mean at each confidence (Owen, 2001)."""
    from scipy.special import stdtrit

    apart = values - truth
    if apart.max() <= 0 or apart.min() >= 0:
        return np.zeros(len(CONFIDENCES), dtype=bool)
    low, high, at = -1 / apart.max() * (1 - 1e-10), -1 / apart.min() * (1 - 1e-10), 0.0
    for _ in range(60):
        share = apart / (1 + at * apart)
        slope = count @ share
        low, high = (at, high) if slope > 0 else (low, at)
        step = at + slope / (count @ share**2)
        at, before = (step if low < step < high else (low + high) / 2), at
        if abs(at - before) < 1e-12:
            break
    deviation = values - count @ values / count.sum()
    degrees = max(3 * (count @ deviation**2) ** 2 / (count @ deviation**4) - 1, 3)
    return 2 * count @ np.log1p(at * apart) <= stdtrit(degrees, [(1 + c) / 2 for c in CONFIDENCES]) ** 2


def _moments(values, count):
    n = count.sum()
    mean = count @ values / n
    return mean, np.sqrt(count @ (values - mean) ** 2 / n / (n - 1))


def _quantiles():
    return [normal_quantile(confidence) for confidence in CONFIDENCES]


def held(world, rng, estimator, *, difference):
    """Whether each method holds the truth, in one log."""
    log = world.draw(rng)
    rows = log.rows()
    nothing = np.zeros(rows.reward.size)
    logged = LoggedRows(nothing.astype(np.int32), rows.reward, nothing, None, None)
    if estimator == "snips":
        influence, residual = e.snips(rows.reward, rows.weight).influence, rows.reward
    else:
        influence = e.dr(rows.reward, rows.weight, rows.q_logged, rows.q_policy).influence
        residual = rows.reward - rows.q_logged
    if not rows.reward.any():
        return None
    mean = (difference_mean if difference else value_mean)(influence, residual, rows.weight, logged)
    terms = influence - rows.reward if difference else influence
    truth = world.value - world.logged if difference else world.value
    values, count = np.unique(terms, return_counts=True)
    studentised, accelerated = bootstraps(values, count, rng)
    intervals = {
        "skew (the default)": [mean.interval(confidence) for confidence in CONFIDENCES],
        "skew, without Kish's error": [clustered_mean(terms).interval(c) for c in CONFIDENCES],
        "normal": normal(values, count, rng),
        "bootstrap-t": studentised,
        "bca": accelerated,
    }
    found = {name: [low <= truth <= high for low, high in own] for name, own in intervals.items()}
    return found | {"empirical likelihood, t": likelihood_holds(values, count, truth)}


def coverage(families, logs, *, difference):
    """The share of logs in which each method holds the truth: (worlds, confidences) by method."""
    rng, shares = np.random.default_rng(1), {}
    for number, family in enumerate(families):
        for clicks in (20, 60, 200):
            world = World(family, clicks=clicks, rate=(0.03, 0.1)[number % 2], seed=50 + number, gain=None)
            found = [
                one
                for turn in range(logs)
                if (one := held(world, rng, ("snips", "dr")[turn % 2], difference=difference))
            ]
            for name in found[0]:
                shares.setdefault(name, []).append(np.mean([one[name] for one in found], axis=0))
    return {name: np.array(own) for name, own in shares.items()}


def tell(families, logs, title):
    """Print and return the coverage of values and of differences."""
    tables = {}
    for difference in (False, True):
        tables[difference] = coverage(families, logs, difference=difference)
        print(f"\n{title}: {'difference to the log' if difference else 'value'}; mean (worst world)")
        print(f"{'':28}" + "".join(f"{confidence:>16.0%}" for confidence in CONFIDENCES))
        for name, own in tables[difference].items():
            cells = zip(own.mean(axis=0), own.min(axis=0), strict=True)
            print(f"{name:28}" + "".join(f"{mean:>9.3f} ({worst:.2f})" for mean, worst in cells))
    return tables


@pytest.mark.benchmark
def test_the_default_covers_on_families_it_was_not_chosen_on():
    tell(TO_CHOOSE, LOGS, "families to choose on")
    for table in tell(TO_TEST, LOGS, "families to test on").values():
        for at, (confidence, slack) in enumerate(zip(CONFIDENCES, (0.06, 0.04, 0.025), strict=True)):
            own = table["skew (the default)"][:, at]
            assert own.min() >= confidence - slack
            assert own.mean() >= confidence - 0.01


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else LOGS
    tell(TO_CHOOSE, given, "families to choose on")
    tell(TO_TEST, given, "families to test on")
