"""Learning what to bid: `auto` takes the kind that wins more in a replay; real auctions near the bound."""

import json

import numpy as np
import polars as pl
import pytest

from adcli.bidding.prices import read_prices
from adcli.errors import DataError, UsageError
from adcli.evaluate.bids.table import evaluate_bids
from adcli.optimize.bid_learning import CHOSEN_AMONG, learn_bidders


def frame(seed=0, n=6_000, per_episode=300):
    rng = np.random.default_rng(seed)
    pctr = rng.beta(2, 40, n)
    return pl.DataFrame(
        {
            "episode": np.arange(n) // per_episode,
            "market_price": rng.gamma(2, 30, n).round(),
            "click": (rng.random(n) < 2 * pctr).astype(int),
            "pctr": pctr,
        }
    )


def test_auto_takes_what_wins_most_predicted_value_and_calibrates_it():
    (learned,) = learn_bidders(frame(), budget_shares={"": 0.1}).values()
    assert learned.chosen.kind == max(CHOSEN_AMONG, key=learned.shares.__getitem__)
    assert learned.shares[learned.chosen.kind] > max(learned.shares["mcpc"], learned.shares["linear"])
    assert learned.chosen.market.value_per_pctr == pytest.approx(2, rel=0.15)


def test_a_named_bidder_is_taken_and_long_episodes_are_paced():
    (named,) = learn_bidders(frame(), bidder="dual", budget_shares={"": 0.1}).values()
    assert named.chosen.kind == "dual"
    (long,) = learn_bidders(frame(), budget_shares={"": 0.1}, episode=6_000).values()
    assert long.chosen.kind == "pacer"
    assert "dp" not in long.shares


def test_what_cannot_be_learned_from_is_said():
    with pytest.raises(UsageError, match="Did you mean 'pacer'"):
        learn_bidders(frame(), bidder="pacr", budget_shares={"": 0.1})
    with pytest.raises(DataError, match="no column 'pctr'"):
        learn_bidders(frame().drop("pctr"), budget_shares={"": 0.1})
    with pytest.raises(DataError, match="no clicks"):
        learn_bidders(frame().with_columns(click=0), budget_shares={"": 0.1})
    with pytest.raises(DataError, match="below the price of the cheapest auction"):
        learn_bidders(frame().with_columns(market_price=50), budget_shares={"": 0.001})
    with pytest.raises(DataError, match="no auctions"):
        learn_bidders(frame().head(0), budget_shares={"": 0.1})


@pytest.mark.parametrize(("campaign", "goal"), [("3386", 0.90), ("2259", 0.97)])
def test_real_auctions_are_won_near_the_bound(shared_data, campaign, goal):
    prices = {
        campaign: read_prices(json.loads((shared_data / f"rtb/ipinyou_{campaign}.info.json").read_text()))
    }
    table = pl.read_csv(shared_data / "rtb/ipinyou_auctions_dev.csv.gz", infer_schema_length=0)
    own = table.rename({"advertiser": "campaign_id"}).filter(pl.col("campaign_id") == campaign)
    is_even = pl.col("episode").cast(pl.Int64) % 2 == 0
    learned = learn_bidders(own.filter(is_even), prices=prices, budget_shares={campaign: 1 / 32})
    found = evaluate_bids(
        own.filter(~is_even),
        bidders=["linear", "ours"],
        prices=prices,
        learned={"ours": {campaign: learned[campaign].chosen}},
    ).table
    ours = found.row(1, named=True)
    assert ours["predicted_value_share"] >= goal
    assert ours["predicted_value_share"] > found["predicted_value_share"][0]
    assert ours["spend_share"] <= 1
