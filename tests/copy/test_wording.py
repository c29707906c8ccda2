"""Texts of a shop become plain text about one product."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.wording import (
    boilerplate,
    category_path,
    is_chinese,
    own_words,
    plain_text,
    repair_mojibake,
    stem,
    words,
)


def test_broken_encoding_is_repaired_and_the_rest_left_alone():
    assert repair_mojibake("sure to\u00c2\u00a0find Ã©co â€¢ 3Â°C â€™s") == "sure to\u00a0find éco • 3°C ’s"
    assert repair_mojibake("Âge d'or à Besançon, naïve 你好") == "Âge d'or à Besançon, naïve 你好"


@given(st.text(alphabet="abc éüñ 你好 €™•°", max_size=40))
def test_text_that_was_never_broken_stays_as_it_is(text):
    assert repair_mojibake(text) == text


@given(st.text(max_size=200))
def test_plain_text_is_one_line_and_stays_plain(text):
    plain = plain_text(text)
    assert "\n" not in plain
    assert "\u200b" not in plain
    assert plain == plain.strip()


def test_markup_and_entities_go():
    assert plain_text("<p>Soft &amp; warm</p>\n\t<br/>towel\u200b") == "Soft & warm towel"
    assert plain_text(None) == ""


@pytest.mark.parametrize(
    ("raw", "title", "path"),
    [
        (
            '["Watches >> Wrist Watches >> RRTC Wrist Watches"]',
            "RRTC Basic Watch",
            ["Watches", "Wrist Watches"],
        ),
        ("Home > Kitchen > Mugs", "Blue Mug", ["Home", "Kitchen", "Mugs"]),
        (
            '["Home >> Curtains >> Elegance Polyester Multicolor Abstract Eyelet Do..."]',
            "Elegance Polyester",
            ["Home", "Curtains"],
        ),
        ("Shoes", "", ["Shoes"]),
        (None, "", []),
    ],
)
def test_a_category_is_its_steps_without_brand_and_title(raw, title, path):
    assert category_path(raw, title=title) == path


def test_what_a_shop_says_under_every_product_says_nothing_about_one():
    titles = [f"Thing {n}" for n in range(20)]
    texts = [
        f"Thing {n} is number {n} of its kind indeed. Ships in {n} days from our shop." for n in range(20)
    ]
    texts[3] = "Carved by hand from oak. Ships in 3 days from our shop."
    common = boilerplate(texts, titles)
    assert own_words(texts[3], titles[3], common) == "Carved by hand from oak."


def test_a_sentence_said_twice_is_kept_once():
    assert (
        own_words("Soft cotton towel. Soft cotton towel. Washes well.", "X")
        == "Soft cotton towel. Washes well."
    )


def test_chinese_is_told_from_english():
    assert is_chinese("纯棉 T恤")
    assert not is_chinese("Cotton shirt 棉")
    assert not is_chinese("123")


def test_words_and_stems():
    assert words("Men's watches 手表") == ["men's", "watches", "手", "表"]
    assert [stem(word) for word in ("watches", "batteries", "dress", "boxes", "clothes", "men's")] == [
        "watch", "battery", "dress", "box", "clothes", "men",
    ]  # fmt: skip


def test_no_description_of_the_real_catalogue_keeps_broken_encoding(shared_data):
    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    broken = frame.filter(pl.col("description").str.contains("Ã©|â€|Â"))
    assert broken.height > 20
    assert not any(
        mark in plain_text(text) for text in broken["description"] for mark in ("Ã©", "â€", "Â\xa0")
    )
