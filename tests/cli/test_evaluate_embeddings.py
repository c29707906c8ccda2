"""`adcli evaluate embeddings` as a user runs it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl


def test_figures_and_a_page(adcli, tmp_path):
    rng = np.random.default_rng(0)
    vectors = (np.repeat(np.eye(8)[:4], 20, axis=0) + rng.normal(scale=0.1, size=(80, 8))).astype(np.float32)
    pl.DataFrame(
        {
            "id": [f"p{row}" for row in range(80)],
            "kind": ["product"] * 80,
            "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, 8)),
            "category": [f"g{row // 20}" for row in range(80)],
        }
    ).write_parquet(tmp_path / "v.parquet")
    start = datetime(2024, 5, 1, tzinfo=UTC)
    pl.DataFrame(
        [
            (start + timedelta(hours=hour), f"u{user}", "view", f"p{20 * (user % 4) + rng.integers(0, 20)}")
            for user in range(40)
            for hour in range(6)
        ],
        schema=["event_time", "user_id", "event_type", "item_id"],
        orient="row",
    ).write_parquet(tmp_path / "e.parquet")
    done = adcli(
        *("evaluate", "embeddings", "v.parquet", "--events", "e.parquet"),
        *("-k", "3", "--report", "p.html", "-o", "f.csv"),
    )
    assert done.returncode == 0, done.said
    figures = pl.read_csv(tmp_path / "f.csv")
    assert figures.columns == ["metric", "group", "value", "ci_low", "ci_high", "queries", "definition"]
    assert {"next_item_recall@3", "same_category_mrr", "uniformity"} <= set(figures["metric"])
    assert "Neighbours to look at" in (tmp_path / "p.html").read_text()
    done = adcli("evaluate", "embeddings", "v.parquet", "--events", "e.parquet", "--since", "soon")
    assert done.returncode == 2
    assert "expected a time" in done.said
