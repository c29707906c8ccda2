"""What a table of auctions says: prices, episodes, budgets; and what it must hold."""

import polars as pl
import pytest

from adcli.bidding.auctions import read_auctions
from adcli.errors import DataError


def test_the_floor_price_is_the_least_price():
    log = read_auctions(
        pl.DataFrame({"market_price": [10, 10], "floor_price": [15, None], "click": [0, 0]}),
        budget_per_auction=100,
    )
    assert log.price.tolist() == [15, 10]


def test_episodes_of_a_campaign_are_brought_together_in_their_order():
    frame = pl.DataFrame(
        {
            "campaign_id": ["a", "b", "a", "b"],
            "episode": ["1", "1", "1", "1"],
            "market_price": [1, 2, 3, 4],
            "click": [0, 0, 0, 0],
        }
    )
    log = read_auctions(frame, budget_per_auction=1)
    assert log.price.tolist() == [1, 3, 2, 4]
    assert log.episode.tolist() == [0, 0, 1, 1]
    assert log.budget.tolist() == [2, 2]


def test_without_episodes_a_day_is_one():
    times = pl.Series(["2026-01-02T00:00:00", "2026-01-01T05:00:00", "2026-01-01T01:00:00"]).str.to_datetime()
    frame = pl.DataFrame({"event_time": times, "market_price": [3, 2, 1], "click": [0, 0, 0]})
    log = read_auctions(frame, budget_per_auction=1)
    assert log.price.tolist() == [1, 2, 3]
    assert log.episode.tolist() == [0, 0, 1]


def test_bad_input_is_one_sentence():
    good = {"market_price": [1.0, 2.0], "click": [0, 1], "pctr": [0.1, 0.2]}
    cases = [
        ({"click": [0]}, "no column 'market_price' or 'minimum_bid_to_win', nor 'bid' and 'won'"),
        ({"market_price": [1.0]}, "no column 'click'"),
        (
            good | {"market_price": [-1.0, 2.0]},
            "'market_price' is missing, negative or not a number in 1",
        ),
        (good | {"pctr": [None, 0.1]}, "'pctr' is missing"),
        ({name: [] for name in good}, "no auctions"),
    ]
    for columns, match in cases:
        with pytest.raises(DataError, match=match):
            read_auctions(pl.DataFrame(columns), budget_per_auction=1)
    with pytest.raises(DataError, match="buys nothing"):
        read_auctions(pl.DataFrame({"market_price": [1.0], "click": [1]}), budget_per_auction=0)
