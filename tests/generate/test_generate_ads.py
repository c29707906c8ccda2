"""Every product gets honest ads, whatever a model writes."""

import polars as pl
import pytest

from adcli.copy.channels import CHANNELS, FIELDS, misfits
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import catalogue_facts
from adcli.copy.own import BrandRules
from adcli.errors import UsageError
from adcli.generate.ads import SCHEMA, Segment, generate_ads
from adcli.generate.choosing import Chooser, Scores
from adcli.generate.infill import Sampling

HONEST = "holds 330 ml and is microwave safe. And"
LYING = "gives you the best tea in the world, with free shipping."


def test_ads_follow_the_order_of_the_products(products, encode):
    ads = generate_ads(products, encode=encode, n=2, channel="plain", seed=5)
    assert dict(ads.schema) == dict(SCHEMA)
    assert ads["item_id"].unique(maintain_order=True).to_list() == products["item_id"].to_list()
    assert ads["ad_id"].n_unique() == ads.height
    assert set(ads["seed"]) == {5}


@pytest.mark.parametrize("channel", list(CHANNELS))
def test_ads_fit_their_channel_and_pass_the_checks(products, channel):
    ads = generate_ads(products, n=2, channel=channel)
    by_item = {product.item_id: product for product in catalogue_facts(products.to_dicts()).products}
    assert ads.height
    for ad in ads.iter_rows(named=True):
        assert misfits(CHANNELS[channel], **{kind: ad[kind] for kind in FIELDS if kind in ad}) == []
        product = by_item[ad["item_id"]]
        for text in (*ad["headlines"], *ad["descriptions"]):
            assert is_publishable(Checker().findings([text], [product])[0])


def test_a_product_with_too_little_on_record_gets_no_ad(parrot):
    bare = pl.DataFrame({"item_id": ["w"], "title": ["Sonata Watch"], "color": ["Red"]})
    assert generate_ads(bare, parrot("is made of any fabric."), channel="plain", model="parrot").is_empty()


def test_a_lying_model_is_not_believed(products, parrot):
    ads = generate_ads(products, parrot(LYING), n=8, channel="plain", model="parrot")
    assert set(ads["model"]) == {"grammar"}
    assert not ads["description"].str.contains("best").any()


def test_what_a_model_writes_competes_with_the_grammar(products, parrot):
    mug = products.filter(pl.col("item_id") == "m2")
    ads = generate_ads(mug, parrot(HONEST), n=8, channel="plain", model="parrot", candidates=1)
    written = ads.filter(pl.col("model") == "parrot")
    assert written.height
    assert written["description"].str.contains("holds 330 ml and is microwave safe.", literal=True).all()


def test_a_model_is_not_asked_where_the_grammar_says_enough(products, parrot):
    model = parrot(HONEST)
    generate_ads(products, model, n=1)
    assert model.asked == []


class Reader(Chooser):
    """One who finds what holds little well written."""

    def scores(self, texts, product, segment_id=None):
        return [Scores(fluency=-9.0 if "and is microwave safe" in text else -3.0) for text in texts]


def test_what_a_model_writes_runs_only_where_it_reads_better_than_the_grammar(products, parrot):
    mug = products.filter(pl.col("item_id") == "m2")
    ads = generate_ads(mug, parrot(HONEST), n=8, channel="plain", chooser=Reader(Checker()))
    assert set(ads["model"]) == {"grammar"}


def test_the_same_call_gives_the_same_ads_whatever_the_batch(products, encode):
    whole = generate_ads(products, encode=encode, n=2, seed=3)
    assert whole.equals(generate_ads(products, encode=encode, n=2, seed=3))
    assert whole.equals(generate_ads(products, encode=encode, n=2, seed=3, batch=1))


def test_each_segment_gets_its_own(products, parrot):
    segments = [Segment("s1", "tea · slow mornings"), Segment("s2", "office")]
    model = parrot(HONEST)
    ads = generate_ads(products, model, n=8, segments=segments, channel="plain")
    assert set(ads["segment_id"]) == {"s1", "s2"}
    assert any("tea · slow mornings" in str(prompt) for prompt in model.asked)


def test_a_plain_model_is_asked_in_plain_text(products, parrot):
    model = parrot(HONEST)
    generate_ads(products, model, n=8, sampling=Sampling(chat=False))
    assert model.asked
    assert all(isinstance(prompt, str) for prompt in model.asked)


def test_what_a_brand_must_say_stands_in_every_description(products):
    rules = BrandRules({"": ("Terms apply.",)}, {}, {})
    ads = generate_ads(products, n=2, channel="google-search", checker=Checker(rules=rules))
    assert ads.height
    assert all(text.endswith("Terms apply.") for texts in ads["descriptions"] for text in texts)
    assert all(len(text) <= 90 for texts in ads["descriptions"] for text in texts)


def test_a_product_that_says_nothing_gets_no_ad_and_stops_no_other(products):
    nameless = pl.DataFrame({"item_id": ["x"], "title": ["A-17/B 3"]})
    ads = generate_ads(pl.concat([nameless, products], how="diagonal"), n=1, channel="plain")
    assert ads["item_id"].to_list()[0] == "t1"


def test_progress_is_told(products):
    counts = []
    generate_ads(products, n=1, batch=3, on_products=counts.append)
    assert counts == [3, 4]


def test_no_products_no_ads(products):
    assert generate_ads(products.clear(), n=3).height == 0


def test_an_unknown_channel_is_refused(products):
    with pytest.raises(UsageError):
        generate_ads(products, channel="radio")
