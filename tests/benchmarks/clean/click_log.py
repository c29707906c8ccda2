"""A click log in CSV to Parquet: read, checked, deduplicated, in order, accounted for; beside those that do less.

    python click_log.py [--rows 10000000] [--turns 3]

Each turn runs every contender as a process of its own: CPU seconds and the peak of resident memory of the whole
process. `polars` parses and writes alone; of ten million
rows `adcli` may take twice its CPU, or the run ends with an error;
`behaviour` is adcli with sessions, robots and pseudonyms; pandas and DuckDB (with a limit of 1 GB) parse times, drop equal rows
and sort. Peers that are not installed are left out.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

CHUNK = 500_000
MOST = 2.0
CONTENDERS = {
    "adcli": "import sys; sys.argv = ['adcli', 'clean', 'log.csv', '-o', 'out.parquet', '-q']\n"
    "from adcli.cli.app import main; main()",
    "behaviour": "import sys; sys.argv = 'adcli clean log.csv -o out.parquet -q --sessions --bots flag '"
    "'--pseudonymise user_id --key-file keys'.split()\nfrom adcli.cli.app import main; main()",
    "polars": "import polars as pl\npl.scan_csv('log.csv', try_parse_dates=True).sink_parquet('out.parquet')",
    "pandas": "import pandas as pd\n"
    "d = pd.read_csv('log.csv', parse_dates=['event_time']).drop_duplicates().sort_values('event_time')\n"
    "d.to_parquet('out.parquet')",
    "duckdb": "import duckdb\n"
    "d = duckdb.connect(); d.execute(\"SET memory_limit='1GB'; SET threads=2; SET temp_directory='spill'\")\n"
    "d.execute(\"COPY (SELECT DISTINCT * FROM 'log.csv' ORDER BY event_time) TO 'out.parquet'\")",
}
MEASURED = (
    "import resource, subprocess, sys; done = subprocess.run([sys.executable, '-c', sys.argv[1]], stdout=subprocess.DEVNULL); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20, done.returncode)"
)


def write_log(path, rows):
    """Events of a month in order of time, times to the millisecond, one in a hundred rows twice."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for begin in range(0, rows, CHUNK):
            count = min(CHUNK, rows - begin)
            millis = np.sort(rng.integers(0, 130_000_000, count)) + begin * 259 + 1_704_067_200_000
            frame = pl.DataFrame(
                {
                    "event_time": pl.Series(millis).cast(pl.Datetime("ms")),
                    "user_id": rng.integers(0, 1_000_000, count),
                    "event_type": rng.choice(
                        ["view", "click", "cart", "purchase"], count, p=[0.8, 0.1, 0.07, 0.03]
                    ),
                    "item_id": rng.integers(0, 50_000, count),
                    "price": rng.integers(100, 99_999, count) / 100,
                }
            )
            again = np.sort(
                np.concatenate(
                    [np.arange(count * 99 // 100), rng.integers(0, count, count - count * 99 // 100)]
                )
            )
            frame[again].write_csv(file, include_header=not begin, datetime_format="%Y-%m-%d %H:%M:%S%.3f")


def measured(folder, code):
    """CPU seconds and peak GB of one run."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, code], cwd=folder, capture_output=True, text=True, check=True
    )
    seconds, peak, returned = map(float, done.stdout.split())
    if returned:
        raise SystemExit(done.stderr)
    return seconds, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args()
    known = {
        name: code
        for name, code in CONTENDERS.items()
        if name not in given.without and (name == "behaviour" or importlib.util.find_spec(name))
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder / "log.csv", given.rows)
        (folder / "keys").write_text("0" * 64)
        (folder / "keys").chmod(0o600)
        taken = {name: [] for name in known}
        for _ in range(given.turns):
            for name, code in known.items():
                taken[name].append(measured(folder, code))
                print(f"{name:8s} {taken[name][-1][0]:7.1f} CPU-s {taken[name][-1][1]:6.2f} GB", flush=True)
        ours = statistics.median(seconds for seconds, _ in taken["adcli"])
        for name, runs in taken.items():
            seconds, peak = (statistics.median(figure) for figure in zip(*runs, strict=True))
            print(
                f"{name:8s} {seconds:7.1f} CPU-s {peak:6.2f} GB   adcli takes {ours / seconds:5.2f} x",
                flush=True,
            )
        if (
            given.rows >= 10_000_000
            and "polars" in taken
            and ours > MOST * statistics.median(seconds for seconds, _ in taken["polars"])
        ):
            raise SystemExit(f"adcli takes more than {MOST:g} times the CPU of polars.")


if __name__ == "__main__":
    main()
