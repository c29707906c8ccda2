"""Sets of ads for 1,000 products of a real shop: limits, repeats, openings, likeness across products: `make bench`."""

from __future__ import annotations

import os
from collections import Counter

import polars as pl
import pytest

from adcli.copy.channels import CHANNELS, FIELDS, misfits
from adcli.copy.facts import catalogue_facts
from adcli.copy.wording import sentences
from adcli.generate.ads import generate_ads
from adcli.statistics.ngrams import self_bleu, tokens

PRODUCTS = int(os.environ.get("ADCLI_BENCH_PRODUCTS", "1000"))
CLOSINGS = ("See it in the shop.", "Order it online.", "See all details in the shop.", "Take a closer look.")


def flipkart(shared_data):
    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    return frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})


def templated(products):
    """What templates say: colour or material and noun, the first facts in a row, a closing."""
    texts = []
    for place, product in enumerate(catalogue_facts(products.to_dicts()).products):
        before = [
            fact.said for fact in product.listed if fact.slot in ("colour", "material") and not fact.role
        ]
        facts = ", ".join(fact.said for fact in product.listed[:4])
        texts.append(f"{' '.join([*before[:1], product.kind.lower()])}: {facts}. {CLOSINGS[place % 4]}")
    return texts


@pytest.mark.benchmark
@pytest.mark.parametrize("channel", ["google-search", "meta-feed", "email"])
def test_sets_of_a_real_shop_keep_their_rules(shared_data, capsys, channel):
    products = flipkart(shared_data).head(PRODUCTS)
    ads = generate_ads(products, n=3, channel=channel)
    said = [{kind: row[kind] for kind in FIELDS} for row in ads.iter_rows(named=True)]
    fitting = sum(not misfits(CHANNELS[channel], **texts) for texts in said)
    repeated = sum(
        len({text.lower() for texts in its["headlines"] for text in texts}) < sum(map(len, its["headlines"]))
        for _, its in ads.group_by("item_id")
    )
    frames = Counter(" ".join(text.split()[:2]).lower() for text in ads["description"])
    whose: dict[str, set[str]] = {}
    for row in ads.iter_rows(named=True):
        for text in row["descriptions"]:
            for sentence in sentences(text):
                whose.setdefault(sentence, set()).add(row["item_id"])
    shared = sum(len(items) > 1 for items in whose.values())
    first = ads.group_by("item_id", maintain_order=True).first()["description"].to_list()
    ours, theirs = (
        float(self_bleu([tokens(text) for text in texts]).mean()) for texts in (first, templated(products))
    )
    share = frames.most_common(1)[0][1] / ads.height
    with capsys.disabled():
        print(
            f"\n{channel}: {ads.height} ads of {ads['item_id'].n_unique()} of {products.height} products; within "
            f"limits {fitting / ads.height:.1%}; sets with a repeated headline {repeated}; sentences shared "
            f"{shared}; most common opening {frames.most_common(1)[0][0]!r} {share:.1%}; self-BLEU {ours:.1f} "
            f"(templates {theirs:.1f})"
        )
    assert fitting == ads.height
    assert repeated == shared == 0
    assert share <= 0.25
    assert ours < theirs
