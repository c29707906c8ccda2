"""Facts against labels, made claims against the checker, phrased violations against the rules: the figures."""

import tomllib
from collections import Counter
from random import Random

import polars as pl
import pytest
from labels import HERE, agrees, is_kind, is_unseen, labelled, own_products, products_by_shop, units

from adcli.copy.checker import SHIPPED, Checker, is_publishable
from adcli.copy.facts import catalogue_facts
from adcli.copy.swaps import KINDS, made_claims

pytestmark = pytest.mark.benchmark


def _phrases(name):
    return tomllib.loads((HERE / name).read_text("utf-8"))


def test_facts_of_the_half_that_was_not_looked_at(shared_data):
    shops = products_by_shop(shared_data)
    counts = {shop: Counter() for shop in shops}
    for row in (row for row in labelled() if is_unseen(row["item_id"])):
        product, labels, count = shops[row["shop"]][row["item_id"]], row["facts"], counts[row["shop"]]
        found: set[int] = set()
        for fact in product.facts:
            same = is_kind if fact.slot == "kind" else agrees
            said = fact.value if fact.slot == "kind" else fact.said
            hits = {i for i, (slot, value) in enumerate(labels) if slot == fact.slot and same(said, value)}
            found |= hits
            count.update(facts=1, right=bool(hits))
            if fact.slot == "kind":
                count.update(kinds=1, kinds_right=bool(hits))
        all_units = units(labels)
        count.update(
            products=1,
            units=len(all_units),
            found=sum(bool(unit & found) for unit in all_units),
            four=len(product.facts) >= 4,
        )
    whole = sum(counts.values(), Counter())
    for shop, count in {**counts, "all": whole}.items():
        print(
            f"{shop}: {count['products']} products, precision {count['right'] / count['facts']:.3f}, recall "
            f"{count['found'] / count['units']:.3f}, kind {count['kinds_right'] / count['kinds']:.3f}, four facts or "
            f"more {count['four'] / count['products']:.3f}"
        )
    assert whole["right"] / whole["facts"] > 0.85
    assert whole["kinds_right"] / whole["kinds"] > 0.85
    assert counts["demo"]["four"] == counts["demo"]["products"]


@pytest.mark.parametrize("phrases", ["claims_held_out.toml", "claims_final.toml"])
def test_a_thousand_swapped_claims(shared_data, phrases):
    from adcli.core.training.encoder.classifier import Classifier

    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    frame = frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})
    own = [row for row in own_products() if row["item_id"].startswith("written") and row["title"].isascii()]
    catalogue = catalogue_facts([*own, *frame.sample(140, seed=11).to_dicts()])
    claims = made_claims(catalogue.products, _phrases(phrases), seed=5)
    classifier = Classifier.load(SHIPPED, device="cpu")
    about = [catalogue.products[claim.product] for claim in claims]
    texts = [claim.text for claim in claims]
    for name, supports in (
        ("rules and record", None),
        ("with the model", lambda t: classifier.probabilities(t)[:, 1]),
    ):
        found = Checker(brands=catalogue.brands, supports=supports).findings(texts, about)
        blocked, made = Counter(), Counter(claim.kind for claim in claims)
        blocked.update(
            claim.kind for claim, its in zip(claims, found, strict=True) if not is_publishable(its)
        )
        false = sum(made[kind] for kind in KINDS)
        caught = sum(blocked[kind] for kind in KINDS) / false
        alarms = blocked[""] / made[""]
        print(
            f"{phrases}, {name}: {caught:.3f} of {false} false claims caught, {alarms:.3f} of {made['']} true ones blocked"
        )
        print("  " + ", ".join(f"{kind} {blocked[kind] / made[kind]:.3f} of {made[kind]}" for kind in KINDS))
    assert caught > 0.75
    assert alarms < 0.1


def test_phrased_violations_and_clean_ads():
    products = catalogue_facts(own_products()).products
    english = [product for product in products if product.title.isascii()]
    chinese = [product for product in products if not product.title.isascii() and not product.kind.isascii()]
    violations, random = _phrases("violations.toml"), Random(4)
    made, missed = 0, []
    for market in ("us", "eu", "cn"):
        checker = Checker(market)
        for phrase in (phrase for phrases in violations[market].values() for phrase in phrases):
            for product in random.sample(chinese if market == "cn" else english, 3):
                text = phrase.replace("{k}", product.kind.lower())
                made += 1
                if not any(finding.layer == "rules" for finding in checker.findings([text], [product])[0]):
                    missed.append((market, text))
    clean = blocked = 0
    for language, market, own in (("en", "us", english), ("en", "eu", english), ("zh", "cn", chinese)):
        for phrase in violations["clean"][language]:
            for product in random.sample(own, min(7, len(own))):
                clean += 1
                text = phrase.replace("{k}", product.kind.lower())
                blocked += not is_publishable(Checker(market).findings([text], [product])[0])
    print(f"{made - len(missed)} of {made} violations caught; {blocked} of {clean} clean ads blocked")
    print(missed)
    assert len(missed) / made < 0.05
    assert blocked / clean < 0.05
