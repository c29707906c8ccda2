"""Text from data: nothing in it can move, hide or break what stands around it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from adcli.report.text import clean_text, display_width, shorten


def test_control_characters_and_turns_of_direction_go() -> None:
    assert clean_text("red\x1b[31m \x00shoes\u202e\u2066\ttoday\r\n") == "red[31m shoes today"
    assert clean_text("a\ud800b\ufffe") == "ab"


def test_emoji_and_scripts_that_need_joiners_stay() -> None:
    assert clean_text("👩\u200d👧 ok 鞋") == "👩\u200d👧 ok 鞋"


def test_a_long_label_keeps_its_beginning_and_its_end() -> None:
    short = shorten("Spring sale of garden furniture, campaign 17", 24)
    assert short.startswith("Spring")
    assert short.endswith("17")
    assert "…" in short


def test_a_chinese_character_counts_twice() -> None:
    assert display_width("鞋a") == 3
    assert display_width(shorten("春季促销活动花园家具和工具大减价", 12)) <= 12


@given(st.text(st.characters(), max_size=60), st.integers(min_value=4, max_value=30))
def test_any_text_becomes_one_clean_line_of_the_width_asked(text: str, width: int) -> None:
    short = shorten(text, width)
    assert display_width(short) <= width
    assert not {unicodedata.category(char) for char in short} & {"Cc", "Cs"}
    clean_text(text).encode("utf-8")
