"""Whether Spark's rows, rejects and rates are those of one machine."""

import argparse
import sys
from pathlib import Path

import polars as pl


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    here, there = (pl.read_parquet(out / f"{name}.parquet") for name in ("local", "spark"))
    rejected = [
        pl.read_csv(out / f"{name}-rejects.csv").sort("file", "line", "reason") for name in ("local", "spark")
    ]
    rates = (out / "local-rates.csv").read_bytes() == (out / "spark-rates.csv").read_bytes()
    rows, rejects = here.equals(there), rejected[0].equals(rejected[1])
    print(f"{here.height:,} rows, {'the same' if rows else 'NOT the same'}")
    print(f"{rejected[0].height:,} rejected, {'the same' if rejects else 'NOT the same'}")
    print(f"rates: {'the same' if rates else 'NOT the same'}")
    return 0 if rows and rejects and rates else 1


if __name__ == "__main__":
    sys.exit(main())
