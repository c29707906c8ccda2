"""How much scores move when texts are typed a little differently and numbers are a little off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.metrics import check_columns
from adcli.evaluate.intervals import FloatArray, normal_quantile

Scorer = Callable[[pl.DataFrame], FloatArray]
ROBUSTNESS_COLUMNS = {
    "metric": pl.String,
    "group": pl.String,
    "value": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "definition": pl.String,
}


def robustness_table(
    frame: pl.DataFrame,
    score: Scorer,
    *,
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
    noise: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """Mean change and rank correlation of the scores, under each perturbation of the inputs.

    Args:
        frame: Rows to score.
        score: What gives each row of a frame its score, (n,).
        texts: Columns to mistype: one letter swapped, all upper case, doubled spaces.
        numbers: Columns to multiply by 1 + a normal error.
        noise: Standard deviation of that error.
        confidence: Of the intervals.
        seed: Of the perturbations.

    Returns:
        Columns of `ROBUSTNESS_COLUMNS`; `group` is the perturbation.

    Raises:
        DataError: If a column is missing, or there is nothing to perturb.
    """
    from scipy.stats import spearmanr

    check_columns("robustness", [*texts, *numbers], frame.columns)
    if not texts and not numbers:
        raise DataError("There is no text and no number to perturb.")
    before = np.asarray(score(frame), np.float64)
    rows = []
    for name, perturbed in _perturbations(frame, texts, numbers, noise, seed).items():
        after = np.asarray(score(perturbed), np.float64)
        moved = np.abs(after - before)
        reach = normal_quantile(confidence) * float(moved.std(ddof=1)) / np.sqrt(len(moved))
        mean = float(moved.mean())
        said = "mean absolute change of the score; normal interval"
        rows.append(("score_change", name, mean, max(mean - reach, 0.0), mean + reach, said))
        varied = before.std() > 0 and after.std() > 0
        correlation = float(spearmanr(before, after).statistic) if varied else float("nan")
        ends = _fisher_interval(correlation, len(before), confidence)
        rows.append(("rank_correlation", name, correlation, *ends, "Spearman's, of scores before and after"))
    return pl.DataFrame(rows, schema=ROBUSTNESS_COLUMNS, orient="row").with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def mistype(text: str, rng: np.random.Generator) -> str:
    """The text with two neighbouring letters swapped somewhere."""
    if len(text) < 2:
        return text
    at = int(rng.integers(len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _perturbations(
    frame: pl.DataFrame, texts: Sequence[str], numbers: Sequence[str], noise: float, seed: int
) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    made = {}
    if texts:
        swapped = [
            pl.Series(name, [None if t is None else mistype(t, rng) for t in frame[name]], pl.String)
            for name in texts
        ]
        made["a letter swapped"] = frame.with_columns(swapped)
        made["upper case"] = frame.with_columns(pl.col(name).str.to_uppercase() for name in texts)
        made["doubled spaces"] = frame.with_columns(pl.col(name).str.replace_all(" ", "  ") for name in texts)
    if numbers:
        made[f"numbers off by {noise:.0%}"] = frame.with_columns(
            pl.col(name).cast(pl.Float64) * pl.lit(pl.Series(1 + noise * rng.standard_normal(frame.height)))
            for name in numbers
        )
    return made


def _fisher_interval(correlation: float, n: int, confidence: float) -> tuple[float, float]:
    """Source: Fisher (1915), with Bonett and Wright's (2000) variance for rank correlations."""
    if not abs(correlation) < 1 or n < 4:
        return correlation, correlation
    reach = normal_quantile(confidence) * np.sqrt((1 + correlation**2 / 2) / (n - 3))
    middle = np.arctanh(correlation)
    return float(np.tanh(middle - reach)), float(np.tanh(middle + reach))
