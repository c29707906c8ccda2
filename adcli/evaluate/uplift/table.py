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
from adcli.evaluate.uplift.units import ScoredUnits, scored_units
from adcli.numbers import counted
from adcli.statistics.aggregates import Aggregates
from adcli.statistics.averages import compare_averages
from adcli.statistics.comparison import Comparison
from adcli.statistics.intervals import Interval, normal_quantile
from adcli.statistics.metrics import Metric
from adcli.statistics.proportions import compare_proportions
from adcli.statistics.verdicts import NOT_ENOUGH, Verdict, decide

FEW_OUTCOMES = 50  # below, an area's interval holds the truth in 92 to 95 % of trials
AREA_DEFINITIONS = {
    "qini_causalml": "area from random line to Qini curve / ((n + 1) x the curve's end), as causalml",
    "qini_scikit_uplift": "area from random line to Qini curve / that of the perfect one, as scikit-uplift",
    "auuc_causalml": "area under the gain curve / ((n + 1) x its end), as causalml; random is about .5",
    "auuc_scikit_uplift": "area from random line to gain curve / that of the perfect one, as scikit-uplift",
}


class UpliftRow(NamedTuple):
    """One figure."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    predicted: float
    units: int
    definition: str
    verdict: str = ""
    reason: str = ""


def uplift_table(
    units: pl.DataFrame,
    *,
    score: str,
    outcome: str,
    treatment: str = "variant",
    control: str | None = None,
    treated: str | None = None,
    at: Sequence[float] = (0.1, 0.2, 0.3),
    bins: int = 10,
    samples: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """Qini and AUUC in both definitions, uplift at k, uplift by bin and calibration, each with its interval.

    Args:
        units: One row per unit of a randomised experiment.
        score: Column of the predicted uplift.
        outcome: Column of what came of it.
        treatment: Column of the arms.
        control: The arm without the treatment; None chooses as in `ab_table`.
        treated: The arm with it; needed only if there are several.
        at: Shares of the units, by score, for uplift at k.
        bins: Of equally many units, to hold the predictions against.
        samples: Bootstrap samples for the areas.
        confidence: Of the intervals.
        seed: Of the bootstrap.

    Returns:
        The fields of `UpliftRow`. `predicted` is the mean score of the group.

    Raises:
        DataError: If a column is missing or no number, a unit occurs twice, or the arms are not two.
        UsageError: If a share of `at` is not in (0, 1].
    """
    if outside := [share for share in at if not 0 < share <= 1]:
        raise UsageError(
            f"There is no uplift among {outside[0]:g} of the units.", fix="Give shares such as .1."
        )
    arms = scored_units(units, score, outcome, treatment, control, treated)
    rows = [
        _whole(arms, confidence),
        *_area_rows(arms, samples=samples, confidence=confidence, seed=seed),
        *_at_rows(arms, at, confidence),
        *_bin_rows(arms, bins, confidence),
        _slope(arms, confidence),
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
    predicted = float(scores.mean()) if len(scores) else math.nan
    if found is None:
        nothing = "fewer than two units in an arm"
        return UpliftRow(
            metric, group, math.nan, math.nan, math.nan, predicted, len(scores), said, reason=nothing
        )
    low, high = found.difference_interval
    tied = (
        "units of equal score at the cut are taken in the order of the file"
        if _cuts_ties(units, span)
        else ""
    )
    definition = f"{said}; {found.test}"
    return UpliftRow(
        metric, group, found.difference, low, high, predicted, len(scores), definition, reason=tied
    )


def _cuts_ties(units: ScoredUnits, span: slice) -> bool:
    return any(
        0 < cut < len(units.score) and units.score[cut - 1] == units.score[cut]
        for cut in (span.start or 0, span.stop or 0)
    )


def _whole(units: ScoredUnits, confidence: float) -> UpliftRow:
    said = "mean outcome of the treated less that of the control"
    return _difference_row("average_effect", "all", units, slice(None), confidence, said)


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
        low, high = getattr(ends, name)
        figure = float(getattr(value, name))
        between = Interval(float(low), float(high))
        verdict = _verdict(figure, between, confidence) if name.startswith("qini") else Verdict("")
        definition = f"{said}; percentile interval of {samples} bootstrap samples, seed {seed}"
        if rough := _rough(units, name, confidence):
            verdict = Verdict(verdict.verdict, "; ".join(filter(None, (verdict.reason, rough))))
        if math.isnan(figure):
            why = "the curve ends at 0, so nothing can be divided by its end"
            if name.endswith("scikit_uplift"):
                why = "outcomes are not 0 and 1, so no ranking is known to be perfect"
            verdict = Verdict(NOT_ENOUGH if name.startswith("qini") else "", why)
        spoken = definition, verdict.verdict, verdict.reason
        yield UpliftRow(name, "all", figure, *between, math.nan, len(units.score), *spoken)


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


def _verdict(value: float, interval: Interval, confidence: float) -> Verdict:
    verdict = decide(value, interval, confidence=confidence)
    return verdict._replace(reason=f"against a random ranking {verdict.reason}")


def _slope(units: ScoredUnits, confidence: float) -> UpliftRow:
    """Slope of the effect on the score: 1 where predictions are the size they should be.

    Source: the transformed outcome of Athey and Imbens (2016), regressed on the score, errors as HC1.
    """
    share = float(units.treated.mean())
    effect = units.outcome * (units.treated - share) / (share * (1 - share))
    centred = units.score - units.score.mean()
    said = "slope of the transformed outcome on the score; 1 if predicted uplifts have the right size"
    spread, n = float(centred @ centred), len(units.score)
    if spread == 0:
        nothing = "all scores are equal"
        return UpliftRow(
            "calibration_slope", "all", math.nan, math.nan, math.nan, math.nan, n, said, reason=nothing
        )
    slope = float(centred @ effect) / spread
    residual = effect - effect.mean() - slope * centred
    error = math.sqrt(float(((centred * residual) ** 2).sum()) * n / (n - 2)) / spread
    margin = normal_quantile(confidence) * error
    return UpliftRow("calibration_slope", "all", slope, slope - margin, slope + margin, math.nan, n, said)
