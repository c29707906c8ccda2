"""The pacer in regimes that change, and learned bidders on real auctions, beside the rules that others use.

python -m pytest -s -m benchmark tests/benchmarks/optimize
"""

import json
import time
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from first_price_worlds import SHAPES, share_of_oracle, win_lose_log
from pacing_worlds import UNSEEN, pacing_world, short_episodes

from adcli.bidding.auctions import read_auctions
from adcli.bidding.dynamic_program import DynamicProgram
from adcli.bidding.market import Market, market_of
from adcli.bidding.pacer import Pacer
from adcli.bidding.pacing_rules import DualDescent, Pid
from adcli.bidding.prices import Prices, read_prices
from adcli.bidding.replay import clairvoyant, replay
from adcli.bidding.shading import Shading
from adcli.evaluate.bids.table import evaluate_bids
from adcli.optimize.bid_learning import learn_bidder, learn_bidders

pytestmark = pytest.mark.benchmark

RULES = {"pacer": Pacer, "dual descent": DualDescent, "PID": Pid}
GOALS = {"stationary": 0.998, "daily cycle": 0.993, "price doubling": 0.990, "value drift": 0.970}
RUNS = 12
CAMPAIGNS = ("1458", "2259", "2821", "2997", "3358", "3386")


@pytest.mark.parametrize("kind", [*GOALS, "price bursts"])
def test_share_of_hindsight(kind):
    shares = {name: [] for name in RULES}
    started = time.process_time()
    for seed in range(RUNS):
        market = market_of(pacing_world("stationary", seed + 1_000))
        log = pacing_world(kind, seed)
        bound = clairvoyant(log).won @ log.value
        for name, rule in RULES.items():
            shares[name].append(replay(rule(market), log).won @ log.value / bound)
    means = {name: float(np.mean(of)) for name, of in shares.items()}
    told = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
    print(f"\n{kind}: {told}; {time.process_time() - started:.1f} CPU-s")
    assert means["pacer"] >= GOALS.get(kind, 0)
    assert means["pacer"] > max(means["dual descent"], means["PID"])


@pytest.mark.parametrize("kind", UNSEEN)
def test_regimes_that_nobody_tuned_on(kind):
    """`auto` on short and long episodes beside the rules that others use."""
    for length, world in (("short", short_episodes), ("long", pacing_world)):
        shares = {name: [] for name in ("auto", "pacer", "dual", "pid")}
        for seed in range(RUNS // 2):
            history, log = world("stationary", seed + 1_000), world(kind, seed)
            prices = Prices(float(history.price.sum()), history.price.size, 1.0)
            chosen = learn_bidder(history, prices).chosen
            bound = clairvoyant(log).won @ log.value
            for name in shares:
                one = chosen if name == "auto" else chosen._replace(kind=name)
                shares[name].append(replay(one.bidder(), log).won @ log.value / bound)
        means = {name: float(np.mean(of)) for name, of in shares.items()}
        told = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
        print(f"\n{kind}, {length} episodes: {told}", end="")
        assert means["auto"] > max(means["dual"], means["pid"])


class Rlb(DynamicProgram):
    """RLB (Cai et al., 2017): the program for auctions that are all worth the mean."""

    def __init__(self, market):
        super().__init__(market._replace(pctr=np.full_like(market.pctr, market.pctr.mean())))

    def _level(self):
        return self._log_level  # not by what was seen lately


class Peer(NamedTuple):
    """A peer where a learned bidder is asked for."""

    market: Market

    def bidder(self):
        return Rlb(self.market)


def test_share_of_the_clairvoyant_on_ipinyou(shared_data):
    """Learned on even episodes, played on odd ones, each with 1/32 of what they would cost."""
    totals = {name: shared_data / f"rtb/ipinyou_{name}.info.json" for name in CAMPAIGNS}
    prices = {name: read_prices(json.loads(path.read_text())) for name, path in totals.items()}
    table = pl.read_csv(shared_data / "rtb/ipinyou_auctions_dev.csv.gz", infer_schema=False)
    table = table.rename({"advertiser": "campaign_id"})
    is_even = pl.col("episode").cast(pl.Int64) % 2 == 0
    shares = dict.fromkeys(CAMPAIGNS, 1 / 32)
    chosen = learn_bidders(table.filter(is_even), prices=prices, budget_shares=shares)
    learned = {"auto": {name: one.chosen for name, one in chosen.items()}}
    for kind in ("pacer", "dp", "dual", "pid"):
        learned[kind] = {name: one._replace(kind=kind) for name, one in learned["auto"].items()}
    learned["RLB"] = {name: Peer(one.market) for name, one in learned["auto"].items()}
    played = evaluate_bids(
        table.filter(~is_even), bidders=["mcpc", "linear", *learned], prices=prices, learned=learned
    ).table
    of = {
        name: rows.sort(pl.col("campaign_id").cast(pl.Int64))["predicted_value_share"].to_numpy()
        for (name,), rows in played.filter(pl.col("campaign_id") != "all").group_by("bidder")
    }
    for name, found in sorted(of.items(), key=lambda pair: -pair[1].mean()):
        print(f"\n{name:8s} {' '.join(f'{share:.3f}' for share in found)}  mean {found.mean():.4f}", end="")
    assert of["auto"].mean() >= 0.965
    assert (of["auto"] >= np.maximum(np.maximum(of["linear"], of["dual"]), of["RLB"]) - 0.01).all()
    assert (played["spend_share"] <= 1).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_first_price_surplus_learned_from_wins_and_losses(shape):
    shares = []
    for seed in range(RUNS):
        frame, _ = win_lose_log(shape, seed)
        shading = Shading(market_of(read_auctions(frame, budget_per_auction=1.0)))
        shares.append(share_of_oracle(lambda value, by=shading: by.bid(value, value / 100), shape, seed))
    half = share_of_oracle(lambda value: value / 2, shape, 0)
    print(
        f"\n{shape}, 10,000 wins and losses: {np.mean(shares):.4f} of the oracle; half the value {half:.3f}"
    )
    assert np.mean(shares) >= 0.97
