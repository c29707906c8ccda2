"""Bids replayed on auctions: the published protocol to the number, budgets kept, bounds never beaten."""

import csv
import gzip
import json

import numpy as np
import polars as pl
import pytest
from auction_world import auctions, replay_bids
from nominal_coverage import TRIALS, assert_covers

from adcli.bidding.auctions import read_auctions
from adcli.bidding.bidders import mcpc, replay_bidders
from adcli.bidding.prices import Prices, prices_of, read_prices
from adcli.errors import DataError
from adcli.evaluate.bids.table import bid_rows, evaluate_bids, judged, spend_curve


def bid_table(log, replays, *, baseline):
    return judged(bid_rows(log, replays, baseline=baseline, confidence=0.95), baseline, 0.95)


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
        replays = {"good": replay_bids(log.pctr * 1_500, log), "poor": replay_bids(np.full(20_000, 1e9), log)}
        assert bid_table(log, replays, baseline="poor")["verdict"][0] == "better"
        assert bid_table(log, replays, baseline="good")["verdict"][1] == "worse"

    def test_near_equals_and_few_episodes_are_not_told_apart(self):
        log = auctions(1_000, 25)
        replays = {"one": replay_bids(log.pctr * 1_000, log), "other": replay_bids(log.pctr * 1_050, log)}
        assert bid_table(log, replays, baseline="one")["verdict"][1] in {
            "not enough evidence",
            "no difference found",
        }
        short = auctions(1_000, 5)
        few = {"one": replay_bids(short.pctr * 1_000, short), "other": replay_bids(short.pctr * 10, short)}
        table = bid_table(short, few, baseline="one")
        assert table["verdict"][1] == "not enough evidence"
        assert "5 episodes" in table["reason"][1]

    def test_paired_intervals_cover_the_difference(self):
        ends = []
        for seed in range(TRIALS):
            log = auctions(1_200, 30, seed)
            replays = {"one": replay_bids(log.pctr * 2_000, log), "other": replay_bids(log.pctr * 600, log)}
            row = bid_table(log, replays, baseline="one").row(1, named=True)
            ends.append((row["difference_low"], row["difference_high"]))
        assert_covers(*np.transpose(ends), TRUE_DIFFERENCE)

    def test_the_spend_curve_ends_at_the_spend_share(self):
        log = auctions()
        replays = {"a": replay_bids(log.pctr * 800, log)}
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


def test_a_baseline_that_is_no_bidder_is_named():
    log = auctions(100, 2)
    with pytest.raises(DataError, match="baseline 'x'"):
        bid_table(log, {"a": replay_bids(np.ones(100), log)}, baseline="x")


def true_difference():
    """The mean difference of the two bidders per episode over many auctions."""
    log = auctions(600_000, 15_000, 12_345)
    one, other = (replay_bids(log.pctr * rate, log).won @ log.value for rate in (2_000, 600))
    return (other - one) / 15_000


TRUE_DIFFERENCE = true_difference()
