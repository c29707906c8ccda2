"""Every product gets honest ads, whatever the model writes."""

import polars as pl
import pytest

from adcli.copy.channels import CHANNELS
from adcli.copy.facts import catalogue_facts
from adcli.errors import UsageError
from adcli.generate.ads import SCHEMA, Segment, generate_ads
from adcli.generate.checks import flags
from adcli.generate.drafting import Draft

HONEST = "a slow morning a little better. And"
LYING = "you the best in the world, with free shipping."


def test_every_product_gets_n_ads_in_order(products, parrot, encode):
    ads = generate_ads(products, parrot(HONEST), encode=encode, n=3, seed=5, model="parrot")
    assert dict(ads.schema) == dict(SCHEMA)
    assert ads["item_id"].to_list() == [item for item in products["item_id"] for _ in range(3)]
    assert ads["ad_id"].n_unique() == ads.height
    assert set(ads["seed"]) == {5}


@pytest.mark.parametrize("channel", list(CHANNELS))
def test_a_lying_model_is_not_believed(products, parrot, encode, channel):
    ads = generate_ads(products, parrot(LYING), encode=encode, n=2, channel=channel)
    catalogue = catalogue_facts(products.to_dicts())
    by_item = {product.item_id: product for product in catalogue.products}
    for ad in ads.iter_rows(named=True):
        assert ad["flags"] == ["template"]
        draft = Draft(ad["headline"], ad["description"])
        assert flags(draft, by_item[ad["item_id"]], CHANNELS[channel], brands=catalogue.brands) == []


def test_an_honest_draft_is_used_and_completed_with_facts(products, parrot):
    ads = generate_ads(products.filter(pl.col("item_id") == "m2"), parrot(HONEST), n=1, model="parrot")
    ad = ads.row(0, named=True)
    assert ad["model"] == "parrot"
    assert ad["flags"] == []
    assert "a slow morning a little better." in ad["description"]
    assert "330 ml" in ad["description"]
    assert "mug" in ad["headline"].lower()


def test_templates_alone_need_no_model(products):
    ads = generate_ads(products, None, n=3)
    assert ads.height == 12
    assert set(ads["model"]) == {"template"}


def test_the_same_call_gives_the_same_ads(products, parrot, encode):
    first = generate_ads(products, parrot(HONEST, "your tea warm company."), encode=encode, n=2, seed=3)
    second = generate_ads(products, parrot(HONEST, "your tea warm company."), encode=encode, n=2, seed=3)
    assert first.equals(second)


def test_batches_change_nothing(products, parrot, encode):
    whole = generate_ads(products, parrot(HONEST), encode=encode, n=2, batch=16)
    single = generate_ads(products, parrot(HONEST), encode=encode, n=2, batch=1)
    assert whole.equals(single)


def test_each_segment_gets_its_own(products, parrot):
    segments = [Segment("s1", "tea · slow mornings"), Segment("s2", "office")]
    model = parrot(HONEST)
    ads = generate_ads(products, model, n=1, segments=segments)
    assert ads["segment_id"].to_list() == ["s1", "s2"] * products.height
    assert any("tea · slow mornings" in str(prompt) for prompt in model.asked)


def test_a_plain_model_is_asked_in_plain_text(products, parrot):
    model = parrot(HONEST)
    generate_ads(products, model, n=1, chat=False)
    assert all(isinstance(prompt, str) for prompt in model.asked)


def test_progress_is_told(products, parrot):
    counts = []
    generate_ads(products, parrot(HONEST), n=1, batch=3, on_products=counts.append)
    assert counts == [3, 4]


def test_no_products_no_ads(products, parrot):
    assert generate_ads(products.clear(), parrot(HONEST), n=3).height == 0


def test_an_unknown_channel_is_refused_before_any_work(products, parrot):
    model = parrot(HONEST)
    with pytest.raises(UsageError):
        generate_ads(products, model, channel="radio")
    assert model.asked == []
