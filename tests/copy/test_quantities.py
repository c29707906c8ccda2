"""What two texts state in numbers can be compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.quantities import Quantity, codes, is_stated, quantities


def values(text):
    return [(q.dimension, round(q.value, 3)) for q in quantities(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 litre bottle, pack of 2", [("volume", 1000), ("count", 2)]),
        ("GSM 500, 30 inch x 60 inch", [("density", 500), ("length", 76.2), ("length", 152.4)]),
        ("Rs. 1,390 or ₹899", [("rupees", 1390), ("rupees", 899)]),
        ("two-year warranty", [("time", 17520)]),
        ("100% cotton, SPF 50", [("share", 100), ("spf", 50)]),
        ("72x78 cm", [("", 72), ("length", 78)]),
        ("2 in 1, 30in", [("", 2), ("", 1), ("length", 76.2)]),
        ("容量500毫升，3件套", [("volume", 500), ("count", 3)]),
        ("Power Consumption (W) 40", [("power", 40)]),
        ("model BR-6428NC, 4K", []),
    ],
)
def test_numbers_and_their_units(text, expected):
    assert values(text) == expected


def test_codes_are_words_of_letters_and_digits_that_are_no_quantity():
    assert codes("BR-6428NC at 300Mbps, 4K, 72x78, 500ml") == {"br-6428nc", "4k"}


@pytest.mark.parametrize(
    ("claim", "record", "stated"),
    [
        ("1 l", "1000 ml", True),
        ("2 year warranty", "24 months", True),
        ("set of 3", "Number of Contents 3", True),
        ("3 bowls", "pack of 3", True),
        ("20%", "SPF 20", False),
        ("40 V", "40 W", False),
        ("600 ml", "500 ml", False),
        ("$20", "20 cm", False),
    ],
)
def test_a_claim_is_stated_in_whichever_unit_of_the_same_dimension(claim, record, stated):
    assert all(is_stated(quantity, quantities(record)) for quantity in quantities(claim)) is stated


def test_a_price_on_record_has_no_currency():
    record = [Quantity(899.0, 899.0, "price", "899")]
    assert is_stated(quantities("Rs. 899")[0], record)
    assert not is_stated(quantities("Rs. 799")[0], record)


@given(st.floats(0.01, 1e5).map(lambda value: round(value, 2)), st.sampled_from(["ml", "cm", "kg", "W", "%"]))
def test_a_text_states_its_own_numbers(number, unit):
    text = f"about {number} {unit} of it"
    assert quantities(text)
    assert all(is_stated(quantity, quantities(text)) for quantity in quantities(text))
