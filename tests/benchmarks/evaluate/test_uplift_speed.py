"""Qini with 100 bootstrap samples over a million units, beside causalml."""

import importlib.util

import numpy as np
import pytest
from interleaved import medians, show

from adcli.evaluate.uplift.bootstrap import estimate_areas

ROWS, SAMPLES = 1_000_000, 100


def compare(repeats):
    rng = np.random.default_rng(0)
    treated, score = rng.integers(0, 2, ROWS), rng.normal(size=ROWS)
    outcome = (rng.random(ROWS) < 0.05 + 0.02 * treated * (score > 0)).astype(int)

    def ours():
        return estimate_areas(score, treated * 1.0, outcome * 1.0, samples=SAMPLES, confidence=0.95, seed=0)

    contenders = {"adcli": ours}
    if importlib.util.find_spec("causalml"):
        import pandas as pd
        from causalml.metrics import qini_score

        frame = pd.DataFrame({"y": outcome, "w": treated, "m": score})
        contenders["causalml"] = lambda: qini_score(
            frame, return_ci=True, n_bootstrap=SAMPLES, random_state=0
        )
        theirs = qini_score(frame)["m"]
        assert float(ours()[0].qini_causalml) == pytest.approx(theirs, abs=1e-9)
    show(f"Qini (ours: all four areas), {ROWS:,} units, {SAMPLES} samples", medians(contenders, repeats))


@pytest.mark.benchmark
def test_uplift_speed():
    compare(repeats=2)


if __name__ == "__main__":
    compare(repeats=3)
