"""What a small model writes becomes a draft, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.channels import display_width
from adcli.generate.drafting import Draft, clean_text, parse_draft


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"A brass showpiece that shines."', "A brass showpiece that shines."),
        ("Here is an ad for you: A brass showpiece that shines.", "A brass showpiece that shines."),
        (
            "Sure! Here's one:\n\n1. A brass showpiece that shines.\n2. Another",
            "A brass showpiece that shines.",
        ),
        ("Ad: A brass showpiece that shines. And it is very", "A brass showpiece that shines."),
        (
            "A brass showpiece that shines in the light, and that will make your",
            "A brass showpiece that shines in the light.",
        ),
        ("A brass showpiece that shi", ""),
        ("A 5.5 l pot that cooks for all. More", "A 5.5 l pot that cooks for all."),
        ("**A brass showpiece that shines!**", "A brass showpiece that shines!"),
        ("这款连衣裙选用棉质面料。日常", "这款连衣裙选用棉质面料。"),
        ("A mug that makes you smile 😀.", "A mug that makes you smile 😀."),
        ("", ""),
        ("\n \n", ""),
    ],
)
def test_the_first_whole_sentence_is_kept(written, expected):
    assert clean_text(written, most=60) == expected


@given(st.text(max_size=300), st.integers(10, 120))
def test_a_cleaned_text_always_fits_and_is_stable(written, most):
    cleaned = clean_text(written, most=most)
    assert display_width(cleaned) <= most
    assert "\n" not in cleaned


def test_labels_are_understood():
    written = "Headline: Soft Cotton Towels\nDescription: A towel that dries you well. Buy"
    assert parse_draft(written, headline_most=30, description_most=90) == Draft(
        "Soft Cotton Towels", "A towel that dries you well."
    )


def test_a_headline_that_is_too_long_is_none():
    written = "Headline: A very soft and very absorbent towel\nDescription: A towel that dries you well."
    assert parse_draft(written, headline_most=30, description_most=90).headline == ""
