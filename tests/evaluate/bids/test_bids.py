"""Bids replayed on auctions: the published protocol to the number, budgets kept, bounds never beaten."""

import csv
import gzip
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nominal_coverage import TRIALS, assert_covers

from adcli.bidding.bidders import (
    Prices,
    best_rate,
    clairvoyant,
    mcpc,
    prices_of,
    read_prices,
    replay_bidders,
)
from adcli.bidding.replay import affordable, read_auctions, replay
from adcli.errors import DataError, UsageError
from adcli.evaluate.bids.campaigns import evaluate_bids
from adcli.evaluate.bids.table import bid_table, spend_curve


def auctions(n=4_000, episodes=40, seed=0, *, share=0.1, ctr=0.05):
    rng = np.random.default_rng(seed)
    pctr = rng.beta(2, 2 / ctr, n)
    return read_auctions(
        pl.DataFrame(
            {
                "market_price": rng.gamma(2, 30, n).round(),
                "click": (rng.random(n) < pctr).astype(int),
                "pctr": pctr,
                "episode": np.arange(n) * episodes // n,
            }
        ),
        budget_per_auction=share * 60,
    )


def published_protocol(path, campaign, prices):
    """Impressions, clicks and cost of mcpc, auction by auction: whole bids, at most 300 and what is left."""
    budget = int(prices.per_impression / 32 * 1000)
    won, clicks, cost, left, episode = 0, 0, 0, 0, None
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            if row["advertiser"] != campaign:
                continue
            if row["episode"] != episode:
                episode, left = row["episode"], budget
            bid = min(int(float(row["pctr"]) * prices.per_click), 300, left)
            if bid >= int(row["market_price"]):
                won, clicks, cost = won + 1, clicks + int(row["click"]), cost + int(row["market_price"])
                left -= int(row["market_price"])
    return won, clicks, cost


@pytest.mark.parametrize("campaign", ["2997", "1458"])
def test_mcpc_is_the_published_one_to_the_number(shared_data, campaign):
    path = shared_data / "rtb" / "ipinyou_auctions_dev.csv.gz"
    prices = read_prices(json.loads((shared_data / "rtb" / f"ipinyou_{campaign}.info.json").read_text()))
    frame = pl.read_csv(path, infer_schema=False).rename({"advertiser": "campaign_id"})
    log = read_auctions(
        frame.filter(pl.col("campaign_id") == campaign), budget_per_auction=prices.per_impression / 32
    )
    table = bid_table(log, {"mcpc": mcpc(log, prices)}, baseline="mcpc")
    found = table.select("impressions", "clicks", "cost").row(0)
    assert found == published_protocol(path, campaign, prices)


class TestReplay:
    @settings(max_examples=500)
    @given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 300))
    def test_purchases_are_those_of_going_through_them_one_by_one(self, prices, budget):
        left, bought = budget, []
        for price in prices:
            bought.append(price <= left)
            left -= price * bought[-1]
        assert affordable(np.array(prices, dtype=float), float(budget)).tolist() == bought

    @settings(max_examples=200)
    @given(st.integers(0, 2**31), st.floats(0.01, 1), st.floats(1, 2_000))
    def test_no_episode_spends_more_than_its_budget_and_no_bidder_beats_the_bound(self, seed, share, rate):
        log = auctions(300, 5, seed, share=share)
        won = replay(log.pctr * rate, log).won
        spent = np.bincount(log.episode, won * log.price, minlength=5)
        assert (spent <= log.budget + 1e-9).all()
        bound = np.bincount(log.episode, clairvoyant(log).won * log.value, minlength=5)
        value = np.bincount(log.episode, won * log.value, minlength=5)
        assert (value <= bound + 1e-9).all()
        assert (np.bincount(log.episode, clairvoyant(log).won * log.price) <= log.budget + 1e-6).all()

    def test_a_bid_wins_at_its_price_and_pays_the_market_price(self):
        log = read_auctions(
            pl.DataFrame({"market_price": [10, 10, 10], "click": [1, 0, 1]}), budget_per_auction=100
        )
        assert replay(np.array([10.0, 9.99, 50.0]), log).won.tolist() == [1, 0, 1]

    def test_the_floor_price_is_the_least_price(self):
        log = read_auctions(
            pl.DataFrame({"market_price": [10, 10], "floor_price": [15, None], "click": [0, 0]}),
            budget_per_auction=100,
        )
        assert log.price.tolist() == [15, 10]

    def test_episodes_of_a_campaign_are_brought_together_in_their_order(self):
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

    def test_without_episodes_a_day_is_one(self):
        times = pl.Series(
            ["2026-01-02T00:00:00", "2026-01-01T05:00:00", "2026-01-01T01:00:00"]
        ).str.to_datetime()
        frame = pl.DataFrame({"event_time": times, "market_price": [3, 2, 1], "click": [0, 0, 0]})
        log = read_auctions(frame, budget_per_auction=1)
        assert log.price.tolist() == [1, 2, 3]
        assert log.episode.tolist() == [0, 0, 1]


