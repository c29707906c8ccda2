"""The simulated shop: the same every time, dirty exactly as it says, and true to its own truth."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from adcli.clean.pipeline import clean_stream
from adcli.clean.runs import FILE, LINE
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
FILES = {
    "events": "events.csv.gz",
    "impressions": "impressions.csv.gz",
    "impressions_later": "impressions_later.csv.gz",
    "products": "products.csv",
    "reviews": "reviews.ndjson",
}


def simulate(folder: Path, seed: int = 7) -> Path:
    command = [sys.executable, str(SHOP / "simulator.py"), "--out", str(folder), "--seed", str(seed)]
    subprocess.run(command, check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def truth(raw: Path) -> dict[str, Any]:
    return json.loads((raw / "truth.json").read_text(encoding="utf-8"))


def clean(path: Path, table: str) -> tuple[pl.DataFrame, int, int]:
    stream = open_table([str(path)], tables=[table], options=ReadOptions())
    with tempfile.TemporaryDirectory() as spill:
        cleaned = clean_stream(stream, spill=Path(spill), reject=lambda rejects: None)
        frame = pl.concat(list(cleaned)).drop(FILE, LINE)
    return frame, stream.rows_read, stream.rows_rejected


@pytest.fixture(scope="module")
def impressions(raw: Path) -> pl.DataFrame:
    return clean(raw / FILES["impressions"], "impressions")[0]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(raw: Path, tmp_path: Path) -> None:
    again, other = simulate(tmp_path / "again"), simulate(tmp_path / "other", seed=8)
    names = sorted(path.name for path in raw.iterdir())
    assert names == sorted([*FILES.values(), "ab.csv", "truth.json"])
    assert [name for name in names if (raw / name).read_bytes() != (again / name).read_bytes()] == []
    assert [name for name in names if (raw / name).read_bytes() == (other / name).read_bytes()] == []


@pytest.mark.parametrize("name", FILES)
def test_cleaning_finds_exactly_the_bad_rows_that_were_put_in(
    name: str, raw: Path, truth: dict[str, Any]
) -> None:
    frame, read, rejected = clean(raw / FILES[name], name.removesuffix("_later"))
    rows = truth["rows"][name]
    assert (read, rejected, frame.height) == (rows["lines"], sum(rows["bad"].values()), rows["good"])


def test_the_log_clicks_as_often_as_the_truth_says(impressions: pl.DataFrame, truth: dict[str, Any]) -> None:
    for (placement,), rows in impressions.group_by("placement"):
        true_ctr = truth["ctr"]["impressions"][placement]
        std_error = (true_ctr * (1 - true_ctr) / rows.height) ** 0.5
        assert abs(rows["click"].mean() - true_ctr) < 3.5 * std_error


def test_weighting_by_the_propensities_gives_the_uniform_policy_s_true_value(
    impressions: pl.DataFrame, truth: dict[str, Any]
) -> None:
    weight = 1 / len(truth["promoted"]) / impressions["propensity"].to_numpy()
    reward = weight * impressions["click"].to_numpy()
    assert weight.mean() == pytest.approx(1, abs=4 * weight.std() / len(weight) ** 0.5)
    std_error = reward.std() / len(reward) ** 0.5
    assert abs(reward.mean() - truth["policy_value"]["impressions"]["uniform"]) < 3.5 * std_error


def test_there_is_something_to_gain_by_what_the_log_shows(truth: dict[str, Any]) -> None:
    for value in truth["policy_value"].values():
        assert (
            value["uniform"] < value["logging"] < 0.7 * value["best"] < value["best"] < value["clairvoyant"]
        )


def test_the_ab_test_has_a_fair_split_and_the_lift_it_says(raw: Path, truth: dict[str, Any]) -> None:
    arms = (
        pl.read_csv(raw / "ab.csv").group_by("group").agg(pl.len(), pl.col("converted").mean()).sort("group")
    )
    (_, n_a, rate_a), (_, n_b, rate_b) = arms.rows()
    std_error = np.sqrt(rate_a * (1 - rate_a) / n_a + rate_b * (1 - rate_b) / n_b)
    assert abs(rate_b - rate_a - truth["ab"]["converted"]) < 3.5 * std_error
    assert abs(n_a - n_b) < 3.5 * (n_a + n_b) ** 0.5


def test_the_comparison_prints_what_was_checked(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").symlink_to(raw)
    rows = json.loads((raw / "truth.json").read_text(encoding="utf-8"))["rows"]["events"]
    counts = {"rows": {"read": rows["lines"], "written": rows["good"], "rejected": 0}}
    (tmp_path / "events.parquet.meta.json").write_text(json.dumps(counts))
    command = [sys.executable, str(SHOP / "compare.py"), "--out", str(tmp_path)]
    printed = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout
    assert "DIFFERS" in printed
    assert "0 of 1 agree" in printed
