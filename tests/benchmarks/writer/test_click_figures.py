"""What reinforcement gains in true clicks, over seeds and hidden tastes: `make bench`.

`SEEDS=1,2,3,4,5 TASTES=plain,warm,lively pytest -m benchmark test_click_figures.py` runs
`examples/writer` for each; one of each takes about 20 CPU-minutes. `OUT` keeps what was trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adcli.statistics.intervals import student_quantile

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "writer"
SEEDS = os.environ.get("SEEDS", "1").split(",")
TASTES = os.environ.get("TASTES", "plain,warm,lively").split(",")


def run(out: Path, seed: str, taste: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(EXAMPLE), f"OUT={out}", f"SEED={seed}", f"TASTE={taste}"]
    command += [f"ADCLI={sys.executable} -m adcli", f"PYTHON={sys.executable}"]
    return subprocess.run(
        command, text=True, check=False, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )


def interval(values: list[float]) -> str:
    mean = np.mean(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    half = student_quantile(0.95, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{mean:.3f} [{mean - half:.3f}, {mean + half:.3f}]"


@pytest.mark.benchmark
def test_reinforcement_earns_clicks_of_a_taste_that_nobody_told_it(tmp_path, capsys):
    out = Path(os.environ.get("OUT", tmp_path))
    with capsys.disabled():
        found = []
        for seed in SEEDS:
            for taste in TASTES:
                done = run(out / seed, seed, taste)
                assert done.returncode == 0, done.stderr
                found.append(json.loads((out / seed / taste / "writers.json").read_text()))
        for stage in [name for name in found[0] if name not in {"people", "supervised"}]:
            print(stage, "over supervised, with a 95 % interval over seeds and tastes:")
            for measure in ("one", "best_of_8", "distinct_2"):
                ratios = [rows[stage][measure] / rows["supervised"][measure] for rows in found]
                print(f"    {measure:12} {interval(ratios)}")
        nobody = run(out / SEEDS[0], SEEDS[0], "none")
        assert "no better than a constant" in nobody.stderr
        print("a taste for nothing: refused, the click model is no better than a constant")
