"""Recall@20 of what customers of Online Retail buy next, before and after tuning on what they bought before.

    python tests/benchmarks/encoder/next_item.py --steps 600

Learned up to October 2011, asked about what was bought after it. A customer is the mean of the items they
bought, and is looked for among all items; beside it what popularity finds, and the items' own purchases as
vectors (TF-IDF item-item). Needs the folder of real data beside the checkout.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(__file__).resolve().parents[4] / "shared/data/behaviour/online_retail_uci.csv.gz"
SINCE = datetime(2011, 10, 1, tzinfo=UTC)
K = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--tune", default="full")
    options = parser.parse_args()
    if not DATA.exists():
        raise SystemExit("the folder of real data is not beside this checkout")
    with tempfile.TemporaryDirectory() as folder:
        _benchmark(Path(folder), options.steps, options.tune)


def _benchmark(folder: Path, steps: int, tune: str) -> None:
    from adcli.core.encoding.encoder import Encoder
    from adcli.optimize.encoder.behaviour_pairs import item_texts

    _adcli("clean", DATA, "-o", folder / "events.parquet")
    events = pl.read_parquet(folder / "events.parquet").filter(pl.col("event_type") == "purchase")
    items = item_texts(events.filter(pl.col("event_time") < SINCE))
    texts = items["text"].to_list()
    untuned = _recall(events, items, Encoder.load("minilm").encode(texts))
    print(f"untuned              recall@{K} {untuned:.4f}", flush=True)
    print(f"popularity           recall@{K} {_recall(events, items, None):.4f}", flush=True)
    print(
        f"TF-IDF item-item     recall@{K} {_recall(events, items, _item_item(events, items)):.4f}", flush=True
    )
    started = time.perf_counter()
    _adcli("optimize", "encoder", folder / "events.parquet", "--cutoff", SINCE.date().isoformat(),
           "--tune", tune, "--train-length", "24", "--patience", "100", "--steps", str(steps),
           "-o", folder / "encoder")  # fmt: skip
    spent = time.perf_counter() - started
    tuned = _recall(events, items, Encoder.load("minilm", adapter=folder / "encoder").encode(texts))
    print(
        f"{tune}, {steps} steps      recall@{K} {tuned:.4f}: {tuned / untuned:.2f} x untuned, in {spent:.0f} s"
    )


def _adcli(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "adcli", *map(str, arguments)], check=True)


def _recall(events: pl.DataFrame, items: pl.DataFrame, units: np.ndarray | None) -> float:
    """Recall at K of items as unit vectors; of their popularity for None."""
    from adcli.behaviour.next_item import next_item_task, popularity
    from adcli.statistics.retrieval import retrieve

    vectors = np.ones((items.height, 1), np.float32) if units is None else units
    asked = next_item_task(
        events, items["item_id"], vectors, users=None, user_units=None, since=SINCE, most=3_000, seed=0
    )
    found = retrieve(popularity(asked) if units is None else asked.task, [K], seed=0)
    return float(found.values[:, 0].mean())


def _item_item(events: pl.DataFrame, items: pl.DataFrame) -> np.ndarray:
    """(items, customers) unit vectors of who bought each item before, weighted by TF-IDF."""
    from scipy.sparse import coo_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    before = events.filter(pl.col("event_time") < SINCE).join(
        items.with_row_index("item").select("item", "item_id"), on="item_id"
    )
    customer = before["user_id"].rank("dense").to_numpy().astype(int) - 1
    bought = coo_matrix((np.ones(before.height), (before["item"].to_numpy(), customer))).tocsr()
    bought.data[:] = 1
    return TfidfTransformer().fit_transform(bought).toarray().astype(np.float32)


if __name__ == "__main__":
    main()