class TestBidders:
    def test_the_linear_bidder_learns_its_rate_on_other_episodes(self):
        log = auctions()
        half = np.arange(log.budget.size) % 2 == 0
        rows = half[log.episode]
        found = replay_bidders(log, ["linear"], prices_of(log))["linear"]
        expected = log.pctr[rows] * best_rate(log.take(~half))
        assert found.bid[rows] == pytest.approx(expected)

    def test_the_clairvoyant_buys_clicks_only_cheapest_first(self):
        log = read_auctions(
            pl.DataFrame({"market_price": [10, 4, 6, 1], "click": [1, 1, 1, 0]}), budget_per_auction=2.5
        )
        assert clairvoyant(log).won.tolist() == [0, 1, 1, 0]

    def test_a_bid_column_is_replayed_as_it_is(self):
        frame = pl.DataFrame({"market_price": [5, 5], "click": [1, 1], "bid": [6, 4]})
        log = read_auctions(frame, budget_per_auction=100)
        assert replay_bidders(log, ["bid"], prices_of(log))["bid"].won.tolist() == [1, 0]


class TestTable:
    columns = ("bidder", "impressions", "clicks", "cost", "value", "win_rate", "ecpc", "ecpm", "spend_share")

    def test_figures_are_what_they_say(self):
        log = auctions()
        prices = Prices(60_000, 1_000, 50)
        replays = replay_bidders(log, ["mcpc", "linear", "clairvoyant"], prices)
        table = bid_table(log, replays, baseline="mcpc")
        assert tuple(table.columns[:9]) == self.columns
        assert table.schema["impressions"].is_integer()
        assert table.schema["clicks"].is_integer()
        row = table.row(1, named=True)
        assert row["ecpc"] == pytest.approx(row["cost"] / row["clicks"])
        assert row["ecpm"] == pytest.approx(1000 * row["cost"] / row["impressions"])
        assert row["win_rate"] == pytest.approx(row["impressions"] / 4_000)
        assert row["spend_share"] <= 1
        assert table["share_of_bound"].to_list()[2] == 1
        assert row["difference"] == pytest.approx((table["value"][1] - table["value"][0]) / log.budget.size)

    def test_a_bidder_that_is_clearly_better_is_called_so_and_the_other_way_round(self):
        log = auctions(20_000, 200)
        replays = {"good": replay(log.pctr * 1_500, log), "poor": replay(np.full(20_000, 1e9), log)}
        assert bid_table(log, replays, baseline="poor")["verdict"][0] == "better"
        assert bid_table(log, replays, baseline="good")["verdict"][1] == "worse"

    def test_near_equals_and_few_episodes_are_not_told_apart(self):
        log = auctions(1_000, 25)
        replays = {"one": replay(log.pctr * 1_000, log), "other": replay(log.pctr * 1_050, log)}
        assert bid_table(log, replays, baseline="one")["verdict"][1] in {
            "not enough evidence",
            "no difference found",
        }
        short = auctions(1_000, 5)
        few = {"one": replay(short.pctr * 1_000, short), "other": replay(short.pctr * 10, short)}
        table = bid_table(short, few, baseline="one")
        assert table["verdict"][1] == "not enough evidence"
        assert "5 episodes" in table["reason"][1]

    def test_paired_intervals_cover_the_difference(self):
        ends = []
        for seed in range(TRIALS):
            log = auctions(1_200, 30, seed)
            replays = {"one": replay(log.pctr * 2_000, log), "other": replay(log.pctr * 600, log)}
            row = bid_table(log, replays, baseline="one").row(1, named=True)
            ends.append((row["difference_low"], row["difference_high"]))
        assert_covers(*np.transpose(ends), TRUE_DIFFERENCE)

    def test_the_spend_curve_ends_at_the_spend_share(self):
        log = auctions()
        replays = {"a": replay(log.pctr * 800, log)}
        curve = spend_curve(log, replays)
        table = bid_table(log, replays, baseline="a")
        assert curve["spend_share"][0] == 0
        assert curve["spend_share"][-1] == pytest.approx(table["spend_share"][0])
        assert (curve["spend_share"].diff().drop_nulls() >= 0).all()


