"""What a click model is worth where it chooses ads: true click rates under a taste that is known: `make bench`.

A shop's own log is simulated: readers click by a taste over what ads say, which differs by no product, times what draws
clicks to a product as such. `optimize encoder` learns from the log of two thirds of the products; ads for the others
are then written without a model, with it, and by the taste itself.
"""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adcli.copy.checker import Checker
from adcli.core.training.encoder.classifier import Classifier
from adcli.generate.ads import generate_ads
from adcli.generate.choosing import Chooser

ROOT = Path(__file__).parents[3]
TASTE = {r"\?": -0.6, r"\d": 0.5, r"\byour?\b": 0.4, r"^(?:order|choose|take a look)|[.?] (?:order|choose)": -0.4,
         r"\bmade of\b": 0.4, r"\bfor\b": 0.3, r"\b(?:has|have|with)\b": -0.3}  # fmt: skip
BASE, SPREAD, SHOWN = -3.0, 0.5, 400
COLUMNS = ("item_id", "title", "description", "brand", "category")


def true_log_odds(texts):
    """(n,) what the taste gains or loses by each text."""
    found = [[bool(re.search(cue, text.lower())) for cue in TASTE] for text in texts]
    return np.array(found) @ np.array(list(TASTE.values()))


def rates(texts, item_ids, draws):
    """(n,) the true probability that each ad is clicked."""
    return 1 / (1 + np.exp(-(BASE + np.array([draws[item] for item in item_ids]) + true_log_odds(texts))))


def learned(folder, ads, draws, generator):
    """The click model of a log in which every ad was shown equally often."""
    ads.write_parquet(folder / "ads.parquet")
    clicks = generator.binomial(SHOWN, rates(ads["text"], ads["item_id"], draws))
    log = pl.concat(
        [
            ads.select("ad_id", click=clicked)
            for clicked in (np.arange(SHOWN)[:, None] < clicks).astype(np.int8)
        ]
    )
    log.sample(fraction=1, shuffle=True, seed=0).write_parquet(folder / "log.parquet")
    command = [
        sys.executable, "-m", "adcli", "optimize", "encoder", "log.parquet", "--catalog", "ads.parquet", "--label", "click",
        "--objective", "classify", "--steps", "10", "-o", "clicks",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return Classifier.load(folder / "clicks"), done.stderr


@pytest.mark.benchmark
def test_ads_that_a_click_model_chooses_are_clicked_more(tmp_path, capsys):
    generator = np.random.default_rng(0)
    shop = runpy.run_path(str(ROOT / "examples" / "shop" / "catalogue.py"))
    products = pl.DataFrame(
        [
            {name: getattr(each, name) for name in COLUMNS}
            for each in shop["products"](np.random.default_rng(0))
        ]
    )
    draws = dict(zip(products["item_id"], generator.normal(0, SPREAD, products.height), strict=True))
    seen, new = products.filter(np.arange(products.height) % 3 > 0), products[::3]
    shown = pl.concat([generate_ads(seen, n=4, channel="meta-feed", seed=seed) for seed in (0, 1)]).unique(
        "ad_id"
    )
    model, said = learned(tmp_path, shown, draws, generator)
    ways = {
        "no click model": None,
        "click model": lambda texts: model.probabilities(texts)[:, 1],
        "the taste itself": lambda texts: 1 / (1 + np.exp(3 - true_log_odds(texts))),
    }
    by_item = {}
    for name, clicks in ways.items():
        ads = generate_ads(new, n=1, channel="meta-feed", chooser=Chooser(Checker(), clicks=clicks))
        true = ads.with_columns(rate=rates(ads["text"], ads["item_id"], draws))
        by_item[name] = (
            true.group_by("item_id", maintain_order=True).agg(pl.col("rate").mean())["rate"].to_numpy()
        )
    pool = generate_ads(new, n=4, channel="meta-feed", seed=5)["description"]
    agreement = np.corrcoef(np.log(model.probabilities(pool.to_list())[:, 1]), true_log_odds(pool))[0, 1]
    with capsys.disabled():
        print(f"\n{shown.height} ads of {seen.height} products, {shown.height * SHOWN:,} impressions; "
              f"{[line for line in said.splitlines() if 'roc_auc' in line][-1:]}; "
              f"correlation with the true log-odds on new products {agreement:.2f}")  # fmt: skip
        plain = by_item["no click model"]
        for name, its in by_item.items():
            draw = generator.integers(0, len(plain), (2000, len(plain)))
            gains = its[draw].mean(axis=1) / plain[draw].mean(axis=1) - 1
            low, high = np.quantile(gains, [0.025, 0.975])
            print(
                f"{name}: true click rate {its.mean():.4f}, {its.mean() / plain.mean() - 1:+.1%} ({low:+.1%} to {high:+.1%})"
            )
    assert by_item["click model"].mean() > plain.mean()
