"""Numbers for people: the digits that the evidence justifies, and signs where a sign is the message."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.numbers import difference_kind, in_currency, show, show_interval, show_tick


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2212", "-")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (0.00381, "rate", "0.381 %"),
        (0.5, "rate", "50 %"),
        (1.0, "rate", "100 %"),
        (0.0, "rate", "0 %"),
        (-0.0012, "points", "-0.120 pp"),
        (0.0731, "relative", "+7.31 %"),
        (Decimal("1234567.891"), "money", "1,234,567.89"),
        (0.21345, "money", "0.213"),
        (12.3456, "number", "12.3"),
        (2024, "number", "2,024"),
        (541909, "count", "541,909"),
        (1.83e-18, "rate", "< 0.000001 %"),
        (1.83e-18, "probability", "< 0.1 %"),
        (0.99999, "probability", "> 99.9 %"),
        (0.9853, "probability", "98.5 %"),
        (12.5, "money:EUR", "12.50 EUR"),
        (1_193_438.0, "money", "1,193,438"),
        (12.0, "money", "12.00"),
        (3.5e-9, "number", "3.50 × 10⁻⁹"),
        (None, "rate", "–"),
        (math.nan, "money", "–"),
        (-math.inf, "number", "-∞"),
        (0.00861, "p_value", "0.0086"),
        (0.41, "p_value", "0.41"),
        (3e-9, "p_value", "< 0.0001"),
    ],
)
def test_a_number_is_shown_as_people_read_it(value: float, kind: str, expected: str) -> None:
    assert plain(show(value, kind)) == expected


@pytest.mark.parametrize(
    ("numbers", "kind", "expected"),
    [
        ((0.0038, 0.0027, 0.0052), "rate", "0.38 % [0.27, 0.52]"),
        ((-0.0082, -0.0133, -0.0031), "points", "-0.82 pp [-1.33, -0.31]"),
        ((1234.56, 1100.2, 1390.9), "money", "1,235 [1,100, 1,391]"),
        ((0.7, -10.0, 120.0), "number", "0.7 [-10.0, 120.0]"),
        ((0.5, 0.5, 0.5), "rate", "50 % [50, 50]"),
        ((1e-8, -0.0095, 0.0031), "points", "0.00 pp [-0.95, +0.31]"),
        ((0.5, None, 0.6), "rate", "50 %"),
        ((None, 0.1, 0.2), "rate", "–"),
        ((1.13e-7, 0.0, 1.13e-7), "points", "+0.000011 pp [0.000000, +0.000011]"),
    ],
)
def test_an_interval_sets_the_digits(numbers: tuple[float, float, float], kind: str, expected: str) -> None:
    assert plain(show_interval(*numbers, kind)) == expected


def test_neighbouring_ticks_differ_and_round_ones_stay_short() -> None:
    assert plain(show_tick(0.0075, 0.0025, "rate")) == "0.75 %"
    assert plain(show_tick(0.2, 0.2, "rate")) == "20 %"
    assert plain(show_tick(0.30000000000000004, 0.1)) == "0.3"


def test_the_difference_of_two_rates_is_in_percentage_points() -> None:
    assert difference_kind("rate") == "points"
    assert difference_kind("money") == "money_difference"
    assert plain(show(-2.5, difference_kind(in_currency("money", "EUR")))) == "-2.50 EUR"
    assert in_currency("rate", "EUR") == "rate"


@given(st.floats(min_value=1e-6, max_value=1e9), st.sampled_from(["number", "rate", "money"]))
def test_what_is_shown_is_within_half_a_percent_of_the_number(value: float, kind: str) -> None:
    shown = re.sub(r"[^0-9.]", "", show(value, kind).partition("×")[0])
    power = re.search(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", show(value, kind))
    exponent = int(power[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if power else 0
    scale = 100 if kind == "rate" else 1
    assert float(shown) * 10.0**exponent / scale == pytest.approx(value, rel=0.006)


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(), st.floats())
def test_no_number_breaks_the_page(value: float, low: float, high: float) -> None:
    assert show_interval(value, low, high)
