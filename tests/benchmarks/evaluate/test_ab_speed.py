"""A/B tables from the same Polars frame, beside tea-tasting; and a Parquet file larger than the memory it takes.

python test_ab_speed.py                    # 1 M and 10 M rows, in memory
python test_ab_speed.py --parquet 100000000
"""

import argparse
import importlib.util
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of
from interleaved import medians, show

METRICS = ["click", "rev", "rev/click"]
CUPED = {"metrics": METRICS, "covariates": ["pre"]}


def make_units(rows, seed=1):
    rng = np.random.default_rng(seed)
    variant = rng.integers(0, 2, rows)
    click = (rng.random(rows) < np.where(variant == 1, 0.022, 0.02)).astype(np.int64)
    revenue = click * rng.gamma(2, 10, rows)
    before = revenue * 0.5 + rng.gamma(2, 5, rows)
    return pl.DataFrame({"variant": variant, "click": click, "rev": revenue, "pre": before})


def tea_tasting(*covariate):
    """tea-tasting's experiment of the same metrics, the sample ratio among them."""
    import tea_tasting as tt

    return tt.Experiment(
        click=tt.Mean("click", *covariate),
        rev=tt.Mean("rev", *covariate),
        rev_per_click=tt.RatioOfMeans("rev", "click", *covariate),
        srm=tt.SampleRatio(),
    )


def compare(rows, repeats):
    units = make_units(rows)
    for covariates in ([], ["pre"]):
        contenders = {"adcli": lambda c=covariates: ab_of(units, metrics=METRICS, covariates=c)}
        if importlib.util.find_spec("tea_tasting"):
            experiment = tea_tasting(*covariates)
            contenders["tea-tasting"] = lambda e=experiment: e.analyze(units)
        show(f"{rows:,} rows, adjusted for {covariates}", medians(contenders, repeats))


def read_parquet(rows):
    """Time and peak memory of a lazy file, written in pieces."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        path, writer = Path(folder) / "units.parquet", None
        for seed, _ in enumerate(range(0, rows, 5_000_000)):
            piece = make_units(min(5_000_000, rows - seed * 5_000_000), seed).to_arrow()
            writer = writer or pq.ParquetWriter(path, piece.schema)
            writer.write_table(piece, row_group_size=500_000)
        writer.close()
        del piece
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        table = ab_of(pl.scan_parquet(path), **CUPED)
        taken = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"\n{rows:,} rows of Parquet ({path.stat().st_size / 1e9:.1f} GB): {taken:.1f} s, "
              f"peak {peak / 1e6:.2f} GB (before it {before / 1e6:.2f} GB)")  # fmt: skip
        return table


@pytest.mark.benchmark
def test_ab_speed():
    compare(1_000_000, repeats=5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--parquet", type=int, default=0)
    given = parser.parse_args()
    if given.parquet:
        print(read_parquet(given.parquet))
    else:
        compare(1_000_000, repeats=15)
        compare(10_000_000, repeats=5)
