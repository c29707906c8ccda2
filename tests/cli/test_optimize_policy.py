"""`adcli optimize policy` and `apply` as a user runs them: products of actions, constraints, bad logs."""

import json

import numpy as np
import polars as pl
import pytest

RULES = """
budget = 260
stock = {b = 300}
exclusions = [{column = "seller", values = ["Y"], where = {device = ["mobile"]}}]
[minimum_exposure.seller]
Y = 0.2
"""


def log_of(n=1_500, seed=0):
    rng = np.random.default_rng(seed)
    item, place, device = rng.integers(0, 3, n), rng.integers(0, 2, n), rng.integers(0, 2, n)
    return pl.DataFrame(
        {
            "event_time": [
                f"2026-03-{1 + row // 60:02d}T{row // 60 % 24:02d}:{row % 60:02d}:00" for row in range(n)
            ],
            "item_id": np.array(["a", "b", "c"])[item],
            "placement": np.array(["top", "side"])[place],
            "device": np.array(["mobile", "desktop"])[device],
            "propensity": 1 / 6,
            "click": (rng.random(n) < 0.05 + 0.3 * (item == device) * (place == 0)).astype(int),
            "cost": 0.1 + 0.1 * item,
        }
    )


@pytest.fixture
def folder(tmp_path):
    log_of().write_csv(tmp_path / "log.csv")
    log_of().drop("item_id", "placement", "propensity", "click", "cost").write_csv(tmp_path / "contexts.csv")
    pl.DataFrame({"item_id": ["a", "b", "c"], "seller": ["X", "X", "Y"]}).write_csv(tmp_path / "items.csv")
    (tmp_path / "rules.toml").write_text(RULES)
    return tmp_path


def test_a_product_of_actions_within_constraints_is_learned_applied_and_valued(adcli, folder):
    done = adcli(
        "optimize", "policy", "log.csv", "--action", "item_id", "--action", "placement", "--context", "device",
        "--items", "items.csv", "--constraints", "rules.toml", "-o", "policy", "--report", "page.html",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    policy = json.loads((folder / "policy" / "policy.json").read_text())
    assert policy["propensities"] == "logged"
    achieved = {row["constraint"]: row for row in policy["obeyed"]}
    assert set(achieved) == {"budget", "minimum_exposure.seller.Y", "stock.b", "exclusions.Y"}
    assert achieved["budget"]["achieved_low"] < 260
    assert achieved["minimum_exposure.seller.Y"]["achieved"] >= 0.2 - 1e-4
    page = (folder / "page.html").read_text()
    assert "What it obeys" in page

    assert adcli("optimize", "apply", "policy", "contexts.csv", "-o", "decided.csv").returncode == 0
    decided = pl.read_csv(folder / "decided.csv")
    assert {"item_id", "placement", "propensity", "device"} <= set(decided.columns)
    cost = decided["item_id"].replace_strict({"a": 0.1, "b": 0.2, "c": 0.3})
    assert cost.sum() <= 260
    assert (decided["item_id"] == "c").sum() >= 0.2 * decided.height
    assert (decided["item_id"] == "b").sum() <= 300
    assert decided.filter(device="mobile", item_id="c").height == 0

    log = decided.with_columns(click=pl.lit(0), cost=cost)
    log[0, "click"] = 1
    log.write_csv(folder / "later.csv")
    valued = adcli("evaluate", "policy", "policy", "later.csv", "--estimator", "snips")
    row = json.loads(valued.text.splitlines()[0])
    assert "not drawn" not in valued.said
    assert row["verdict"] == "not enough evidence"  # and no complaint of the propensities
    assert row["mean_weight"] == pytest.approx(1, abs=0.2)


def test_a_log_without_propensities_is_learned_from_when_asked_and_flagged_ever_after(adcli, folder):
    log_of().drop("propensity").write_csv(folder / "bare.csv")
    assert "no propensities" in adcli("optimize", "policy", "bare.csv", "-o", "policy").said
    asked = ("--context", "device", "--estimate-propensities")
    done = adcli("optimize", "policy", "bare.csv", *asked, "-o", "policy")
    assert "they are estimated" in done.said
    assert "not enough evidence: Propensities are estimated" in done.said
    assert json.loads((folder / "policy" / "policy.json").read_text())["propensities"] == "estimated"
    valued = adcli("evaluate", "policy", "policy", "log.csv", "--estimator", "snips")
    assert "policy was learned with estimated propensities" in valued.said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_id": pl.lit("a")}, "shows 1 action"),
        ({"propensity": pl.lit(0.0)}, "propensity"),
        ({"propensity": pl.lit(1.5)}, "propensity"),
        ({"click": pl.lit(0)}, "no click"),
        ({"click": pl.lit(1)}, "every row"),
    ],
    ids=["one action", "propensity of 0", "propensity above 1", "no clicks", "only clicks"],
)
def test_a_log_that_cannot_teach_is_refused_in_a_sentence(adcli, folder, change, said):
    log_of().with_columns(**change).write_csv(folder / "bad.csv")
    done = adcli("optimize", "policy", "bad.csv", "-o", "policy")
    assert done.returncode in (2, 3), done.said
    assert said in done.said
    assert not (folder / "policy").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budgte = 3", "Did you mean 'budget'"),
        ("budget = 1", "The constraints collide: budget"),
        ("stock = {z = 3}", "no action of the log has 'z'"),
    ],
)
def test_constraints_that_cannot_be_obeyed_are_refused_in_a_sentence(adcli, folder, text, said):
    (folder / "bad.toml").write_text(text)
    done = adcli("optimize", "policy", "log.csv", "--constraints", "bad.toml", "-o", "policy")
    assert done.returncode == 3, done.said
    assert said in done.said
    assert not (folder / "policy").exists()


def test_an_empty_log_and_clicks_without_impressions_are_refused(adcli, folder):
    log_of().head(0).write_csv(folder / "empty.csv")
    assert adcli("optimize", "policy", "empty.csv", "-o", "policy").returncode == 3
    clicks = log_of().select("event_time", "item_id", event_type=pl.lit("click"), user_id=pl.lit("u1"))
    clicks.write_csv(folder / "clicks.csv")
    done = adcli("optimize", "policy", "clicks.csv", "-o", "policy")
    assert done.returncode == 3, done.said
    assert "impression" in done.said


def test_decisions_are_explained_and_a_context_that_is_missing_is_said(adcli, folder):
    rng = np.random.default_rng(1)
    log = log_of(4_000).with_columns(age=pl.Series(rng.normal(size=4_000)), propensity=pl.lit(1 / 3))
    log.write_csv(folder / "more.csv")
    done = adcli("optimize", "policy", "more.csv", "--context", "device", "--context", "age", "-o", "policy")
    assert "better" in done.said, done.said
    log.drop("item_id", "propensity", "click").head(50).write_csv(folder / "few.csv")
    done = adcli("optimize", "apply", "policy", "few.csv", "--explain", "--greedy", "--to", "ndjson")
    for line in done.text.splitlines():
        row = json.loads(line)
        parts = json.loads(row["explanation"])
        assert set(parts) == {"device", "age", "item_id"}
        assert row["score_base"] + sum(parts.values()) == pytest.approx(row["score"], abs=1e-6)
        assert row["propensity"] == 1
    log.select("age").head(50).write_csv(folder / "less.csv")
    done = adcli("optimize", "apply", "policy", "less.csv", "-o", "decided.csv")
    assert done.returncode == 0, done.said
    assert "learned with device, which this input lacks" in done.said
