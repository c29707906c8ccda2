"""The dynamic program against the optimum of a market small enough to be solved by hand."""

import itertools

import numpy as np
import pytest
from auction_world import auctions

from adcli.bidding.dynamic_program import LONGEST_EPISODE, DynamicProgram
from adcli.bidding.learned import LearnedBidder
from adcli.bidding.market import Market, market_of
from adcli.bidding.replay import BidRequests, EpisodeState, replay
from adcli.errors import DataError

PRICES = np.array([1.0, 2.0, 4.0])
VALUES = np.array([0.02, 0.05, 0.09])


def optimal_worth(auctions_left, budget):
    """The expected value of the best bids, by going through all that may come."""
    if auctions_left == 0:
        return 0.0
    wait = optimal_worth(auctions_left - 1, budget)
    total = 0.0
    for price, value in itertools.product(PRICES, VALUES):
        take = value + optimal_worth(auctions_left - 1, budget - price) if price <= budget else 0.0
        total += max(take, wait)
    return total / (PRICES.size * VALUES.size)


@pytest.mark.parametrize("budget", [1.0, 3.0, 5.0, 7.0])
def test_it_bids_what_an_auction_is_worth_with_what_is_left(budget):
    every = np.array(list(itertools.product(PRICES, VALUES)))
    bidder = DynamicProgram(Market(every[:, 0], every[:, 1], 1.0))
    auctions_left = 4
    requests = BidRequests(VALUES, np.full(3, np.nan))
    for value in VALUES:
        one = BidRequests(np.array([value]), requests.bid[:1])
        bid = bidder.bid(one, EpisodeState(0, 0, auctions_left, budget, budget))[0]
        for price in PRICES[budget >= PRICES]:
            gain = value + optimal_worth(auctions_left - 1, budget - price)
            loss = optimal_worth(auctions_left - 1, budget)
            if abs(gain - loss) > 0.002:
                assert (bid >= price) == (gain > loss), (value, price, bid)


def test_it_follows_the_level_of_predictions():
    log = auctions(20_000, 40, share=0.05)
    market = market_of(log)
    doubled = log._replace(pctr=log.pctr * 3)
    own, moved = (replay(DynamicProgram(market), one).won @ log.pctr for one in (log, doubled))
    assert moved > 0.98 * own


def test_a_budget_beyond_all_prices_buys_all_that_has_value():
    log = auctions(400, 1, share=1e6)
    worthless = np.arange(400) < 10
    log = log._replace(pctr=np.where(worthless, 0.0, log.pctr))
    won = replay(DynamicProgram(market_of(log)), log).won
    assert won[~worthless].mean() > 0.9
    assert not won[worthless].any()


def test_a_longer_episode_than_it_can_solve_is_refused():
    log = auctions(LONGEST_EPISODE + 1, 1)
    with pytest.raises(DataError, match="at most 20,000 auctions"):
        replay(LearnedBidder("dp", market_of(log)).bidder(), log)
