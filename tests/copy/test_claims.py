"""An ad may state what is on record, and nothing that advertising law forbids."""

import json

import polars as pl
import pytest

from adcli.copy.claims import broken_rules, folded, personal_data, record_of
from adcli.copy.grounding import ungrounded
from adcli.copy.rules import MARKETS, rules_of


def banned_terms(text, own_name=""):
    return broken_rules(text, record_of([]), own_name=own_name, market="cn")


RECORD = record_of(
    ["Acme Cotton Bath Towel", "Material Cotton", "Color Blue", "500 GSM", "Pack of 2", "Machine Washable"],
    price=9.5,
)


def rules(text, record=RECORD, **more):
    return [finding.rule for finding in (*broken_rules(text, record), *ungrounded(text, record, **more))]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("A 700 GSM towel", "number.unsupported"),
        ("Three towels", "number.unsupported"),
        ("20% off", "number.unsupported"),
        ("A silk towel", "material.unsupported"),
        ("A red towel", "colour.unsupported"),
        ("A waterproof towel", "property.unsupported"),
        ("An organic towel", "property.unsupported"),
        ("A towel with free shipping", "offer.unsupported"),
        ("Only for a limited time", "pressure.unsupported"),
        ("It heals your skin", "health.unsupported"),
        ("As good as Nike", "brand.foreign"),
        ("Order it for $12", "number.unsupported"),
    ],
)
def test_what_is_not_on_record_is_found(text, rule):
    assert rule in rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "A blue cotton bath towel", "500 GSM, pack of 2", "Two towels", "Machine washable cotton", "For $9.50",
        "A soft towel for every day", "This is a green choice",
    ],
)  # fmt: skip
def test_what_is_on_record_may_be_said(text):
    assert rules(text) == []


def test_another_brand_of_the_catalogue_is_foreign_and_the_own_is_not():
    assert rules("Softer than Zenith", brands=frozenset({"zenith", "acme"})) == ["brand.foreign"]
    assert rules("A towel by Acme", brands=frozenset({"zenith", "acme"})) == []


@pytest.mark.parametrize(
    "text",
    [
        "The best towel", "THE BEST TOWEL", "the b e s t towel", "the bеst towel", "the be\u200bst towel", "#1 towel",
        "No. 1 towel", "The ultimate towel", "World's softest", "Guaranteed to please", "100% satisfaction",
        "unbeatable comfort", "全网最低价", "最 佳 选择", "行业第一", "国家级品质", "顶·级面料",
    ],
)  # fmt: skip
def test_absolute_claims_are_banned_however_they_are_written(text):
    assert banned_terms(text)


@pytest.mark.parametrize(
    "text",
    [
        "For you and your best friend", "Look your best", "Best before 2030", "Make the most of summer",
        "最近新到", "第一次购买", "最大限度", "A bestiary of animals", "Perfect for a picnic",
    ],
)  # fmt: skip
def test_harmless_uses_of_the_same_words_are_not(text):
    assert banned_terms(text) == []


def test_a_products_own_name_is_no_claim():
    assert banned_terms("Best Buddies Mug, 330 ml", own_name="Best Buddies Mug") == []
    assert banned_terms("Best Buddies Mug, the best of all", own_name="Best Buddies Mug")


def test_personal_data_is_found():
    found = {
        finding.rule for finding in personal_data("Call +49 170 1234567, mail a@b.org, see www.shop.com")
    }
    assert found == {"pii.phone", "pii.email", "pii.link"}
    assert personal_data("Pack of 2, 500 GSM, 30 x 60 cm") == []


def test_folding_is_idempotent():
    for text in ("The B e s t", "全·网 最低", "ﬁne"):
        assert folded(folded(text)) == folded(text)


def test_real_slogans_without_support_are_found_and_few_others_blocked(shared_data):
    frame = pl.read_csv(shared_data / "adtext" / "slogan_valid.csv.gz", infer_schema=False).drop_nulls(
        ["desc", "output"]
    )
    frame = frame.head(2000)
    found = [
        bool(ungrounded(ad, record_of([text]))) for text, ad in frame.select("desc", "output").iter_rows()
    ]
    labelled = (
        frame.with_columns(pl.Series("found", found)).group_by("unsupported").agg(pl.col("found").mean())
    )
    rate = dict(labelled.iter_rows())
    assert rate["False"] < 0.05
    assert rate["True"] > 3 * rate["False"]


def test_few_published_chinese_ads_are_blocked(shared_data):
    lines = (shared_data / "adtext" / "advertisegen_zh.jsonl").read_text(encoding="utf-8").splitlines()
    ads = [json.loads(line)["summary"] for line in lines]
    assert (
        sum(any(found.rule != "cn.property_claim" for found in banned_terms(ad)) for ad in ads) / len(ads)
        < 0.03
    )


def test_a_claim_is_checked_against_chinese_attributes():
    record = record_of(["类型#裙*材质#蚕丝*颜色#白色"])
    assert rules("桑蚕丝面料的白色裙子", record) == []
    assert rules("纯棉面料的红色裙子", record) == ["material.unsupported", "colour.unsupported"]


@pytest.mark.parametrize("market", MARKETS)
def test_each_rule_has_a_source_and_finds_what_it_must_and_nothing_that_it_must_not(market):
    for rule in rules_of(market):
        assert rule.source
        assert rule.block
        assert rule.passes
        record = record_of(["wine", "tea", "白酒"] if rule.about else [])
        for text in rule.block:
            assert rule.name in {found.rule for found in broken_rules(text, record, market=market)}, text
        for text in rule.passes:
            assert rule.name not in {found.rule for found in broken_rules(text, record, market=market)}, text


def test_of_words_that_exclude_each_other_the_record_has_one():
    router = record_of(["Acme router", "Antennae: Internal"])
    assert [found.rule for found in ungrounded("Its external antennae reach far", router)] == [
        "value.contradicted"
    ]
    assert ungrounded("Internal antennae, not external ones", router) == []
