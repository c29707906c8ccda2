"""Whether segments are better told by their profile vectors or by their names, and to segments never seen.

Twelve segments have tastes of two dimensions, vectors that hold these and noise, and names that say nothing.
Each ad is the one of eight that its segment likes best. Takes about six CPU-minutes: `make bench`.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adcli.core.adapters.adapter import describe_adapter

SHOP = runpy.run_path(str(Path(__file__).resolve().parents[3] / "examples" / "writer" / "shop.py"))
SEGMENTS, ITEMS, WIDTH, SHOWN = 12, 60, 32, 200


@pytest.mark.benchmark
def test_segments_told_by_vectors_and_by_names(tmp_path, capsys):
    rng = np.random.default_rng(1)
    tastes = rng.normal(size=(SEGMENTS, 2))
    worth = tastes @ rng.normal(0, 1.2, (2, 6))  # of each of the six traits that tastes differ in
    vectors = tastes @ rng.normal(size=(2, WIDTH)) + rng.normal(0, 0.1, (SEGMENTS, WIDTH))
    names = [f"group {number}" for number in range(SEGMENTS)]
    items = SHOP["catalogue"](rng, ITEMS)
    ads, shown = [], []
    for item, segment in product(items, range(SEGMENTS)):
        texts = [SHOP["human_ad"](rng, item) for _ in range(8)]
        odds = [float(SHOP["traits"](item, text)[:6] @ worth[segment]) for text in texts]
        best = int(np.argmax(odds))
        ad_id = f"{item['item_id']}-{segment}"
        ads.append(
            {"ad_id": ad_id, "item_id": item["item_id"], "segment_id": names[segment], "text": texts[best]}
        )
        clicks = rng.binomial(SHOWN, 1 / (1 + np.exp(3 - odds[best])))
        shown += [{"ad_id": ad_id, "click": int(at < clicks)} for at in range(SHOWN)]
    pl.DataFrame([{k: v for k, v in item.items() if k in SHOP["KNOWN"]} for item in items]).write_csv(
        tmp_path / "products.csv"
    )
    pl.DataFrame(ads).write_csv(tmp_path / "ads.csv")
    pl.DataFrame(shown).write_parquet(tmp_path / "log.parquet")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pl.DataFrame(
        {"id": names, "kind": "user", "embedding": unit, "segment_id": names, "segment_name": names},
        schema_overrides={"embedding": pl.Array(pl.Float32, WIDTH)},
    ).write_parquet(tmp_path / "users.parquet")
    command = [sys.executable, "-m", "adcli", "optimize", "writer", "ads.csv", "--catalog", "products.csv"]
    command += ["--log", "log.parquet", "--profiles", "users.parquet", "--steps", "90", "-o", "writer"]
    subprocess.run(command, cwd=tmp_path, check=True)
    found = describe_adapter(tmp_path / "writer")["audience"]
    with capsys.disabled():
        print(f"\nclicked ads held out, nats a token: {found}")
    assert found["vectors"] > found["others"]
