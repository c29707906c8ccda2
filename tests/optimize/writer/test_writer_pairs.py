"""Ads become what a writer learns from: each with its product, its clicks and what people decided of it."""

import polars as pl
import pytest

from adcli.copy.review import Reviewed
from adcli.errors import DataError
from adcli.optimize.writer.pairs import preferences, with_ids, writer_ads

PRODUCTS = [{"item_id": "1", "title": "Steel mug"}, {"item_id": "2", "title": "Oak desk"}]
ADS = pl.DataFrame(
    {"ad_id": ["a", "b", "c"], "item_id": ["1", "1", "2"], "text": ["A mug.", "A mgu.", "Work."]}
)
DECIDED = Reviewed(["a", "b", "b"], ["A mug.", "A mgu.", "A mug for tea."], [True, False, True])


def test_what_people_edited_a_text_into_is_an_ad_of_its_product():
    found = writer_ads(ADS, PRODUCTS, None, DECIDED, {})
    said = {text: (found.item[prompt], accepted) for prompt, text, _, _, accepted in found.ads.iter_rows()}
    assert said == {
        "A mug.": (0, True), "A mgu.": (0, False), "A mug for tea.": (0, True), "Work.": (1, None),
    }  # fmt: skip
    assert {pair[1:3] for pair in preferences(found)} == {("A mug.", "A mgu."), ("A mug for tea.", "A mgu.")}


def test_shown_ads_carry_their_clicks_and_others_are_not_shown():
    counts = pl.DataFrame({"ad_id": ["a", "c"], "impressions": [100.0, 50.0], "clicks": [9.0, 1.0]})
    shown = writer_ads(ADS, PRODUCTS, counts, None, {}).shown()
    assert list(zip(*shown, strict=True)) == [(0, "", "A mug.", 100.0, 9.0), (1, "", "Work.", 50.0, 1.0)]


def test_pairs_without_ids_are_of_one_product_where_they_say_the_same_of_it():
    pairs = pl.DataFrame({"title": ["Mug", "Desk", "Mug"], "text": ["Drink.", "Work.", "Sip."]})
    found = with_ids(pairs)
    assert found["ad_id"].n_unique() == 3
    assert found["item_id"][0] == found["item_id"][2] != found["item_id"][1]


def test_ads_of_no_product_are_refused():
    with pytest.raises(DataError, match="No ad is for one of the products"):
        writer_ads(ADS, [{"item_id": "9", "title": "Lamp"}], None, None, {})
