"""`adcli evaluate` as a user runs it, on files made here."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from told import rows

START = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def impressions(tmp_path):
    """Ten days of impressions with a click rate that rises."""
    rng = np.random.default_rng(0)
    n = 12_000
    hours = rng.uniform(0, 240, n)
    click = rng.random(n) < 0.05 * 1.1 ** (hours // 24)
    pl.DataFrame(
        {
            "event_time": [START + timedelta(hours=float(h)) for h in hours],
            "user_id": [f"u{u}" for u in rng.integers(0, 400, n)],
            "Gadget": rng.choice(["web", "app"], n),
            "item_id": ["i"] * n,
            "click": click.astype(int),
            "cost": click * 0.25,
        }
    ).write_parquet(tmp_path / "log.parquet")
    return "log.parquet"


def test_rates_by_day_with_their_trend_in_rows_a_page_and_a_tracker(adcli, impressions, tmp_path):
    done = adcli(
        *("evaluate", "rates", impressions, "--by", "day", "--trend", "--metric", "ctr"),
        *("-o", "days.csv", "--report", "days.html", "--plots", "plots", "--track", "tensorboard"),
    )
    assert done.returncode == 0, done.said
    table = pl.read_csv(tmp_path / "days.csv")
    trend = table.filter(pl.col("metric") == "ctr_trend").row(0, named=True)
    assert trend["day"] is None
    assert trend["ci_low"] < 0.1 < trend["ci_high"]
    assert trend["verdict"] == "better"
    assert table.filter(pl.col("metric") == "ctr").height == 10
    page = (tmp_path / "days.html").read_text()
    assert page.index("The CTR (click-through rate) rises by") < page.index("Rates with their 95")
    assert (tmp_path / "plots/ctr_by_day.svg").exists()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logged = EventAccumulator(str(tmp_path / "runs/days"))
    logged.Reload()
    assert "ctr_trend/value" in logged.Tags()["scalars"]


def test_a_comparison_names_a_column_as_its_file_does(adcli, impressions):
    found = rows(adcli("evaluate", "rates", impressions, "--by", "Gadget", "--compare", "--metric", "cpm"))
    assert {row["metric"] for row in found} == {"cpm"}
    assert {row["group"] for row in found} == {"Gadget=app", "Gadget=web", "Gadget: largest gap"}


def test_a_plan_with_looks_and_arms(adcli):
    plan = ("evaluate", "ab", "--plan", "--baseline", "0.02", "--relative-effect", "0.1")
    plain, planned = rows(adcli(*plan))[0], rows(adcli(*plan, "--looks", "5", "--arms", "3"))[0]
    assert plain["units"] == 2 * 80_638
    assert planned["units_control"] > plain["units_control"]
    assert "3 arms, 5 looks" in planned["definition"]
    assert "alpha shared by 2 comparisons" in planned["definition"]


def test_the_effect_in_each_segment_has_a_page(adcli, tmp_path):
    rng = np.random.default_rng(1)
    n = 6_000
    arm = rng.choice(["control", "new"], n)
    pl.DataFrame(
        {
            "variant": arm,
            "tier": rng.choice(["north", "south", "west"], n),
            "visit": (rng.random(n) < np.where(arm == "new", 0.3, 0.2)).astype(int),
        }
    ).write_csv(tmp_path / "units.csv")
    done = adcli(
        *("evaluate", "ab", "units.csv", "--metric", "visit", "--segment", "tier"),
        *("--report", "s.html", "-o", "s.csv"),
    )
    assert done.returncode == 0, done.said
    assert set(pl.read_csv(tmp_path / "s.csv")["verdict"]) == {"better"}
    page = (tmp_path / "s.html").read_text()
    assert "on visit against control by tier: +" in page
    assert "(north); +" in page
    refused = adcli("evaluate", "ab", "units.csv", "--metric", "visit", "--segment", "tier", "--look", "0.5")
    assert refused.returncode == 2


def test_bidders_campaign_by_campaign_with_a_budget_each(adcli, tmp_path):
    rng = np.random.default_rng(2)
    pctr = rng.beta(2, 40, 4_000)
    pl.DataFrame(
        {
            "campaign_id": np.repeat(["a", "b"], 2_000),
            "episode": np.arange(4_000) // 50,
            "market_price": rng.gamma(2, 30, 4_000).round(),
            "click": (rng.random(4_000) < pctr).astype(int),
            "pctr": pctr,
        }
    ).write_csv(tmp_path / "auctions.csv")
    (tmp_path / "a.json").write_text('{"cost_train": 6000, "imp_train": 100, "clk_train": 5}')
    found = rows(
        adcli(
            *("evaluate", "bids", "auctions.csv", "--totals", "a=a.json"),
            *("--budget-share", "0.05", "--budget-share", "b=0.5", "--report", "bids.html"),
        )
    )
    cost = {(row["campaign_id"], row["bidder"]): row["cost"] for row in found}
    assert cost["all", "mcpc"] == pytest.approx(cost["a", "mcpc"] + cost["b", "mcpc"])
    assert cost["b", "mcpc"] > 3 * cost["a", "mcpc"]
    assert "linear against mcpc, campaign a" in (tmp_path / "bids.html").read_text()
    wrong = adcli("evaluate", "bids", "auctions.csv", "--budget-share", "c=0.5")
    assert wrong.returncode == 2
    assert "there is no campaign 'c'" in wrong.said


def test_auctions_none_of_which_can_be_used_are_said_to_be_none(adcli, tmp_path):
    (tmp_path / "auctions.csv").write_text("campaign_id,market_price,click,pctr\na,-3,0,0.1\na,-1,1,0.2\n")
    wrong = adcli("evaluate", "bids", "auctions.csv")
    assert wrong.returncode == 3
    assert "There are no auctions" in wrong.said


def test_scores_before_and_after_a_perturbation(adcli, tmp_path):
    pl.DataFrame(
        {
            "item_id": [f"p{i}" for i in range(120)],
            "title": [f"blue shirt {i}" for i in range(120)],
            "price": np.linspace(1, 50, 120),
            "click": [int(i % 5 > 2) for i in range(120)],
        }
    ).write_parquet(tmp_path / "rows.parquet")
    done = adcli(
        *("evaluate", "model", "rows.parquet", "--perturb-text", "title", "--perturb-number", "price"),
        *("-o", "to_score.parquet"),
    )
    assert done.returncode == 0, done.said
    made = pl.read_parquet(tmp_path / "to_score.parquet")
    capitals = pl.col("title").str.count_matches("[A-Z]")
    made.with_columns(score=(pl.col("price").cast(pl.Float64) + 5 * capitals) / 200).write_parquet(
        tmp_path / "scored.parquet"
    )
    found = {
        (row["metric"], row["group"]): row["value"]
        for row in rows(
            adcli("evaluate", "model", "scored.parquet", "--score", "score", "--report", "m.html")
        )
    }
    assert found["score_change", "upper case"] == pytest.approx(0.225)
    assert found["score_change", "doubled spaces"] == 0
    assert ("auc", "all") in found
    assert ("auc_change", "numbers off by 5%") in found
    assert "Robustness" in (tmp_path / "m.html").read_text()


def test_measures_of_ads_are_held_against_their_clicks(adcli, tmp_path):
    ads = [
        {"ad_id": str(i), "item_id": str(i), "channel": "google-search", "text": "very " * i + "good rug"}
        for i in range(20)
    ]
    (tmp_path / "ads.jsonl").write_text("\n".join(map(json.dumps, ads)))
    shown = [(str(i), int(k < 20 - i)) for i in range(20) for k in range(40)]
    pl.DataFrame(shown, schema=["ad_id", "click"], orient="row").write_csv(tmp_path / "log.csv")
    found = {
        row["group"]: row["value"]
        for row in rows(adcli("evaluate", "ads", "ads.jsonl", "--impressions", "log.csv"))
        if row["metric"] == "spearman"
    }
    assert found["ctr ~ words"] == pytest.approx(-1)


def test_ads_are_compared_token_by_token_with_their_references(adcli, tmp_path):
    ads = [
        {"ad_id": "1", "item_id": "a", "channel": "google-search", "text": "A red wool rug.", "reference": "A red wool rug."},
        {"ad_id": "2", "item_id": "b", "channel": "google-search", "text": "A mug.", "reference": "Steel bottle, 750 ml"},
    ]  # fmt: skip
    (tmp_path / "ads.jsonl").write_text("\n".join(map(json.dumps, ads)))
    found = {row["metric"]: row for row in rows(adcli("evaluate", "ads", "ads.jsonl", "--no-cache"))}
    assert 0.5 < found["bert_score"]["value"] < 0.95
    assert "no idf weights, not rescaled to a baseline" in found["bert_score"]["definition"]
    assert found["rouge_1"]["value"] == pytest.approx(0.5)


UNITS = "unit_id,variant,visit,clicks,impressions\n"


@pytest.mark.parametrize(
    ("content", "metric", "said"),
    [
        (UNITS + "1,a,1,-1,2\n2,b,0,0,2\n", "clicks", "'clicks' counts, but is negative in 1"),
        (UNITS + "1,a,yes please,1,2\n2,b,0,0,2\n", "visit", "no number, the first 'yes please'"),
    ],
)
def test_units_that_no_test_can_use(adcli, tmp_path, content, metric, said):
    (tmp_path / "units.csv").write_text(content)
    done = adcli("evaluate", "ab", "units.csv", "--metric", metric, "-q")
    assert done.returncode == 3
    assert said in done.said
    assert done.said.count("\n") == 1


def test_an_evaluation_ends_with_its_answer_and_names_every_file(adcli, tmp_path):
    rows = [f"{number},{'ab'[number % 2]},{int(number % 5 <= number % 2)}" for number in range(3_000)]
    (tmp_path / "units.csv").write_text("\n".join(["unit_id,variant,click", *rows]))
    done = adcli(
        *("evaluate", "ab", "units.csv", "--metric", "click", "--control", "a"),
        *("-o", "effects.csv", "--report", "page.html", "--plots", "plots"),
    )
    answer, closing = done.stderr.decode().splitlines()[-2:]
    assert answer.startswith("better: b raises click")
    for name in ("effects.csv", "page.html", "plots/effects.svg", "plots/effects.png"):
        assert name in closing


def test_private_rates_keep_account_of_what_was_spent(adcli, impressions, tmp_path):
    private = ("evaluate", "rates", impressions, "--private", "1.5", "--metric", "ctr")
    for output in ("one.csv", "two.csv"):
        done = adcli(*private, "-o", output, "--report", "page.html")
        assert done.returncode == 0, done.said
    account = json.loads((tmp_path / f"{impressions}.privacy.json").read_text())
    assert account["epsilon"] == 3
    assert len(account["releases"]) == 2
    counts = ["numerator", "denominator"]
    one, two = (pl.read_csv(tmp_path / name).select(counts) for name in ("one.csv", "two.csv"))
    assert not one.equals(two)  # the noise of clicks and of impressions
    refused = adcli(*private, "--privacy-budget", "4")
    assert refused.returncode == 2
    assert "--privacy-budget 4" in refused.said
    assert not refused.text
    assert "12,000" not in (tmp_path / "page.html").read_text()


def test_errors_name_the_option_as_it_is_typed_and_list_what_it_could_be(adcli, impressions, tmp_path):
    steps = ("--funnel", "--step", "view", "--step", "cart")
    pl.DataFrame({"event_time": [START], "user_id": ["u"], "event_type": ["click"]}).write_csv(
        tmp_path / "events.csv"
    )
    done = adcli("evaluate", "rates", "events.csv", *steps)
    assert done.returncode == 3
    assert "--step: a funnel needs two steps, and of view, cart the log has none. Its event" in done.said
    done = adcli("evaluate", "policy", "nowhere", impressions)
    assert done.returncode == 2
    assert "error: 'nowhere' is no policy" in done.said
    units = {"variant": ["a", "b"], "name": ["x", "y"], "visit": [0, 1], "spend": [0.5, 2.0]}
    pl.DataFrame(units).write_csv(tmp_path / "units.csv")
    done = adcli("evaluate", "ab", "units.csv")
    assert done.returncode == 2
    assert "Name one with --metric; these could be: visit, spend." in done.said


def test_figures_and_a_page(adcli, tmp_path):
    rng = np.random.default_rng(0)
    vectors = (np.repeat(np.eye(8)[:4], 20, axis=0) + rng.normal(scale=0.1, size=(80, 8))).astype(np.float32)
    pl.DataFrame(
        {
            "id": [f"p{row}" for row in range(80)],
            "kind": ["product"] * 80,
            "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, 8)),
            "category": [f"g{row // 20}" for row in range(80)],
        }
    ).write_parquet(tmp_path / "v.parquet")
    start = datetime(2024, 5, 1, tzinfo=UTC)
    pl.DataFrame(
        [
            (start + timedelta(hours=hour), f"u{user}", "view", f"p{20 * (user % 4) + rng.integers(0, 20)}")
            for user in range(40)
            for hour in range(6)
        ],
        schema=["event_time", "user_id", "event_type", "item_id"],
        orient="row",
    ).write_parquet(tmp_path / "e.parquet")
    done = adcli(
        *("evaluate", "embeddings", "v.parquet", "--events", "e.parquet"),
        *("-k", "3", "--report", "p.html", "-o", "f.csv"),
    )
    assert done.returncode == 0, done.said
    figures = pl.read_csv(tmp_path / "f.csv")
    assert figures.columns == ["metric", "group", "value", "ci_low", "ci_high", "queries", "definition"]
    assert {"next_item_recall@3", "same_category_mrr", "uniformity"} <= set(figures["metric"])
    assert "Neighbours to look at" in (tmp_path / "p.html").read_text()
    done = adcli("evaluate", "embeddings", "v.parquet", "--events", "e.parquet", "--since", "soon")
    assert done.returncode == 2
    assert "expected a time" in done.said
