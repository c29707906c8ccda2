"""A rate in five groups over a million rows with its interval, beside fairlearn's 20 bootstrap samples."""

import importlib.util

import numpy as np
import polars as pl
import pytest
from interleaved import medians, show

from adcli.evaluate.rates.fairness import fairness_table

ROWS, GROUPS, SAMPLES = 1_000_000, 5, 20


def compare(repeats):
    rng = np.random.default_rng(0)
    group, chosen = rng.integers(0, GROUPS, ROWS), rng.integers(0, 2, ROWS)
    log = pl.DataFrame({"item_id": "1", "group": group, "click": chosen})

    contenders = {
        "adcli, the whole fairness table": lambda: fairness_table(log, by=["group"]),
    }
    if importlib.util.find_spec("fairlearn"):
        from fairlearn.metrics import MetricFrame, selection_rate

        contenders["fairlearn"] = lambda: MetricFrame(
            metrics={"rate": selection_rate},
            y_true=chosen,
            y_pred=chosen,
            sensitive_features=group,
            n_boot=SAMPLES,
            ci_quantiles=[0.025, 0.975],
            random_state=0,
        )
    show(f"rates of {GROUPS} groups, {ROWS:,} rows", medians(contenders, repeats))


@pytest.mark.benchmark
def test_grouped_rates_speed():
    compare(repeats=1)


if __name__ == "__main__":
    compare(repeats=1)
