"""Masks over columns give what is found text by text."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from privacy_texts import texts

from adcli.privacy.masking import Mask, is_name_column, without_own_names
from adcli.privacy.personal_data import masked


def test_a_column_is_masked_as_its_texts_are():
    values = [text for text, _ in texts(500, seed=3)] + [None, "", "a@b.example a@b.example"]
    mask = Mask()
    found = mask(pl.Series("text", values)).to_list()
    assert found == [None if text is None else masked(text) for text in values]
    assert mask.counts["email"] > 2
    assert mask(pl.Series("text", ["plain"])).to_list() == ["plain"]
    assert Mask(["ES"])(pl.Series("text", ["612 345 678"])).to_list() == ["[phone]"]


@given(st.lists(st.text(st.sampled_from("0123456789+-. @aZ:X/()"), max_size=40)))
def test_nothing_that_is_found_escapes_the_quick_look(values):
    assert Mask()(pl.Series("text", values, dtype=pl.String)).to_list() == [masked(text) for text in values]


def test_names_of_a_rows_own_columns_are_found_in_its_texts():
    frame = pl.DataFrame(
        {
            "reviewer_name": ["Anna Schmidt", "Bo", None, "Li Wei"],
            "text": ["Thanks! anna schmidt", "Bo is short", "Anna Schmidt", "Li Weiss; Li Wei."],
        }
    )
    out = without_own_names(frame, ["text"])
    assert out["text"].to_list() == ["Thanks! [name]", "Bo is short", "Anna Schmidt", "Li Weiss; [name]."]
    assert Mask()(frame["reviewer_name"]).to_list() == ["[name]", "[name]", None, "[name]"]
    assert not is_name_column("product_name")
    assert not is_name_column("name")


def test_seeded_personal_data_is_found_and_little_else():
    right = wrong = missed = 0
    for seed in range(3):
        for text, spans in texts(2_000, seed=seed):
            from adcli.privacy.personal_data import find

            found = {(one.start, one.end, one.kind) for one in find(text)}
            right += len(found & spans)
            wrong += len(found - spans)
            missed += len(spans - found)
    assert right / (right + missed) >= 0.98
    assert right / (right + wrong) >= 0.98
