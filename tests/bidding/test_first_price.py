"""Logs of wins and losses: prices drawn from the win curve, first-price bids near the oracle's."""

import numpy as np
import polars as pl
import pytest
from first_price_worlds import SHAPES, prices, share_of_oracle, win_lose_log

from adcli.bidding.auctions import read_auctions, unstated_prices
from adcli.bidding.market import market_of
from adcli.bidding.shading import Shading
from adcli.errors import DataError


def shaded(frame):
    log = read_auctions(frame, budget_per_auction=1.0)
    shading = Shading(market_of(log))
    return lambda value: shading.bid(value, value / 100)


@pytest.mark.parametrize("shape", SHAPES)
def test_shaded_bids_learned_from_wins_and_losses_gain_nearly_what_the_oracle_does(shape):
    found = [share_of_oracle(shaded(win_lose_log(shape, seed)[0]), shape, seed) for seed in range(3)]
    assert np.mean(found) >= 0.97


@pytest.mark.parametrize("shape", SHAPES)
def test_the_minimum_bid_to_win_is_the_price(shape):
    frame, price = win_lose_log(shape, 3)
    stated = frame.with_columns(minimum_bid_to_win=price)
    assert unstated_prices(stated) == 0
    assert read_auctions(stated, budget_per_auction=1.0).price.tolist() == price.tolist()
    assert share_of_oracle(shaded(stated), shape, 3) >= 0.985


def test_drawn_prices_agree_with_each_record_and_with_the_truth_at_second_price():
    frame, price = win_lose_log("lognormal", 0, n=20_000)
    log = read_auctions(frame, budget_per_auction=1.0)
    assert ((log.bid >= log.price) == (frame["won"].to_numpy() == 1)).all()
    assert np.quantile(log.price, [0.25, 0.5, 0.75]) == pytest.approx(
        np.quantile(price, [0.25, 0.5, 0.75]), rel=0.08
    )
    paid = frame.with_columns(
        market_price=pl.Series(np.where(frame["won"] == 1, price, np.nan)).fill_nan(None)
    )
    censored = read_auctions(paid, budget_per_auction=1.0)
    won = frame["won"].to_numpy() == 1
    assert censored.price[won].tolist() == price[won].tolist()
    assert np.median(censored.price) == pytest.approx(np.median(price), rel=0.04)


def test_lost_auctions_are_worth_what_is_predicted():
    frame, _ = win_lose_log("lognormal", 1)
    log = read_auctions(frame, budget_per_auction=1.0)
    lost = frame["won"].to_numpy() == 0
    assert log.value[lost].tolist() == log.predicted_value[lost].tolist()
    assert set(log.value[~lost].tolist()) == {0.0, 1.0}
    assert log.value.sum() == pytest.approx(log.predicted_value.sum())


def test_the_level_of_prices_is_followed():
    from adcli.bidding.replay import Outcome

    frame, _ = win_lose_log("lognormal", 2)
    shading = Shading(market_of(read_auctions(frame, budget_per_auction=1.0)))
    rng = np.random.default_rng(0)
    for _ in range(100):
        value = rng.lognormal(0.4, 0.5, 50)
        bid = value * rng.uniform(0.5, 1.5, 50)
        won = bid >= 2 * prices("lognormal", 50, rng)
        shading.observe(value / 100, Outcome(bid, won, bid * won))
    assert shading.level == pytest.approx(np.log(2), abs=0.2)


def test_what_wins_and_losses_cannot_say_is_an_error():
    frame, _ = win_lose_log("lognormal", 0, n=200)
    cases = [
        (frame.with_columns(won=pl.lit(1)), "All logged bids won"),
        (frame.with_columns(won=pl.lit(0), click=pl.lit(0)), "No auction was won|All logged bids lost"),
        (frame.with_columns(click=1 - pl.col("won")), "what was not shown earns nothing"),
        (frame.drop("bid"), "nor 'bid' and 'won'"),
        (frame.drop("pctr"), "the auctions have none"),
        (frame.with_columns(bid=-pl.col("bid")), "'bid' is missing, negative"),
    ]
    for broken, match in cases:
        with pytest.raises(DataError, match=match):
            read_auctions(broken, budget_per_auction=1.0)
