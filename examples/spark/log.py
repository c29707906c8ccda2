"""A click log in several files, in which rows come again, in the same file or another, or lack a time."""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

ROWS_LOGGED_TWICE = 0.01
ROWS_WITHOUT_A_TIME = 0.001


def write_logs(folder: Path, files: int, rows: int, seed: int) -> None:
    """Write a file for each day; a few rows come again in the next."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    before = None
    for number in range(files):
        millis = np.sort(rng.integers(0, 86_400_000, rows)) + number * 86_400_000 + 1_704_067_200_000
        log = pl.DataFrame(
            {
                "event_time": pl.Series(millis).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%S%.3f"),
                "user_id": rng.integers(0, rows // 20, rows),
                "event_type": rng.choice(
                    ["view", "click", "cart", "purchase"], rows, p=[0.8, 0.1, 0.07, 0.03]
                ),
                "item_id": rng.integers(0, 5_000, rows),
                "price": rng.integers(100, 99_999, rows) / 100,
            }
        )
        unreadable = pl.Series(rng.random(rows) < ROWS_WITHOUT_A_TIME)
        log = log.with_columns(
            pl.when(unreadable).then(pl.lit("unknown")).otherwise("event_time").alias("event_time")
        )
        again = log if before is None else before
        twice = pl.concat([log, again.sample(fraction=ROWS_LOGGED_TWICE, seed=seed)])
        twice.write_csv(folder / f"day-{number + 1:02}.csv")
        before = log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    write_logs(asked.out / "logs", asked.files, asked.rows, asked.seed)


if __name__ == "__main__":
    main()
