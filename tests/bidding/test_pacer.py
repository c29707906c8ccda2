"""The pacer against hindsight, whatever changes; and against the rules that others use."""

import numpy as np
import pytest
from pacing_worlds import pacing_world

from adcli.bidding.market import market_of
from adcli.bidding.pacer import Pacer
from adcli.bidding.pacing_rules import DualDescent, Pid
from adcli.bidding.replay import clairvoyant, replay

SEEDS = range(4)


def share_of_hindsight(kind, rule):
    """Learned from a stationary log, played in another world."""
    shares = []
    for seed in SEEDS:
        market = market_of(pacing_world("stationary", seed + 1_000))
        log = pacing_world(kind, seed)
        played = replay(rule(market), log)
        assert played.paid.sum() <= log.budget[0] + 1e-6
        shares.append((played.won @ log.value) / (clairvoyant(log).won @ log.value))
    return np.mean(shares)


@pytest.mark.parametrize(
    ("kind", "goal"),
    [("stationary", 0.998), ("daily cycle", 0.993), ("price doubling", 0.990), ("value drift", 0.970)],
)
def test_the_pacer_is_near_hindsight_in_each_regime(kind, goal):
    assert share_of_hindsight(kind, Pacer) >= goal


def test_the_pacer_beats_dual_descent_and_pid_where_prices_burst():
    ours = share_of_hindsight("price bursts", Pacer)
    assert ours > max(share_of_hindsight("price bursts", rule) for rule in (DualDescent, Pid))


@pytest.mark.parametrize("rule", [Pacer, DualDescent, Pid])
def test_an_episode_of_one_auction_and_a_price_of_nothing_are_bid_on(rule):
    market = market_of(pacing_world("stationary", 0))
    log = pacing_world("stationary", 1, auctions=1)
    free = log._replace(price=np.zeros(1), budget=np.ones(1))
    assert replay(rule(market), free).won.tolist() == [1]
