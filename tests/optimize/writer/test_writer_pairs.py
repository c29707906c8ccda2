"""Ads become what a writer learns from: each with its product, its clicks and what people decided of it."""

import polars as pl
import pytest

from adcli.copy.review import Reviewed, reviewed
from adcli.errors import DataError
from adcli.optimize.writer.pairs import preferences, with_ids, writer_ads

PRODUCTS = [{"item_id": "1", "title": "Steel mug"}, {"item_id": "2", "title": "Oak desk"}]
ADS = pl.DataFrame(
    {"ad_id": ["a", "b", "c"], "item_id": ["1", "1", "2"], "text": ["A mug.", "A mgu.", "Work."]}
)
REVIEW = pl.DataFrame({"ad_id": ["b"], "decision": ["reject"]})
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


def test_what_was_rejected_of_one_product_may_be_right_of_another():
    ads = ADS.with_columns(text=pl.lit("Made in Spain."))
    found = writer_ads(ads, PRODUCTS, None, reviewed(REVIEW, ads), {})
    assert found.ads["accepted"].to_list() == [False, None]


def test_a_review_counts_for_texts_with_space_around_them():
    ads = with_ids(ADS.with_columns(pl.col("text") + " "))
    found = writer_ads(ads, PRODUCTS, None, reviewed(REVIEW, ads), {})
    assert dict(found.ads.select("text", "accepted").iter_rows())["A mgu."] is False


def test_what_people_rejected_is_preferred_to_nothing_however_often_it_was_clicked():
    shown = {"ad_id": ["a", "b"], "impressions": [900.0, 900.0], "clicks": [9.0, 300.0]}
    (liked,) = preferences(writer_ads(ADS, PRODUCTS, pl.DataFrame(shown), None, {}))
    assert liked[1] == "A mgu."
    found = writer_ads(ADS, PRODUCTS, pl.DataFrame(shown), reviewed(REVIEW, ADS), {})
    with pytest.raises(DataError, match="known to be better"):
        preferences(found)


def test_an_ad_that_stands_twice_counts_once_and_two_of_one_id_are_refused():
    counts = pl.DataFrame({"ad_id": ["a"], "impressions": [100.0], "clicks": [9.0]})
    twice = writer_ads(pl.concat([ADS, ADS]), PRODUCTS, counts, None, {})
    assert twice.shown().impressions == [100.0]
    other = pl.concat([ADS, ADS.with_columns(text=pl.lit("Sip."))])
    with pytest.raises(DataError, match="the ad_id a more than once"):
        writer_ads(other, PRODUCTS, counts, None, {})


def test_a_log_of_other_ads_is_refused():
    counts = pl.DataFrame({"ad_id": ["z"], "impressions": [100.0], "clicks": [9.0]})
    with pytest.raises(DataError, match="shows none of the ads"):
        writer_ads(ADS, PRODUCTS, counts, None, {})


def test_items_are_held_out_of_those_that_have_ads():
    others = [{"item_id": f"x{n}", "title": f"Lamp {n}"} for n in range(200)]
    found = writer_ads(ADS, [*others, *PRODUCTS], None, None, {})
    assert all(len(found.held_out(0.5, seed)) == 1 for seed in range(9))


def test_ads_of_no_product_are_refused():
    with pytest.raises(DataError, match="No ad is for one of the products"):
        writer_ads(ADS, [{"item_id": "9", "title": "Lamp"}], None, None, {})
