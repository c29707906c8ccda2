"""Ads fit the channels they run in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.channels import CHANNELS, FIELDS, channel_named, display_width, misfits, unfit
from adcli.copy.checker import Checker
from adcli.copy.facts import product_facts
from adcli.errors import UsageError


def test_a_wide_character_takes_two_columns():
    assert display_width("夏季连衣裙") == 10
    assert display_width("cafe\u0301") == display_width("café") == 4
    assert display_width("①…") == 4


WIDE = st.text(st.sampled_from("aé ж日本ｱＡ①…한🎉—"), max_size=140)


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=CHANNELS)
@given(text=WIDE)
def test_a_text_fits_if_it_is_no_wider_than_the_channel_counts(channel, text):
    columns = sum(2 if unicodedata.east_asian_width(one) in "WF" or one in "①…—" else 1 for one in text)
    for kind in FIELDS:
        most = getattr(channel, kind).columns
        assert ("long" in unfit(text, kind, channel)) == (columns > most)


def rsa(**changed):
    texts = {
        "headlines": ["Steel Water Bottle", "Keeps Tea Hot", "Fits a Bag"],
        "descriptions": ["A steel bottle for long days.", "Of 750 ml."],
        "paths": ["bottles"],
    }
    return misfits(CHANNELS["google-search"], **(texts | changed))


def test_what_does_not_fit_is_named():
    assert rsa() == []
    assert rsa(headlines=["x" * 31, "b"], descriptions=["y" * 91, "z"]) == [
        "headlines.few", "headlines.long", "descriptions.long",
    ]  # fmt: skip
    assert rsa(headlines=["a", "A", "Buy!"]) == ["headlines.repeated", "headlines.character"]
    assert rsa(paths=["a b"], descriptions=["", "🎉"]) == [
        "descriptions.empty", "descriptions.character", "paths.character",
    ]  # fmt: skip
    assert rsa(long_headlines=["A steel bottle"]) == ["long_headlines.many", "long_headlines.long"]


def test_performance_max_asks_for_one_short_text():
    texts = {"long_headlines": ["One"], "descriptions": ["Short one.", "Another."]}
    wide = ["Bottle of Brushed Steel", "A Bottle for Long Days", "Keeps Tea Hot All Day"]
    assert misfits(CHANNELS["google-pmax"], headlines=wide, **texts) == ["headlines.none_short"]
    assert misfits(CHANNELS["google-pmax"], headlines=[*wide, "Steel Bottle"], **texts) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("emial", "email"), ("google-serach", "google-search"), ("search", "google-search"),
        ("social", "meta-feed"), ("display", "google-display"),
    ],
)  # fmt: skip
def test_an_unknown_channel_is_one_sentence(name, meant):
    with pytest.raises(UsageError, match=f"Did you mean '{meant}'"):
        channel_named(name)


def test_an_ad_that_speaks_of_another_place_is_found():
    cutter = product_facts({"item_id": "1", "title": "Famous Wheel Pizza Cutter"})
    said = {text: [found.span for found in Checker().stated(text, cutter)]
            for text in ("It is kind to your hair", "It makes pizza night easy in your kitchen")}  # fmt: skip
    assert list(said.values()) == [["hair"], []]
