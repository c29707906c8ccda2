"""An ad may run if it breaks no rule, says what is on record, and follows from it."""

import json

import numpy as np
import pytest

from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import catalogue_facts, product_facts
from adcli.copy.own import BrandRules
from adcli.copy.swaps import KINDS, made_claims, training_phrases

HEADLAMP = product_facts({
    "item_id": "1", "title": "Kestrel & Pine headlamp, 1,000 lumens, three AAA cells", "brand": "Kestrel & Pine",
    "category": "Outdoor",
    "description": "Headlamp of 1,000 lumens for trail running and camp, 90 hours on low with its three AAA cells; red light "
    "saves night vision. Rain-proof to IPX7, 95 g with its strap.",
})  # fmt: skip
SHAMPOO = product_facts({
    "item_id": "2", "title": "Nordlys solid shampoo bar, rosemary, curly hair", "brand": "Nordlys", "category": "Care",
    "description": "Solid shampoo for curly hair, scented with rosemary. 90 g last as long as two bottles; without "
    "sulphates, silicone or plastic.",
})  # fmt: skip
KNIFE = product_facts({
    "item_id": "3", "title": "Emberly chef's knife, 20 cm blade, carbon steel", "brand": "Emberly",
    "description": "Forged carbon steel knife with a 20 cm blade. Walnut grip; wash by hand. Fits Bosch blocks.",
})  # fmt: skip


def rules(text, product, **more):
    return {finding.rule for finding in Checker(**more).findings([text], [product])[0]}


