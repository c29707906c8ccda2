"""Attribution at scale: events in Parquet joined back to impressions in Parquet, by the command line.

    python attribution.py [--events 10000000] [--impressions 5000000]

Each rule is a process of its own: CPU seconds and the peak of resident memory of the whole process.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

RULES = ("last", "first", "linear", "position", "decay")
CHUNK = 500_000
DAYS = 30


def write_tables(folder, events, impressions):
    """A log of a month in order of time, a user having five events: 4 % clicks, 2 % purchases."""
    rng = np.random.default_rng(0)
    users = max(events // 5, 1)
    kinds = rng.choice(["view", "click", "purchase"], events, p=[0.94, 0.04, 0.02])
    log = in_time(rng, users, events).with_columns(
        event_type=pl.Series(kinds),
        revenue=pl.when(pl.Series(kinds) == "purchase").then(
            pl.Series(rng.integers(100, 9999, events) / 100)
        ),
    )
    log.write_parquet(folder / "log.parquet")
    in_time(rng, users, impressions).write_parquet(folder / "shown.parquet")


def in_time(rng, users, rows):
    """Users, ads and sorted times."""
    micros = np.sort(rng.integers(0, DAYS * 86_400_000_000, rows)) + 1_704_067_200_000_000
    return pl.DataFrame(
        {
            "event_time": pl.Series(micros).cast(pl.Datetime("us", "UTC")),
            "user_id": pl.Series(rng.integers(0, users, rows)).cast(pl.String),
            "ad_id": pl.Series(rng.integers(0, 500, rows)).cast(pl.String),
        }
    )


def measured(folder, rule):
    """CPU seconds and peak GB of one run, and what it said."""
    command = ["-m", "adcli", "clean", "log.parquet", "--attribute", rule, "--impressions", "shown.parquet"]
    code = (
        "import os, resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20, done.returncode); print(done.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command, "-o", "out.parquet"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    figures, _, said = done.stdout.partition("\n")
    seconds, peak, returned = map(float, figures.split())
    if returned:
        raise SystemExit(said)
    return seconds, peak, said


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--impressions", type=int, default=5_000_000)
    parser.add_argument("--rules", nargs="*", default=RULES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tables(folder, given.events, given.impressions)
        for rule in given.rules:
            seconds, peak, said = measured(folder, rule)
            shares = pl.read_parquet(folder / "out.parquet")["attributed_share"].sum()
            found = next(line for line in said.splitlines() if "conversions have" in line)
            print(
                f"{rule:9s} {seconds:7.1f} CPU-s {peak:6.2f} GB   shares {shares:.9f}   {found}", flush=True
            )


if __name__ == "__main__":
    main()
