"""The writers beside each other, and beside people, by the click rates that only the simulator knows.

    python compare.py --out out --seed 1 --taste plain --writers supervised plain/preference plain/reinforce

For products that were never advertised each writer writes eight ads at temperature 1: how often one of them
is clicked, how often the one is that a click model of the shop's own log ranks first, how varied they are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import shop
from numpy.typing import NDArray

from adcli.copy.facts import catalogue_facts
from adcli.copy.prompts import ad_prompt
from adcli.core.models.resolution import resolve_model
from adcli.core.processes.runtime import start_runtime
from adcli.core.writing.loading import load_writing
from adcli.core.writing.settings import WritingSettings
from adcli.optimize.writer.clicks import ClickModel
from adcli.optimize.writer.pairs import writer_ads
from adcli.statistics.intervals import student_quantile
from adcli.statistics.ngrams import distinct, self_bleu, tokens

SAMPLES, TOKENS = 8, 24
Texts = list[list[str]]


def written(model: str, adapter: Path, prompts: Sequence[str], seed: int) -> Texts:
    """What a writer writes for each prompt."""
    runtime = start_runtime(device="auto", precision="auto")
    writer = load_writing(resolve_model(model, task="generate"), runtime, adapter=str(adapter), exact=False)
    read = [writer.reader.text(prompt) for prompt in prompts]
    ids = writer.sample(read, WritingSettings(SAMPLES, TOKENS, 1.0, 0, 1.0, seed)).ids()
    texts = [writer.reader.read_back(list(each)) for each in ids]
    return [texts[start : start + SAMPLES] for start in range(0, len(texts), SAMPLES)]


def click_model(out: Path, taste: str, seed: int) -> ClickModel:
    """A model of the clicks on what people wrote."""
    log = pl.read_csv(out / taste / "impressions.csv").group_by("ad_id")
    counts = log.agg(impressions=pl.len().cast(pl.Float64), clicks=pl.col("click").sum().cast(pl.Float64))
    products = pl.read_csv(out / "products.csv").to_dicts()
    ads = writer_ads(pl.read_csv(out / "ads.csv"), products, counts, None, {})
    return ClickModel.of(ads.shown(), seed=seed)


def judged(
    texts: Texts, asked: Sequence[tuple[dict[str, str], str]], taste: str, ranker: ClickModel
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """The row of a writer, and (2, prompts) the true click rates of one of its ads and of the best."""
    flat = [(item, segment, text) for (item, segment), its in zip(asked, texts, strict=True) for text in its]
    rates = np.array([shop.click_rate(taste, segment, item, text) for item, segment, text in flat])
    odds, _ = ranker.log_odds([text for *_, text in flat], [segment for _, segment, _ in flat])
    rates, odds = rates.reshape(-1, SAMPLES), odds.reshape(-1, SAMPLES)
    best = rates[np.arange(len(rates)), odds.argmax(axis=1)]
    said = [tokens(text) for *_, text in flat]
    row = {
        "one": float(rates.mean()),
        "best_of_8": float(best.mean()),
        "distinct_2": distinct(said, 2),
        "self_bleu": float(np.nanmean(self_bleu(said))),
    }
    return row, np.stack([rates.mean(axis=1), best])


def gain(rates: NDArray[np.float64], before: NDArray[np.float64]) -> str:
    """The ratio of two means over the same prompts, with its 95 % interval by the delta method."""
    ratio = rates.mean() / before.mean()
    apart = (rates - ratio * before) / before.mean()
    half = student_quantile(0.95, apart.size - 1) * apart.std(ddof=1) / np.sqrt(apart.size)
    return f"{ratio:5.2f} [{ratio - half:.2f}, {ratio + half:.2f}]"


def main() -> None:
    """Print the table and keep its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--taste", choices=shop.TASTES, default="plain")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--writers", nargs="+", required=True, help="in --out, the first to compare with")
    options = parser.parse_args()
    _, unseen = shop.shop(options.seed)
    asked = list(product(unseen, shop.SEGMENTS))
    facts = catalogue_facts(unseen).products
    prompts = [ad_prompt(facts[unseen.index(item)], segment) for item, segment in asked]
    ranker = click_model(options.out, options.taste, options.seed)
    rng = np.random.default_rng([options.seed, 2])
    texts = {"people": [[shop.human_ad(rng, item) for _ in range(SAMPLES)] for item, _ in asked]}
    for name in options.writers:
        texts[name] = written(options.model, options.out / name, prompts, options.seed)
    found = {name: judged(its, asked, options.taste, ranker) for name, its in texts.items()}
    base = found[options.writers[0]][1]
    print(f"{'true click rate':20}{'one':>12}{'best of 8':>12}{'distinct-2':>12}{'self-BLEU':>12}"
          f"{'one / first writer':>21}{'best / its best':>21}")  # fmt: skip
    for name, (row, rates) in found.items():
        ratios = (gain(now, before) for now, before in zip(rates, base, strict=True))
        cells = [*(f"{value:12.4f}" for value in row.values()), *(f"{ratio:>21}" for ratio in ratios)]
        print(f"{name:20}" + "".join(cells))
    rows = {name.rpartition("/")[2]: row for name, (row, _) in found.items()}
    (options.out / options.taste / "writers.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
