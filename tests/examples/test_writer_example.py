"""The shop whose ads a writer learns from: the log says the truth, which is the same ads for every taste."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "writer"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import compare
    import shop

    monkeypatch.setattr(shop, "PRODUCTS", 12)
    monkeypatch.setattr(shop, "UNSEEN", 4)
    yield compare, shop
    sys.modules.pop("compare")
    sys.modules.pop("shop")


def tables(shop, monkeypatch, folder, taste):
    monkeypatch.setattr(sys, "argv", ["shop.py", "--out", str(folder), "--taste", taste])
    shop.main()
    return pl.read_csv(folder / "ads.csv"), pl.read_csv(folder / taste / "impressions.csv")


def test_people_click_as_the_truth_says_and_write_the_same_whatever_the_taste(example, monkeypatch, tmp_path):
    _, shop = example
    plain, log = tables(shop, monkeypatch, tmp_path, "plain")
    warm, other = tables(shop, monkeypatch, tmp_path, "warm")
    assert plain.equals(warm)
    assert not log.equals(other)
    items = {item["item_id"]: item for item in shop.shop(1)[0]}
    rates = np.array(
        [
            shop.click_rate("plain", segment, items[item], text)
            for item, segment, text in plain.select("item_id", "segment_id", "text").iter_rows()
        ]
    )
    deviation = np.sqrt((rates * (1 - rates)).sum() * shop.SHOWN)
    assert abs(log["click"].sum() - rates.sum() * shop.SHOWN) < 4 * deviation


def test_the_best_of_eight_by_what_is_true_is_the_best(example):
    compare, shop = example
    _, unseen = shop.shop(1)
    asked = list(product(unseen, shop.SEGMENTS))
    rng = np.random.default_rng(0)
    texts = [[shop.human_ad(rng, item) for _ in range(compare.SAMPLES)] for item, _ in asked]

    class Knows:
        def log_odds(self, said, segments):
            owners = [item for item, _ in asked for _ in range(compare.SAMPLES)]
            rates = [shop.click_rate("plain", *one) for one in zip(segments, owners, said, strict=True)]
            return np.array(rates), np.zeros(len(rates))

    row, (one, best) = compare.judged(texts, asked, "plain", Knows())
    assert row["best_of_8"] == pytest.approx(best.mean())
    assert row["one"] == pytest.approx(one.mean())
    assert (best >= one).all()
    assert compare.gain(best, one).split()[0] == f"{best.mean() / one.mean():.2f}"
