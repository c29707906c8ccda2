"""Ads fit the channels they run in."""

import pytest

from adcli.copy.channels import CHANNELS, channel_named, display_width, misfits
from adcli.copy.scenes import foreign_words, scenes_of
from adcli.errors import UsageError


def test_a_wide_character_takes_two_columns():
    assert display_width("夏季连衣裙") == 10
    assert display_width("cafe\u0301") == 4


def test_what_does_not_fit_is_named():
    search = CHANNELS["search"]
    assert misfits("Steel Water Bottle", "A steel bottle for long days.", search) == []
    assert misfits("x" * 31, "y" * 91, search) == ["headline.long", "description.long"]
    assert misfits("", "short", search) == ["headline.empty", "description.short"]


def test_an_unknown_channel_is_one_sentence():
    with pytest.raises(UsageError, match="Did you mean 'email'"):
        channel_named("emial")


def test_an_ad_that_speaks_of_another_place_is_found():
    kitchen = scenes_of("Famous Wheel Pizza Cutter")
    assert foreign_words("It is kind to your hair and skin", kitchen) == ["hair", "skin"]
    assert foreign_words("It makes pizza night easy in your kitchen", kitchen) == []
    assert foreign_words("It is kind to your hair", frozenset()) == []
    assert foreign_words("It is kind to your hair", kitchen, on_record=frozenset({"hair"})) == []
