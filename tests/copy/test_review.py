"""People decide of ads, and what they decide is read back."""

import polars as pl
import pytest

from adcli.copy.review import review_of, reviewed
from adcli.errors import DataError

ADS = pl.DataFrame({"ad_id": ["a", "b", "c"], "text": ["A mug.", "A bad mug.", "A mgu."]})


def decided(edited="A mgu.", **decisions):
    return review_of(ADS).with_columns(
        pl.Series("decision", [decisions.get(ad_id, "") for ad_id in ADS["ad_id"]]),
        pl.Series("edited_text", ["A mug.", "A bad mug.", edited]),
    )


def test_a_review_begins_with_each_ads_text_and_no_decision():
    assert review_of(ADS).columns == ["ad_id", "decision", "edited_text", "note"]
    assert review_of(ADS)["edited_text"].to_list() == ADS["text"].to_list()


def test_decisions_are_read_back():
    found = reviewed(decided(a="accept", b="Reject ", c="edit", edited="A mug for tea."), ADS)
    assert set(zip(*found, strict=True)) == {
        ("a", "A mug.", True), ("b", "A bad mug.", False), ("c", "A mgu.", False), ("c", "A mug for tea.", True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"a": "acept"}, "Did you mean 'accept'"),
        ({"c": "edit"}, "no other text in edited_text"),
        ({}, "decides nothing"),
    ],
)
def test_a_review_that_is_not_clear_is_one_sentence(decisions, said):
    with pytest.raises(DataError, match=said):
        reviewed(decided(**decisions), ADS)
