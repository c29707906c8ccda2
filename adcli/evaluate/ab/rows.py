"""The rows of an A/B table."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from adcli.evaluate.ab.compare import Found
from adcli.evaluate.ab.posterior import Posterior
from adcli.evaluate.ab.sample_ratio import SampleRatio
from adcli.evaluate.ab.verdicts import sample_ratio_verdict
from adcli.statistics.verdicts import Verdict

Row = dict[str, object]
ARMS = dict.fromkeys(("metric", "variant", "control"), pl.String)
FIGURES = dict.fromkeys(("n_variant", "n_control"), pl.Int64) | dict.fromkeys(
    ("mean_variant", "mean_control", "difference", "difference_low", "difference_high"), pl.Float64
)
VERDICT = dict.fromkeys(("verdict", "reason"), pl.String)
_TESTED = (
    "relative", "relative_low", "relative_high", "statistic", "p_value", "p_adjusted", "probability_best",
    "expected_loss", "variance_reduction",
)  # fmt: skip
AB_COLUMNS = ARMS | FIGURES | dict.fromkeys(_TESTED, pl.Float64) | {"test": pl.String} | VERDICT


def sample_ratio_row(sizes: Mapping[str, int], control: str, ratio: SampleRatio) -> Row:
    """The arms' sizes: `mean_variant` and `mean_control` hold the shares seen, `test` those expected."""
    others = [name for name in sizes if name != control]
    total = sum(sizes.values())
    expected = ", ".join(f"{name} {share:.1%}" for name, share in ratio.expected_share.items())
    verdict = sample_ratio_verdict(ratio.p_value)
    return dict.fromkeys(AB_COLUMNS) | {
        "metric": "sample_ratio",
        "variant": others[0] if len(others) == 1 else "all",
        "control": control,
        "n_variant": total - sizes[control],
        "n_control": sizes[control],
        "mean_variant": 1 - sizes[control] / total,
        "mean_control": sizes[control] / total,
        "statistic": ratio.statistic,
        "p_value": ratio.p_value,
        "test": f"chi-square of the arms' sizes against the expected shares ({expected}){ratio.reading}",
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def comparison_row(
    one: Found,
    *,
    sizes: Mapping[str, int],
    p_value: float,
    p_adjusted: float,
    best: Posterior,
    verdict: Verdict,
    design: str,
) -> Row:
    """One arm against another on one metric; `design` is added to the name of the test."""
    found = one.comparison
    return arm_figures(one) | {
        "n_variant": sizes[one.variant],
        "n_control": sizes[one.control],
        "relative": found.relative,
        "relative_low": found.relative_interval.low,
        "relative_high": found.relative_interval.high,
        "statistic": found.statistic,
        "p_value": p_value,
        "p_adjusted": p_adjusted,
        "probability_best": best.probability_best,
        "expected_loss": best.expected_loss,
        "variance_reduction": found.variance_reduction,
        "test": "; ".join(filter(None, (found.test, design))),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def arm_figures(one: Found) -> Row:
    """Of one arm against another on one metric: which they are, their sizes and means, the difference."""
    found = one.comparison
    return {
        "metric": one.metric.name,
        "variant": one.variant,
        "control": one.control,
        "n_variant": found.variant.n,
        "n_control": found.control.n,
        "mean_variant": found.variant.value,
        "mean_control": found.control.value,
        "difference": found.difference,
        "difference_low": found.difference_interval.low,
        "difference_high": found.difference_interval.high,
    }
