"""Let `adcli optimize stream` decide for the requests of the two weeks after; shoppers click by the truth.

    python live.py --out out --adcli adcli

The stream starts as the learned policy, whose directory is out/policy; each reward comes some requests late.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
from world import click_probability, promoted_of, requests_of

AT_ONCE = 50  # requests that are under way before a click is heard of
CONTEXT = ["event_time", "user_id", "placement", "device", "interest"]


def main() -> None:
    """Serve all requests, each with its reward in the next block."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder that holds raw/ and policy/")
    parser.add_argument("--adcli", default="adcli", help="the command")
    options = parser.parse_args()
    truth = json.loads((options.out / "raw" / "truth.json").read_text(encoding="utf-8"))
    log = pl.read_parquet(options.out / "impressions_later.parquet").select(CONTEXT).sort("event_time")
    promoted = promoted_of(truth)
    chance = click_probability(requests_of(log, truth), promoted)
    luck = np.random.default_rng(truth["seed"]).random(log.height)
    contexts = log.with_columns(pl.col("event_time").dt.to_string("iso:strict")).to_dicts()
    command = [options.adcli, "optimize", "stream", options.out / "policy", "--state", options.out / "live"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stream:
        rewards: list[dict[str, object]] = []
        for start in range(0, log.height, AT_ONCE):
            rows = range(start, min(start + AT_ONCE, log.height))
            requests = [{"id": f"r{row}", "context": contexts[row]} for row in rows]
            stream.stdin.writelines(json.dumps(line) + "\n" for line in [*rewards, *requests])
            stream.stdin.flush()
            shown = [json.loads(stream.stdout.readline())["item_id"] for _ in rows]
            clicked = [
                luck[row] < chance[row, promoted.item_id.index(item)]
                for row, item in zip(rows, shown, strict=True)
            ]
            rewards = [
                {"id": f"r{row}", "reward": int(click)} for row, click in zip(rows, clicked, strict=True)
            ]
        stream.stdin.writelines(json.dumps(line) + "\n" for line in rewards)
        stream.stdin.close()


if __name__ == "__main__":
    main()
