"""How well a score ranks units by what the treatment does to them, in every definition by its name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import UsageError
from adcli.evaluate.figures import figures_table
from adcli.evaluate.uplift.bootstrap import estimate_areas
from adcli.evaluate.uplift.units import ScoredUnits
from adcli.numbers import counted
from adcli.statistics.aggregates import Aggregates
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import Comparison, Metric
from adcli.statistics.intervals import Interval
from adcli.statistics.proportions import compare_proportions
from adcli.statistics.verdicts import NOT_ENOUGH, Verdict, decide

FEW_OUTCOMES = 50  # below, an area's interval holds the truth in 92 to 95 % of trials
WHOLE = "mean outcome of the treated less that of the control"
AREA_DEFINITIONS = {
    "qini_causalml": "area from random line to Qini curve / ((n + 1) x the curve's end), as causalml",
    "qini_scikit_uplift": "area from random line to Qini curve / that of the perfect one, as scikit-uplift",
    "auuc_causalml": "area under the gain curve / ((n + 1) x its end), as causalml; random is about .5",
    "auuc_scikit_uplift": "area from random line to gain curve / that of the perfect one, as scikit-uplift",
}


class UpliftRow(NamedTuple):
    """One figure; `predicted` is the mean score of the group."""

    metric: str
    group: str
    value: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    predicted: float = math.nan
    units: int = 0
    definition: str = ""
    verdict: str = ""
    reason: str = ""


def uplift_table(
    units: ScoredUnits,
    *,
    at: Sequence[float] = (0.1, 0.2, 0.3),
    bins: int = 10,
    samples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """Qini and AUUC in both definitions, uplift at k, uplift by bin and calibration, each with its interval.

    `at`: shares of the units, by score, for uplift at k; `bins`: of equally many units, to hold the
    predictions against; `samples`: bootstrap samples for the areas. Returns the fields of `UpliftRow`. Raises
    UsageError if a share of `at` is not in (0, 1].
    """
    if outside := [share for share in at if not 0 < share <= 1]:
        raise UsageError(
            f"There is no uplift among {outside[0]:g} of the units.", fix="Give shares such as .1."
        )
    rows = [
        _difference_row("average_effect", "all", units, slice(None), confidence, WHOLE),
        *_area_rows(units, samples=samples, confidence=confidence, seed=seed),
        *_at_rows(units, at, confidence),
        *_bin_rows(units, bins, confidence),
        _slope(units, confidence),
    ]
    return figures_table(rows, UpliftRow)


def _difference(units: ScoredUnits, span: slice, confidence: float) -> Comparison | None:
    """Treated against control among some of the units; None if an arm has fewer than two there."""
    treated, outcome = units.treated[span] == 1, units.outcome[span]
    parts = [outcome[treated], outcome[~treated]]
    if min(map(len, parts)) < 2:
        return None
    binary = bool(((units.outcome == 0) | (units.outcome == 1)).all())
    one, other = (
        Aggregates(len(y), {"y": float(y.mean())}, {("y", "y"): float(y.var(ddof=1))}, frozenset())
        for y in parts
    )
    if binary:
        return compare_proportions(one, other, "y", confidence)
    return compare_averages(one, other, Metric("y", "average", "y"), confidence)


def _difference_row(
    metric: str, group: str, units: ScoredUnits, span: slice, confidence: float, said: str
) -> UpliftRow:
    found = _difference(units, span, confidence)
    scores = units.score[span]
    row = UpliftRow(metric, group, units=len(scores), definition=said)
    if len(scores):
        row = row._replace(predicted=float(scores.mean()))
    if found is None:
        return row._replace(reason="fewer than two units in an arm")
    low, high = found.difference_interval
    tied = "units of equal score at the cut are taken in the order of the file"
    return row._replace(
        definition=f"{said}; {found.test}",
        value=found.difference,
        ci_low=low,
        ci_high=high,
        reason=tied if _cuts_ties(units, span) else "",
    )


def _cuts_ties(units: ScoredUnits, span: slice) -> bool:
    return any(
        0 < cut < len(units.score) and units.score[cut - 1] == units.score[cut]
        for cut in (span.start or 0, span.stop or 0)
    )


def _at_rows(units: ScoredUnits, at: Sequence[float], confidence: float) -> Iterator[UpliftRow]:
    for share in at:
        said = f"effect among the {share:.0%} of units with the highest scores, both arms ranked together"
        span = slice(0, int(len(units.score) * share))
        yield _difference_row("uplift_at_k", f"{share:.0%}", units, span, confidence, said)


def _bin_rows(units: ScoredUnits, bins: int, confidence: float) -> Iterator[UpliftRow]:
    edges = np.linspace(0, len(units.score), bins + 1).astype(int)
    for i in range(bins):
        span = slice(int(edges[i]), int(edges[i + 1]))
        said = "effect within the bin, to hold against its mean score"
        yield _difference_row("uplift_by_bin", f"{i + 1} of {bins}", units, span, confidence, said)


def _area_rows(units: ScoredUnits, *, samples: int, confidence: float, seed: int) -> Iterator[UpliftRow]:
    value, ends = estimate_areas(*units, samples=samples, confidence=confidence, seed=seed)
    for name, said in AREA_DEFINITIONS.items():
        figure, interval = float(getattr(value, name)), Interval(*map(float, getattr(ends, name)))
        verdict = _area_verdict(name, figure, interval, confidence)
        reasons = (
            [verdict.reason] if math.isnan(figure) else [verdict.reason, _rough(units, name, confidence)]
        )
        yield UpliftRow(
            name,
            "all",
            figure,
            *interval,
            units=len(units.score),
            definition=f"{said}; percentile interval of {samples} bootstrap samples, seed {seed}",
            verdict=verdict.verdict,
            reason="; ".join(filter(None, reasons)),
        )


def _area_verdict(name: str, value: float, interval: Interval, confidence: float) -> Verdict:
    """Of the areas that a random ranking has 0 of."""
    judged = name.startswith("qini")
    if math.isnan(value):
        why = "the curve ends at 0, so nothing can be divided by its end"
        if name.endswith("scikit_uplift"):
            why = "outcomes are not 0 and 1, so no ranking is known to be perfect"
        return Verdict(NOT_ENOUGH if judged else "", why)
    if not judged:
        return Verdict("")
    verdict = decide(value, interval, confidence=confidence)
    return verdict._replace(reason=f"against a random ranking {verdict.reason}")


def _rough(units: ScoredUnits, area: str, confidence: float) -> str:
    """What to beware of in an area: few outcomes, or an end of the curve that may be 0 and is divided by."""
    ones = int((units.outcome != 0).sum())
    if ones < FEW_OUTCOMES:
        return f"rough: only {counted(ones, 'unit')} with an outcome"
    effect = _difference(units, slice(None), confidence)
    if area.endswith("causalml") and effect is not None:
        low, high = effect.difference_interval
        if low <= 0 <= high:
            return "rough: the effect on all may be 0, and this area is divided by it"
    return ""


def _slope(units: ScoredUnits, confidence: float) -> UpliftRow:
    """Slope of the effect on the score: 1 where predictions are the size they should be.

    Source: the transformed outcome of Athey and Imbens (2016), regressed on the score, errors as HC1.
    """
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools import add_constant

    said = "slope of the transformed outcome on the score; 1 if predicted uplifts have the right size"
    row = UpliftRow("calibration_slope", "all", units=len(units.score), definition=said)
    if not np.ptp(units.score):
        return row._replace(reason="all scores are equal")
    share = float(units.treated.mean())
    effect = units.outcome * (units.treated - share) / (share * (1 - share))
    fitted = OLS(effect, add_constant(units.score)).fit(cov_type="HC1")
    low, high = fitted.conf_int(1 - confidence)[1]
    return row._replace(value=float(fitted.params[1]), ci_low=float(low), ci_high=float(high))
