"""What learning and valuing a policy cost as the log grows: 80 actions, 20 features, CPU seconds and memory.

    python policy_scale.py                      # learn and value 300k, 1 M and 3 M rows
    python policy_scale.py --rows 10000 --what evaluate

Each run is the command itself, a process of its own with one thread. `peak` is its largest resident memory;
`own` leaves out the pages of files that it has mapped, which the system may take back at any time.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

ACTIONS, FEATURES, BLOCK = 80, 20, 100_000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def write_log(path, rows):
    """A log of an even logging policy; clicks depend on the context differently for each action."""
    rng = np.random.default_rng(0)
    taste, level = rng.normal(0, 0.25, (FEATURES, ACTIONS)), rng.normal(-3, 0.3, ACTIONS)
    names = [f"item{number:02d}" for number in range(ACTIONS)]
    parts = []
    for start in range(0, rows, BLOCK):
        n = min(BLOCK, rows - start)
        context, action = rng.normal(size=(n, FEATURES)), rng.integers(0, ACTIONS, n)
        scores = np.einsum("ij,ij->i", context, taste.T[action]) + level[action]
        frame = pl.DataFrame(context, schema=[f"x{number:02d}" for number in range(FEATURES)])
        parts.append(
            frame.with_columns(
                item_id=pl.Series(np.array(names)[action]),
                propensity=pl.lit(1 / ACTIONS),
                click=pl.Series((rng.random(n) < 1 / (1 + np.exp(-scores))).astype(np.int8)),
            )
        )
    pl.concat(parts).write_parquet(path, row_group_size=BLOCK)


def run(*arguments):
    """CPU seconds and the peaks of resident and of own memory, in MB, of one command."""
    command = [sys.executable, "-m", "adcli", *map(str, arguments), "-q"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = subprocess.Popen(command, env=os.environ | ONE_THREAD)
    peak = own = 0
    while started.poll() is None:
        status = Path(f"/proc/{started.pid}/status").read_text()
        found = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if "kB" in line}
        peak, own = max(peak, int(found.get("VmHWM", 0))), max(own, int(found.get("RssAnon", 0)))
        time.sleep(0.05)
    if started.returncode:
        sys.exit(f"{' '.join(command)}: exit code {started.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, peak / 1024, own / 1024


def main():
    """Print a line for each command and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 1_000_000, 3_000_000])
    parser.add_argument("--what", choices=["learn", "evaluate"], nargs="+", default=["learn", "evaluate"])
    given = parser.parse_args()
    print(f"{'':9} {'rows':>10} {'CPU s':>8} {'peak MB':>8} {'own MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            log, policy = Path(folder, "log.parquet"), Path(folder, f"policy{rows}")
            write_log(log, rows)
            commands = {
                "learn": ["optimize", "policy", log, "-o", policy],
                "evaluate": ["evaluate", "policy", "uniform", log, "-o", Path(folder, f"{rows}.csv")],
            }
            for name in given.what:
                cpu, peak, own = run(*commands[name])
                print(f"{name:9} {rows:10,} {cpu:8.1f} {peak:8,.0f} {own:8,.0f}", flush=True)


if __name__ == "__main__":
    main()
