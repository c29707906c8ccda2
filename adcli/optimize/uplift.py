"""Whom an ad gains by being shown: uplift over no ad, and whether choosing by context is proven to pay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from adcli.numbers import difference_kind, plain, show
from adcli.optimize.candidates import DIRECT, POPULAR, SOFTENED
from adcli.policies.estimators import dr
from adcli.policies.policy import chunks
from adcli.policies.prepared import PreparedLog
from adcli.policies.rows import FittedReward, PolicyRows, expected_rewards
from adcli.statistics.means import clustered_mean
from adcli.statistics.multiplicity import adjust

PERSONAL: Final = (DIRECT, *SOFTENED)
RANKING: Final = "uplift.parquet"  # in the policy's directory


def refusal(log: PreparedLog, rows: Mapping[str, PolicyRows], confidence: float) -> str:
    """Why nothing is chosen by context, or an empty string where that is proven to pay.

    Choosing by context is to earn more than the best action for everyone, on rows that neither was learned
    from; the difference is by DR, the p-values adjusted for the kinds that try (Holm).

    `log`: the log, whose actions include one that shows no ad; `rows`: each candidate against it;
    `confidence`: of the difference.
    """
    kinds = [name for name in PERSONAL if name in rows]
    if not kinds:
        return "Personalising is refused: expected rewards differ by context no more than chance has it."
    same = _influence(log, rows[POPULAR])
    gains = [clustered_mean(_influence(log, rows[name]) - same, log.logged.cluster) for name in kinds]
    p_values = adjust(np.array([gain.p_value() for gain in gains]), "holm")
    if any(gain.value > 0 and p <= 1 - confidence for gain, p in zip(gains, p_values, strict=True)):
        return ""
    best = max(gains, key=lambda gain: gain.value)
    low, high = best.interval(confidence)
    kind = difference_kind(log.logged.value_kind)
    return (
        f"Personalising is refused: choosing by context earns {plain(show(best.value, kind))} "
        f"[{plain(show(low, kind))}, {plain(show(high, kind))}] per impression more than the best action for "
        "everyone, which is no proof that it earns more."
    )


def _influence(log: PreparedLog, rows: PolicyRows) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return dr(log.logged.reward, rows.weight, rows.q_logged, rows.q_policy).influence


def uplift_ranking(log: PreparedLog, reward: FittedReward) -> pl.DataFrame:
    """The rows of a log that test a ranking by uplift, as `adcli evaluate uplift` reads them.

    `score` is what the best ad for a row is expected to earn there, net of its cost, over no ad, by the model
    that did not see the row. `variant` says whether that ad (`best_ad`) was shown: "treated", or none:
    "control". Rows that were shown another ad say nothing of it, and are left out.
    """
    no_ad, names = log.no_ad, log.actions.frame[log.actions.columns[0]]
    score, best = np.empty(log.impressions.height), np.empty(log.impressions.height, dtype=np.int64)
    ads = np.flatnonzero(~no_ad)
    for rows in chunks(score.size, len(log.actions)):
        expected = expected_rewards(reward, log.impressions[rows], reward.fold[rows])
        best[rows] = ads[expected[:, ads].argmax(axis=1)]
        score[rows] = expected[:, ads].max(axis=1) - expected[:, no_ad].max(axis=1)
    shown = log.logged.action
    variant = np.where(no_ad[shown], "control", np.where(shown == best, "treated", ""))
    ranked = log.impressions.with_columns(
        variant=pl.Series(variant), best_ad=names[best], score=pl.Series(score)
    )
    return ranked.filter(pl.col("variant") != "")
