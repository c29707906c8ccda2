"""What Spark costs beside one machine: CPU seconds of all its processes, on two local workers; the same rows."""

import importlib.util
import shutil
import subprocess
import sys
import time

import click_log
import polars as pl
import psutil
import pytest

ROWS = 4_000_000
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
        reason="PySpark or Java is not installed",
    ),
]


def cpu_seconds(folder, *arguments):
    """CPU seconds of a command and all processes below it, as seen ten times a second."""
    seen = {}
    running = subprocess.Popen([sys.executable, "-m", "adcli", *arguments, "-q"], cwd=folder)
    root = psutil.Process(running.pid)
    while running.poll() is None:
        for process in [root, *root.children(recursive=True)]:
            try:
                used = process.cpu_times()
                seen[process.pid] = used.user + used.system
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.1)
    assert running.returncode == 0
    return sum(seen.values())


def test_spark_costs_little_more_than_one_machine(tmp_path):
    click_log.write_log(tmp_path / "log.csv", ROWS)
    lines = (tmp_path / "log.csv").open().readlines(100_000)
    (tmp_path / "few.csv").write_text("".join(lines))
    spark = ("--engine", "spark=local[2]", "--sessions")
    start = cpu_seconds(tmp_path, "clean", "few.csv", "-o", "few.parquet", *spark)
    here = cpu_seconds(tmp_path, "clean", "log.csv", "-o", "here.parquet", "--sessions")
    there = cpu_seconds(tmp_path, "clean", "log.csv", "-o", "there.parquet", *spark)
    assert pl.read_parquet(tmp_path / "here.parquet").equals(pl.read_parquet(tmp_path / "there.parquet"))
    print(
        f"\n{ROWS:,} rows: {here:.1f} CPU s on one machine, {there:.1f} on Spark, of which {start:.1f} to start: "
        f"{(there - start) / here:.2f} x beside the start"
    )
