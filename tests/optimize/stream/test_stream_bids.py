"""Bids of a stream: a bidder of `optimize bids` paces them, and goes on after a restart where it stood."""

import numpy as np
import orjson
import pytest
from stream_world import StreamWorld, answers

from adcli.bidding.learned import KINDS, LearnedBidder
from adcli.bidding.limits import Limits
from adcli.bidding.market import Market
from adcli.optimize.stream.bids import Bidding
from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.snapshot import packed, restore

AUCTIONS = 1_500


def learned(kind="pacer", **more):
    draw = np.random.default_rng(0)
    return LearnedBidder(
        kind, Market(draw.lognormal(0, 0.5, 2_000), draw.uniform(0.05, 0.4, 2_000), 1.0), 5.0, **more
    )


def live_with(bidder):
    return LivePolicy(StreamWorld(2).offline(), Settings(), Bidding(bidder))


def play(live, n, first=0, at_once=20):
    """Hold n auctions; the lines that were sent, and what was spent."""
    world, sent, spent = StreamWorld(2), [], 0.0
    requests, segment = world.requests(n, first, first)
    for start in range(0, n, at_once):
        block = requests[start : start + at_once]
        told = answers(live, block)
        price = np.random.default_rng(first + start).lognormal(0, 0.5, len(told)).tolist()
        outcomes, draw = [], np.random.default_rng(start)
        for one, cost, s in zip(told, price, segment[start : start + at_once], strict=True):
            won = one["bid"] >= cost
            spent += cost * won
            click = int(draw.random() < world.click[s, world.items.index(one["item_id"])])
            outcomes.append(
                orjson.dumps(
                    {"id": one["id"], "won": True, "cost": cost, "reward": click}
                    if won
                    else {"id": one["id"], "won": False}
                )
            )
        assert live.answer(outcomes).answers == []
        sent += [*block, *outcomes]
    return sent, spent


def test_the_budget_is_spent_by_the_end_and_not_before():
    live, budget = live_with(learned()), AUCTIONS * 0.3
    live.answer([orjson.dumps({"budget": budget, "decisions": AUCTIONS})])
    _, half = play(live, AUCTIONS // 2)
    _, rest = play(live, AUCTIONS // 2, AUCTIONS // 2)
    assert 0.35 * budget < half < 0.65 * budget
    assert 0.9 * budget < half + rest <= budget


def test_a_bid_needs_a_budget():
    (told,) = answers(live_with(learned()), [b'{"id":"a","context":{}}'])
    assert "budget" in told["error"]


def test_a_lost_auction_teaches_prices_and_nothing_of_clicks():
    live = live_with(learned())
    live.answer([b'{"budget":50,"decisions":100}', b'{"id":"a","context":{}}', b'{"id":"a","won":false}'])
    play(live, 20, 1)
    assert not live.decisions[0]["counted"]
    (told,) = answers(live, [b'{"id":"a","won":false,"reward":1}'])
    assert "not won" in told["error"]


@pytest.mark.parametrize("bidder", [*(learned(kind) for kind in KINDS), learned(first_price=True),
                                    learned(limits=Limits(2.0, 3.0))], ids=[*KINDS, "first price", "limits"])  # fmt: skip
def test_a_restart_bids_on_from_where_the_bidder_stood(bidder):
    live = live_with(bidder)
    live.answer([b'{"budget":150,"decisions":500}'])
    play(live, 200)
    restored = live_with(bidder)
    restore(restored, packed(live, None))
    ahead = [orjson.dumps({"id": f"n{number}", "context": {"segment": "s1"}}) for number in range(60)]
    lost = [orjson.dumps({"id": f"n{number}", "won": False}) for number in range(60)]
    for lines in (ahead[:30], lost[:30], ahead[30:]):
        assert restored.answer(lines).answers == live.answer(lines).answers
