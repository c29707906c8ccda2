"""The risk of choosing by an estimate: what the best of a shortlist bring when they are tried."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.policies.logged import LoggedRows
from adcli.policies.reward_model import assign_folds
from adcli.statistics.means import clustered_mean


def with_shortlist(
    table: pl.DataFrame, influences: Mapping[str, Floats], logged: LoggedRows, *, confidence: float, seed: int
) -> pl.DataFrame:
    """A table of values with the risk of trying each policy and those above it, where there are several."""
    if len(influences) < 2:
        return table
    risk = shortlist_risk(influences, logged.reward, cluster=logged.cluster, confidence=confidence, seed=seed)
    columns = [name for name in risk.columns if name != "policy"]
    joined = table.join(risk, on="policy", how="left", maintain_order="left")
    return joined.with_columns(pl.when("headline").then(pl.col(name)).alias(name) for name in columns)


def shortlist_risk(
    influences: Mapping[str, Floats],
    baseline: Floats,
    *,
    cluster: Integers | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> pl.DataFrame:
    """What the k best policies by an estimate bring when tried: the best, the worst, and their ratio.

    Policies are ranked on one half of the log and valued on the other, and the other way round, so that one
    which only looks good where it was chosen is found out. The columns are `policy rank best worst worst_low
    spread sharpe_ratio`: `rank` is k, and `policy` the k-th by the whole log; `best` and `worst` are the
    highest and lowest value among the first k (mean of both halves), `worst_low` the lower end of the worst
    one's interval on the whole log, `spread` their standard deviation, `sharpe_ratio`
    (best - baseline) / spread, missing for k = 1.

    `influences`: the influence of each row on each policy's value, shape (n,) each; `baseline`: the same of
    the baseline (the log's rewards); `cluster`: the user of each row.

    Source: Kiyohara et al., "Towards assessing and benchmarking risk-return tradeoff of off-policy
    evaluation" (2024): SharpeRatio@k.
    """
    half = assign_folds(baseline.size, 2, seed, cluster) == 0
    names = list(influences)
    whole = {name: clustered_mean(influences[name], cluster).interval(confidence) for name in names}
    by_value = sorted(names, key=lambda name: -float(influences[name].mean()))
    rows = []
    for k in range(1, len(names) + 1):
        best, worst, spread, lowest = [], [], [], []
        for ranked, valued in ((half, ~half), (~half, half)):
            order = sorted(names, key=lambda name: -float(influences[name][ranked].mean()))[:k]
            values = np.array([influences[name][valued].mean() for name in order])
            best.append(values.max())
            worst.append(values.min())
            spread.append(values.std())
            lowest.append(whole[order[int(values.argmin())]].low)
        gain, deviation = float(np.mean(best) - baseline.mean()), float(np.mean(spread))
        rows.append(
            {
                "policy": by_value[k - 1],
                "rank": k,
                "best": float(np.mean(best)),
                "worst": float(np.mean(worst)),
                "worst_low": float(min(lowest)),
                "spread": deviation,
                "sharpe_ratio": gain / deviation if deviation else None,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)
