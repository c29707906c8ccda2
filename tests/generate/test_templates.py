"""Ads from facts alone: honest, fitting, and as many as asked for."""

import polars as pl
import pytest

from adcli.copy.channels import CHANNELS
from adcli.copy.facts import catalogue_facts, product_facts
from adcli.generate.checks import flags
from adcli.generate.templates import headlines, templates

MUG = product_facts(
    {
        "item_id": "1", "title": "Zenith Ceramic Mug", "brand": "Zenith", "category": "Kitchen > Mugs", "material": "Ceramic",
        "attributes": '{"Capacity": "330 ml", "Microwave Safe": "Yes", "Color": "Blue"}',
    }
)  # fmt: skip


@pytest.mark.parametrize("channel", list(CHANNELS))
def test_templates_are_different_and_break_no_rule(channel):
    drafts = templates(MUG, CHANNELS[channel], 6)
    assert len(set(drafts)) == 6
    for draft in drafts:
        assert flags(draft, MUG, CHANNELS[channel]) == []


def test_headlines_name_the_thing():
    for headline in headlines(MUG, CHANNELS["google-search"]):
        assert "Mug" in headline
        assert len(headline) <= 30


def test_a_title_alone_is_enough():
    watch = product_facts({"item_id": "1", "title": "Sonata 7052YM07 Watch"})
    drafts = templates(watch, CHANNELS["google-search"], 3)
    assert len(drafts) == 3
    assert all(flags(draft, watch, CHANNELS["google-search"]) == [] for draft in drafts)


def test_a_chinese_product_gets_chinese_ads():
    dress = product_facts(
        {"item_id": "1", "title": "复古针织连衣裙半高领", "content": "类型#连衣裙*材质#针织*风格#复古"}
    )
    for draft in templates(dress, CHANNELS["google-search"], 3):
        assert flags(draft, dress, CHANNELS["google-search"]) == []
        assert draft.description.endswith("。")


@pytest.mark.parametrize("title", ["A" * 400, "mug", "😀😀", "!!!"])
def test_strange_titles_do_not_break_it(title):
    product = product_facts({"item_id": "1", "title": title})
    for draft in templates(product, CHANNELS["google-search"], 2):
        assert draft.headline
        assert len(draft.description) <= 90


def test_the_real_catalogue_gets_honest_templates(shared_data):
    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    frame = frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})
    catalogue = catalogue_facts(frame.to_dicts())
    channel = CHANNELS["google-search"]
    broken, fewer = [], 0
    for product in catalogue.products[::4]:
        drafts = templates(product, channel, 3)
        fewer += len(drafts) < 3
        broken += [
            (product.title, found)
            for draft in drafts
            if (found := flags(draft, product, channel, brands=catalogue.brands, nouns=catalogue.nouns))
        ]
    assert fewer == 0
    assert len(broken) < 0.03 * 3 * len(catalogue.products) / 4
    assert not [found for _, found in broken if any(rule.endswith(".unsupported") for rule in found)]
