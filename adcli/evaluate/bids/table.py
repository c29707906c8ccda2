"""What bid policies would have bought, and how sure the comparison is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from adcli.bidding.auctions import Auctions, Numbers
from adcli.bidding.bound import clairvoyant
from adcli.bidding.replay import Replay
from adcli.errors import DataError
from adcli.evaluate.model.calibration import reliability
from adcli.statistics.intervals import Interval, student_quantile
from adcli.statistics.multiplicity import adjust
from adcli.statistics.verdicts import Verdict, decide

FEWEST_EPISODES = 20
TENTHS = 10
SMALLEST_EFFECT = 0.1
CURVE_POINTS = 50
BOUND = "clairvoyant"


def bid_table(
    auctions: Auctions, replays: Mapping[str, Replay], *, baseline: str, confidence: float = 0.95
) -> pl.DataFrame:
    """One row per bidder: what it bought, and how its value differs from the baseline's over paired episodes.

    The columns are `bidder impressions clicks cost value win_rate ecpc ecpm spend_share value_per_episode
    difference difference_low difference_high p_value share_of_bound predicted_value predicted_value_share
    verdict reason`. `ecpc` is cost per click, `ecpm` cost per thousand impressions, `spend_share` the part of
    the budget spent; `difference` is per episode. `predicted_value` sums the calibrated predictions of what
    was won, and its share is that of the most predicted value that the budget could have bought, which the
    row of the clairvoyant states. The p-values are Student's, by Holm for the number of bidders.

    Args:
        auctions: The auctions.
        replays: What each bidder won; "clairvoyant" is the bound, and gets no verdict.
        baseline: The bidder that the others are compared with.
        confidence: Of the intervals.

    Raises:
        DataError: If the baseline is not among the bidders.
    """
    return judged(bid_rows(auctions, replays, baseline=baseline, confidence=confidence), baseline, confidence)


def calibration_table(auctions: Auctions, confidence: float) -> pl.DataFrame:
    """Tenths of the auctions by predicted click: `auctions predicted observed observed_low observed_high`.

    Without rows where predictions are no probabilities or nothing was logged of what came of them.
    """
    seen = ~(np.isnan(auctions.click) | np.isnan(auctions.pctr))
    click, pctr = np.minimum(auctions.click[seen], 1), auctions.pctr[seen]
    is_rate = seen.any() and pctr.max() <= 1
    bins = reliability(click, pctr, bins=TENTHS, confidence=confidence) if is_rate else []
    schema = {"auctions": pl.Int64} | dict.fromkeys(
        ("predicted", "observed", "observed_low", "observed_high"), pl.Float64
    )
    return pl.DataFrame([(*one[:3], *one.interval) for one in bins], schema=schema, orient="row")


def bid_rows(
    auctions: Auctions, replays: Mapping[str, Replay], *, baseline: str, confidence: float
) -> pl.DataFrame:
    """The rows of `bid_table` with `episodes` in place of verdicts, the p-values not yet adjusted."""
    if baseline not in replays:
        raise DataError(f"The baseline '{baseline}' is not among the bidders: {', '.join(replays)}.")
    values = {name: by_episode(one.won * auctions.value, auctions) for name, one in replays.items()}
    bound = values[BOUND].sum() if BOUND in values else np.nan
    predicted_bound = _most_predicted(auctions)
    rows = []
    for name, one in replays.items():
        difference = values[name] - values[baseline]
        interval = paired_interval(difference, confidence)
        predicted = predicted_bound if name == BOUND else float(one.won @ auctions.predicted_value)
        rows.append(
            {
                "bidder": name,
                **_bought(one, auctions),
                "value_per_episode": float(values[name].mean()),
                "difference": float(difference.mean()),
                "difference_low": interval.low,
                "difference_high": interval.high,
                "p_value": np.nan if name in (baseline, BOUND) else paired_p_value(difference),
                "share_of_bound": float(values[name].sum() / bound) if bound else np.nan,
                "predicted_value": predicted,
                "predicted_value_share": predicted / predicted_bound if predicted_bound else np.nan,
                "episodes": difference.size,
            }
        )
    return pl.DataFrame(rows)


def judged(rows: pl.DataFrame, baseline: str, confidence: float) -> pl.DataFrame:
    """Rows of one or several campaigns with their verdicts, each held against the number of comparisons."""
    adjusted = adjust(rows["p_value"].to_numpy(), "holm")
    comparisons = int(np.isfinite(adjusted).sum())
    with_adjusted = rows.with_columns(p_value=pl.Series(adjusted))
    verdicts = [_verdict(row, baseline, confidence, comparisons) for row in with_adjusted.to_dicts()]
    return (
        with_adjusted.drop("episodes")
        .with_columns(
            verdict=pl.Series([one.verdict for one in verdicts], dtype=pl.String),
            reason=pl.Series([one.reason for one in verdicts], dtype=pl.String),
        )
        .with_columns(pl.selectors.float().fill_nan(None))
    )


def _most_predicted(auctions: Auctions) -> float:
    """The most calibrated predicted value that the budgets could have bought; NaN without predictions."""
    if np.isnan(auctions.predicted_value).any():
        return np.nan
    return float(
        clairvoyant(auctions._replace(value=auctions.predicted_value)).won @ auctions.predicted_value
    )


def _bought(one: Replay, auctions: Auctions) -> dict[str, float | None]:
    impressions = round(float(one.won.sum()))  # the bound may buy a part of an episode's last one
    clicks = None if np.isnan(auctions.click).any() else round(float(one.won @ auctions.click))
    cost = float(one.paid.sum())
    return {
        "impressions": impressions,
        "clicks": clicks,
        "cost": cost,
        "value": float(one.won @ auctions.value),
        "win_rate": impressions / auctions.price.size,
        "ecpc": cost / clicks if clicks else np.nan,
        "ecpm": 1000 * cost / impressions if impressions else np.nan,
        "spend_share": cost / float(auctions.budget.sum()),
    }


def by_episode(amounts: Numbers, auctions: Auctions) -> Numbers:
    """The sum of amounts in each episode, shape (episodes,)."""
    return np.asarray(
        np.bincount(auctions.episode, weights=amounts, minlength=auctions.budget.size), dtype=np.float64
    )


def paired_interval(differences: Numbers, confidence: float) -> Interval:
    """Student's interval of the mean difference over episodes; NaN with fewer than two."""
    episodes = differences.size
    if episodes < 2:
        return Interval(np.nan, np.nan)
    error = float(differences.std(ddof=1)) / np.sqrt(episodes)
    margin = student_quantile(confidence, episodes - 1) * error
    return Interval(float(differences.mean()) - margin, float(differences.mean()) + margin)


