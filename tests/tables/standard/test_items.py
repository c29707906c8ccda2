"""What a log says of its items."""

import polars as pl
import pytest

from adcli.errors import DataError
from adcli.tables.standard.items import products_of_events


def test_an_item_is_what_the_log_says_of_it_most_often():
    events = pl.DataFrame(
        {
            "item_id": ["b", "a", "a", "a", None, "c"],
            "text": [" Mug ", "Kettle", "kettel", "Kettle", "Lost", " "],
            "category": ["Kitchen", "Kitchen", None, "Tea", "x", "y"],
            "price": [4.0, 9.0, 11.0, 10.0, 1.0, 2.0],
        }
    )
    assert products_of_events(events).rows(named=True) == [
        {"item_id": "a", "title": "Kettle", "category": "Kitchen", "price": 10.0},
        {"item_id": "b", "title": "Mug", "category": "Kitchen", "price": 4.0},
    ]


@pytest.mark.parametrize(
    "events", [{"item_id": ["a"]}, {"item_id": ["a"], "text": [None]}, {"item_id": [None], "text": ["mug"]}]
)
def test_a_log_without_texts_of_items_is_one_sentence(events):
    table = pl.DataFrame(events, schema=dict.fromkeys(events, pl.String))
    with pytest.raises(DataError, match="no texts of their items"):
        products_of_events(table)
