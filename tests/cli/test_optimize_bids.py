"""`adcli optimize bids` and the replay of what it wrote, as a user runs them."""

import json

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def log(tmp_path):
    rng = np.random.default_rng(5)
    n = 12_000
    pctr = rng.beta(2, 40, n)
    frame = pl.DataFrame(
        {
            "campaign_id": np.repeat(["a", "b"], n // 2),
            "market_price": rng.gamma(2, 30, n).round(),
            "click": (rng.random(n) < pctr).astype(int),
            "pctr": pctr,
        }
    )
    frame.write_parquet(tmp_path / "auctions.parquet")
    return frame


def test_a_bidder_is_learned_and_replayed_on_runs_of_auctions(adcli, log, tmp_path):
    done = adcli("optimize", "bids", "auctions.parquet", "--episode", "500", "-o", "bidder")
    assert done.returncode == 0, done.said
    assert "Campaign a: " in done.said
    assert set(json.loads((tmp_path / "bidder/bidder.json").read_text())["predicted_value_shares"]) == {
        "a",
        "b",
    }
    bidders = ("--bidder", "bidder", "--bidder", "linear", "--bidder", "clairvoyant")
    played = adcli("evaluate", "bids", "auctions.parquet", *bidders, "--episode", "500")
    assert played.returncode == 0, played.said
    rows = {(row["campaign_id"], row["bidder"]): row for row in map(json.loads, played.text.splitlines())}
    assert rows["all", "bidder"]["predicted_value_share"] > 0.9
    assert rows["all", "clairvoyant"]["predicted_value_share"] == 1
    assert all(row["spend_share"] <= 1 for row in rows.values())
    one = rows["a", "bidder"]
    assert one["difference"] * 12 == pytest.approx(one["value"] - rows["a", "mcpc"]["value"])  # 12 episodes


def test_campaigns_that_share_a_budget_are_bid_for_as_one(adcli, log, tmp_path):
    """The dear campaign gets less, the cheap one more, than budgets of their own would give them."""
    dear = log.with_columns(
        market_price=pl.when(pl.col("campaign_id") == "b")
        .then(pl.col("market_price") * 5)
        .otherwise("market_price"),
        event_time=pl.Series([f"2026-01-01 00:{n // 60 % 60:02}:{n % 60:02}" for n in [*range(6_000)] * 2]),
    )
    dear.write_parquet(tmp_path / "dear.parquet")
    asked = ("dear.parquet", "--episode", "2000", "--budget-share", "0.1")
    assert adcli("optimize", "bids", *asked, "-o", "own").returncode == 0
    done = adcli("optimize", "bids", *asked, "--shared-budget", "-o", "shared")
    assert done.returncode == 0, done.said
    won = {}
    for name, how in (("own", ()), ("shared", ("--shared-budget",))):
        played = adcli("evaluate", "bids", *asked, *how, "--bidder", name)
        assert played.returncode == 0, played.said
        rows = [json.loads(line) for line in played.text.splitlines()]
        won[name] = next(row for row in rows if row["bidder"] == name and row["campaign_id"] == "all")
    assert won["shared"]["predicted_value"] > 1.1 * won["own"]["predicted_value"]
    assert won["shared"]["cost"] == pytest.approx(won["own"]["cost"], rel=0.05)
    log.drop("campaign_id").write_parquet(tmp_path / "one.parquet")
    assert adcli("optimize", "bids", "one.parquet", "--shared-budget", "-o", "x").returncode == 3


def test_what_cannot_be_learned_or_replayed_is_one_sentence(adcli, log, tmp_path):
    log.drop("pctr").write_parquet(tmp_path / "blind.parquet")
    assert adcli("optimize", "bids", "blind.parquet", "-o", "x").returncode == 3
    assert adcli("optimize", "bids", "auctions.parquet", "--bidder", "pacr", "-o", "x").returncode == 2
    assert adcli("optimize", "bids", "auctions.parquet", "--episode", "0", "-o", "x").returncode == 2
    assert not (tmp_path / "x").exists()
    assert adcli("optimize", "bids", "auctions.parquet", "--campaign", "a", "-o", "a").returncode == 0
    other = adcli("evaluate", "bids", "auctions.parquet", "--bidder", "a", "--episode", "500")
    assert other.returncode == 3
    assert "was not learned for the campaign 'b'" in other.said


def test_a_first_price_bidder_is_learned_from_wins_and_losses(adcli, log, tmp_path):
    bid = pl.Series(np.random.default_rng(1).gamma(3, 30, log.height))
    won = bid >= log["market_price"]
    records = log.drop("market_price").with_columns(
        bid=bid, won=won.cast(int), click=pl.when(won).then("click")
    )
    records.write_csv(tmp_path / "bids.csv")
    asked = ("bids.csv", "--price", "first", "--episode", "3000")
    done = adcli("optimize", "bids", *asked, "-o", "bidder")
    assert done.returncode == 0, done.said
    assert "drawn from the win curve" in done.said
    about = json.loads((tmp_path / "bidder/bidder.json").read_text())
    assert about["price"] == "first"
    assert about["prices_drawn"] == log.height
    played = adcli("evaluate", "bids", *asked, "--bidder", "bidder")
    assert played.returncode == 0, played.said
    rows = {(row["campaign_id"], row["bidder"]): row for row in map(json.loads, played.text.splitlines())}
    assert rows["all", "bidder"]["predicted_value"] > rows["all", "mcpc"]["predicted_value"]
    assert all(row["spend_share"] <= 1 for row in rows.values())
    refused = adcli("optimize", "bids", *asked, "--bidder", "dp", "-o", "x")
    assert refused.returncode == 2
    assert "second price only" in refused.said


def test_bidders_are_compared_on_predictions_where_no_clicks_are_logged(adcli, log, tmp_path):
    log.drop("click").write_parquet(tmp_path / "unclicked.parquet")
    played = adcli("evaluate", "bids", "unclicked.parquet", "--episode", "500")
    assert played.returncode == 0, played.said
    assert "its predicted click" in played.said


def test_limits_and_a_product_of_predictions_are_kept_and_asked_for(adcli, log, tmp_path):
    log.with_columns(pcvr=pl.lit(0.5)).write_parquet(tmp_path / "both.parquet")
    asked = ("both.parquet", "--episode", "500", "--budget-share", "0.5", "--prediction", "pctr*pcvr")
    done = adcli("optimize", "bids", *asked, "--max-bid", "40", "--target-cpa", "800", "-o", "bidder")
    assert done.returncode == 0, done.said
    (one, _) = json.loads((tmp_path / "bidder/bidder.json").read_text())["campaigns"]
    assert one["limits"] == {"max_bid": 40.0, "target_cost": 800.0}
    played = adcli("evaluate", "bids", *asked, "--bidder", "bidder")
    assert played.returncode == 0, played.said
    rows = [json.loads(line) for line in played.text.splitlines()]
    ours = next(row for row in rows if row["bidder"] == "bidder" and row["campaign_id"] == "a")
    assert ours["cost"] <= 800 * ours["predicted_value"] * (1 + 1e-9)
    other = adcli("evaluate", "bids", *asked[:-2], "--bidder", "bidder")
    assert other.returncode == 2
    assert "pctr*pcvr" in other.said
    for wrong in (("--max-bid", "0"), ("--target-cpa", "1", "--target-roas", "1")):
        assert adcli("optimize", "bids", *asked, *wrong, "-o", "x").returncode == 2
    missing = adcli("optimize", "bids", *asked[:-1], "pctr*pcv", "-o", "x")
    assert missing.returncode == 3
    assert "no column 'pcv'" in missing.said
    assert not (tmp_path / "x").exists()