def paired_p_value(differences: Numbers) -> float:
    """Student's two-sided p-value that the mean difference over episodes is 0; NaN where it has no spread."""
    from scipy.special import stdtr

    episodes = differences.size
    error = float(differences.std(ddof=1)) / np.sqrt(episodes) if episodes > 1 else 0.0
    return float(2 * stdtr(episodes - 1, -abs(float(differences.mean())) / error)) if error else np.nan


def _verdict(row: dict[str, Any], baseline: str, confidence: float, comparisons: int) -> Verdict:
    if row["bidder"] == baseline:
        return Verdict("", "the baseline itself")
    if row["bidder"] == BOUND:
        return Verdict("", "a bound that knows the future, no bidder to choose")
    episodes, level = row["episodes"], row["value_per_episode"] - row["difference"]
    interval = Interval(row["difference_low"], row["difference_high"])
    return decide(
        row["difference"],
        interval,
        confidence=confidence,
        p_value=row["p_value"],
        comparisons=comparisons,
        smallest_effect=SMALLEST_EFFECT * level,
        caution=f"there are {episodes} episodes; at least {FEWEST_EPISODES} are needed to compare bidders"
        if episodes < FEWEST_EPISODES
        else "",
        enough=_enough(interval, episodes, level),
    )


def _enough(interval: Interval, episodes: int, level: float) -> str:
    """How many episodes would show the smallest effect of interest."""
    if not level:
        return ""
    needed = episodes * ((interval.high - interval.low) / (2 * SMALLEST_EFFECT * level)) ** 2
    return f"about {needed:,.0f} episodes would show {SMALLEST_EFFECT:.0%}"


def spend_curve(auctions: Auctions, replays: Mapping[str, Replay]) -> pl.DataFrame:
    """How the budget went over an episode: `bidder progress spend_share value_share`, 50 points each.

    `progress` is the part of the episode's auctions seen, `spend_share` the part of all budgets spent by
    then, `value_share` the part of the value that the bidder won in all.
    """
    starts = auctions.starts
    place = np.arange(auctions.price.size) - starts[auctions.episode]
    progress = (place + 1) / np.diff(starts)[auctions.episode]
    bin_of = np.ceil(progress * CURVE_POINTS).astype(np.int64)
    frames = []
    for name, one in replays.items():
        spent = np.cumsum(np.bincount(bin_of, weights=one.paid, minlength=CURVE_POINTS + 1))
        earned = np.cumsum(np.bincount(bin_of, weights=one.won * auctions.value, minlength=CURVE_POINTS + 1))
        frames.append(
            pl.DataFrame(
                {
                    "bidder": [name] * (CURVE_POINTS + 1),
                    "progress": np.linspace(0, 1, CURVE_POINTS + 1),
                    "spend_share": spent / auctions.budget.sum(),
                    "value_share": earned / max(float(earned[-1]), 1e-300),
                }
            )
        )
    return pl.concat(frames)
