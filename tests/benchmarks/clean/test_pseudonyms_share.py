"""Pseudonyms of ten million rows of half a million users are a small part of the run that makes them."""

import os
import resource
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

pytestmark = pytest.mark.benchmark
ROWS, USERS = 10_000_000, 500_000


def write_log(path, rows, users):
    draw = np.random.default_rng(7)
    start = 1_704_067_200_000_000
    pl.DataFrame(
        {
            "event_time": np.sort(draw.integers(0, 30 * 86_400_000_000, rows)) + start,
            "user_id": draw.integers(0, users, rows),
            "event_type": draw.choice(["view", "click", "cart", "purchase"], rows),
            "item_id": draw.integers(0, 100_000, rows),
            "price": draw.integers(100, 10_000, rows) / 100,
        }
    ).with_columns(
        pl.from_epoch("event_time", "us").dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
        pl.format("customer-{}", pl.col("user_id")),
    ).write_csv(path)


def cpu_seconds(folder, *options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "adcli", "clean", "log.csv", "-q", "-o", "out.parquet", *options]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "POLARS_MAX_THREADS": "2"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_pseudonyms_are_a_small_part_of_the_run(tmp_path):
    write_log(tmp_path / "log.csv", ROWS, USERS)
    (tmp_path / "keys").write_text("0" * 64)
    (tmp_path / "keys").chmod(0o600)
    plain = cpu_seconds(tmp_path)
    hidden = cpu_seconds(tmp_path, "--pseudonymise", "user_id", "--key-file", "keys")
    share = (hidden - plain) / hidden
    print(
        f"\n{ROWS:,} rows, {USERS:,} users: {plain:.1f} CPU-s without, {hidden:.1f} with pseudonyms: {share:.1%}"
    )
    assert share <= 0.12  # measured 0.067; what else runs on the machine moves it