class TestCampaigns:
    def frame(self, seed, campaign):
        rng = np.random.default_rng(seed)
        pctr = rng.beta(2, 40, 2_000)
        return pl.DataFrame(
            {
                "campaign_id": [campaign] * 2_000,
                "episode": np.arange(2_000) // 50,
                "market_price": rng.gamma(2, 30, 2_000).round(),
                "click": (rng.random(2_000) < pctr).astype(int),
                "pctr": pctr,
            }
        )

    def test_each_campaign_has_its_prices_and_budget_and_all_are_added_up(self):
        both = pl.concat([self.frame(0, "a"), self.frame(1, "b")])
        own = {"a": Prices(3_000, 50, 5), "b": Prices(9_000, 50, 5)}
        found = evaluate_bids(both, prices=own, budget_shares=0.1)
        assert found.table["campaign_id"].unique(maintain_order=True).to_list() == ["all", "a", "b"]
        assert tuple(found.table.columns[:9]) == TestTable.columns
        alone = evaluate_bids(self.frame(1, "b"), prices={"b": own["b"]}, budget_shares=0.1).table
        second = found.table.filter(pl.col("campaign_id") == "b")
        assert second["cost"].to_list() == alone["cost"].to_list()
        for bidder in ("mcpc", "linear", "clairvoyant"):
            rows = found.table.filter(pl.col("bidder") == bidder)
            assert rows["value"][0] == pytest.approx(rows["value"][1:].sum())
        assert set(found.spend_curve["bidder"]) == {"mcpc", "linear", "clairvoyant"}

    def test_a_campaign_may_have_a_budget_of_its_own(self):
        both = pl.concat([self.frame(0, "a"), self.frame(1, "b")])
        table = evaluate_bids(both, bidders=["mcpc"], budget_shares={"a": 0.05, "b": 0.5}).table
        own = evaluate_bids(self.frame(1, "b"), bidders=["mcpc"], budget_shares=0.5).table
        assert table.filter(pl.col("campaign_id") == "b")["cost"].item() == own["cost"].item()

    def test_a_campaign_without_prices_takes_its_own(self):
        frame = self.frame(0, "a")
        found = evaluate_bids(frame, bidders=["mcpc"], budget_shares=1.0).table
        own = prices_of(read_auctions(frame, budget_per_auction=1))
        log = read_auctions(frame, budget_per_auction=own.per_impression)
        assert found["cost"][0] == pytest.approx(float(mcpc(log, own).won @ log.price))


class TestBadInput:
    def test_each_is_one_sentence(self):
        good = {"market_price": [1.0, 2.0], "click": [0, 1], "pctr": [0.1, 0.2]}
        cases = [
            ({"click": [0]}, "no column 'market_price'"),
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

    def test_bidders_and_what_they_need(self):
        log = read_auctions(pl.DataFrame({"market_price": [1.0], "click": [1]}), budget_per_auction=1)
        with pytest.raises(DataError, match="no column 'pctr'"):
            replay_bidders(log, ["mcpc"], prices_of(log))
        with pytest.raises(DataError, match="no column 'bid'"):
            replay_bidders(log, ["bid"], prices_of(log))
        with pytest.raises(UsageError, match="Did you mean 'linear'"):
            replay_bidders(log, ["liner"], prices_of(log))
        with pytest.raises(DataError, match="buys nothing"):
            read_auctions(pl.DataFrame({"market_price": [1.0], "click": [1]}), budget_per_auction=0)
        with pytest.raises(DataError, match="cost_train, imp_train and clk_train"):
            read_prices({"cost_train": 5})
        without = log._replace(click=np.zeros(1))
        with pytest.raises(DataError, match="no clicks"):
            prices_of(without)
        with pytest.raises(DataError, match="baseline 'x'"):
            bid_table(log, {"a": replay(np.ones(1), log)}, baseline="x")


def true_difference():
    """The mean difference of the two bidders per episode over many auctions."""
    log = auctions(600_000, 15_000, 12_345)
    one, other = (replay(log.pctr * rate, log).won @ log.value for rate in (2_000, 600))
    return (other - one) / 15_000


TRUE_DIFFERENCE = true_difference()