@pytest.mark.parametrize(
    ("text", "product", "rule"),
    [
        ("A pine headlamp for the trail, 95 g with its strap.", HEADLAMP, "material.unsupported"),
        ("A headlamp of 2,000 lumens.", HEADLAMP, "number.unsupported"),
        ("A headlamp of 1,000 hours.", HEADLAMP, "number.unsupported"),
        ("A knife with a 20 cm grip.", KNIFE, "number.role"),
        ("A chef's knife made by Bosch.", KNIFE, "brand.relation"),
        ("A Dell headlamp for the trail.", HEADLAMP, "word.ungrounded"),
        ("A shampoo bar with sulphates.", SHAMPOO, "negation.contradicted"),
        ("A knife without a grip.", KNIFE, "negation.contradicted"),
        ("No headlamp shines brighter than this one.", HEADLAMP, "absolute.implied"),
        ("A headlamp that guides love.", HEADLAMP, "endorsement.unsupported"),
        ("A headlamp that arrives tomorrow, delivery on us.", HEADLAMP, "offer.unsupported"),
        ("A titanium headlamp.", HEADLAMP, "material.unsupported"),
        ("A headlamp with turbocharged optics.", HEADLAMP, "word.ungrounded"),
        ("A damn fine headlamp.", HEADLAMP, "profanity"),
        ("Ask for it at me@shop.org.", HEADLAMP, "pii.email"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_found(text, product, rule):
    if rule == "endorsement.unsupported":
        text = "A headlamp that experts love."
    assert rule in rules(text, product)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("A rain-proof headlamp of 1,000 lumens that weighs just 95 g.", HEADLAMP),
        ("A headlamp from Kestrel & Pine for camp and trail.", HEADLAMP),
        ("90 hours on low, for long nights outside.", HEADLAMP),
        ("A shampoo bar without sulphates.", SHAMPOO),
        ("A shampoo bar for curly hair that smells of rosemary.", SHAMPOO),
        ("A knife with a 20 cm blade and a walnut grip.", KNIFE),
        ("Take it easy: dinner is ready in no time.", KNIFE),
    ],
)
def test_what_is_so_may_run(text, product):
    assert rules(text, product) == set()


def test_a_finding_says_layer_severity_and_source():
    best, silk = Checker().findings(["The best silk headlamp"], [HEADLAMP])[0][:2]
    assert (best.rule, best.layer, best.severity) == ("absolute.best", "rules", "block")
    assert "FTC" in best.source
    assert (silk.layer, silk.source) == ("grounding", "the product's record")
    assert not is_publishable([best])


@pytest.mark.parametrize(
    ("market", "text", "rule"),
    [
        ("us", "Made in the USA.", "us.made_in_usa"),
        ("eu", "A climate-neutral headlamp.", "eu.climate_neutral"),
        ("eu", "Was €40, now €20.", "eu.price_cut"),
        ("cn", "国家级头灯", "cn.absolute"),
        ("cn", "国宴专供", "cn.state"),
    ],
)
def test_markets_have_their_own_rules(market, text, rule):
    assert rule in rules(text, HEADLAMP, market=market)


def test_a_market_that_does_not_exist_is_one_sentence():
    from adcli.errors import UsageError

    with pytest.raises(UsageError, match="no market 'uk'"):
        rules("A headlamp.", HEADLAMP, market="uk")


def test_a_brands_rules_are_obeyed():
    brand = BrandRules({"": ("Kestrel & Pine",)}, {"1": ("the best headlamp",)}, {"": ("cheap",)})
    assert rules("A headlamp for camp.", HEADLAMP, rules=brand) == {"brand.must_say"}
    assert "brand.must_not_say" in rules("A cheap headlamp by Kestrel & Pine.", HEADLAMP, rules=brand)
    assert rules("The best headlamp by Kestrel & Pine.", HEADLAMP, rules=brand) == set()


def test_the_model_reads_only_what_words_find_no_fault_with():
    asked = []

    def supports(texts):
        asked.extend(texts)
        return np.asarray([0.0 if "saves water" in text else 1.0 for text in texts])

    found = Checker(supports=supports).findings(
        ["A headlamp that saves water. A headlamp for camp. The best headlamp."], [HEADLAMP]
    )[0]
    assert {(each.rule, each.span, each.layer) for each in found if each.layer == "claims"} == {
        ("claim.unsupported", "A headlamp that saves water.", "claims")
    }
    assert len(asked) == 2
    assert all(" [SEP] Kestrel & Pine headlamp" in text for text in asked)


def test_a_new_word_blocks_where_the_record_does_not_support_the_sentence_and_a_name_always():
    def supports(texts):
        return np.asarray([0.9 if "cells" in text.split(" [SEP]")[0] else 0.1 for text in texts])

    found = Checker(supports=supports).findings(
        ["Pickled cells.", "Turbocharged optics.", "Pickled cells from Diptyque."], [HEADLAMP] * 3
    )
    assert [
        {(each.span, each.severity) for each in its if each.rule == "word.ungrounded"} for its in found
    ] == [
        {("pickled", "warn")},
        {("turbocharged", "block"), ("optics", "block")},
        {("pickled", "warn"), ("diptyque", "block")},
    ]
    assert [is_publishable(each) for each in found] == [True, False, False]


def test_swaps_change_one_thing_and_true_claims_pass_the_words():
    products = catalogue_facts([
        {"item_id": str(n), "title": product.title, "brand": product.brand, "description": product.prose}
        for n, product in enumerate((HEADLAMP, SHAMPOO, KNIFE))
    ]).products  # fmt: skip
    claims = made_claims(products, training_phrases(), seed=3, each=4)
    assert {claim.kind for claim in claims} == {"", *KINDS}
    assert claims == made_claims(products, training_phrases(), seed=3, each=4)
    assert sum(claim.kind == "" for claim in claims) == sum(claim.kind != "" for claim in claims)


def test_the_cases_that_once_passed(pytestconfig):
    path = pytestconfig.rootpath.parents[1] / "shared" / "cases" / "ads" / "claims.ndjson"
    if not path.is_file():
        pytest.skip("the folder of cases is not here")
    wrong = []
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        product = product_facts(case["product"])
        market = "us" if case["ad"].isascii() else "cn"
        accepted = is_publishable(Checker(market).findings([case["ad"]], [product])[0])
        if accepted != (case["expected"] == "accept"):
            wrong.append(case["ad"])
    assert wrong == []


def test_the_shipped_model_is_small_and_knows_an_endorsement_in_words_that_no_list_has():
    from adcli.copy.checker import SHIPPED
    from adcli.core.training.encoder.classifier import Classifier

    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 3e6
    model = Classifier.load(SHIPPED, device="cpu", precision="fp32")
    checker = Checker(supports=lambda texts: model.probabilities(texts)[:, 1])
    praised, stated = checker.findings(
        ["Lighthouse keepers recommend nothing else.", "A knife with a 20 cm blade and a walnut grip."],
        [KNIFE, KNIFE],
    )
    assert "claims" in {each.layer for each in praised}
    assert stated == []
