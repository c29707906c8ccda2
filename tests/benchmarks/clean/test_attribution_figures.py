"""A month of ten million events is attributed to five million impressions in a minute and two gigabytes."""

import attribution
import polars as pl
import pytest

pytestmark = pytest.mark.benchmark


def test_attribution_keeps_to_its_time_and_memory(tmp_path):
    attribution.write_tables(tmp_path, 10_000_000, 5_000_000)
    seconds, peak, said = attribution.measured(tmp_path, "decay")
    shares = pl.read_parquet(tmp_path / "out.parquet")["attributed_share"].sum()
    print(f"\ndecay {seconds:.1f} CPU-s {peak:.2f} GB, shares {shares:.9f}")
    (found,) = (line for line in said.splitlines() if "conversions have" in line)
    assert abs(shares - int(found.split(" of ")[0].replace(",", ""))) < 1e-6
    assert seconds < 60
    assert peak < 2
