"""`adcli evaluate policy` as a user runs it: policies of every kind, slates, groups, and bad input."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from logged_world import LoggedWorld
from told import rows

SHARES = [0.5, 0.3, 0.2]
CHOSEN = [0.2, 0.3, 0.5]
RATES = np.array([0.05, 0.1, 0.2])


def slate_log(slates=1_500, seed=0):
    """Slates of three positions, each filled by the same shares; the third item is the best by far."""
    rng = np.random.default_rng(seed)
    action = rng.choice(3, (slates, 3), p=SHARES)
    click = rng.random((slates, 3)) < RATES[action] * [1, 0.5, 0.3]
    return pl.DataFrame(
        {
            "request": np.repeat([f"s{number}" for number in range(slates)], 3),
            "position": np.tile([1, 2, 3], slates),
            "item_id": np.array(["a", "b", "c"])[action].ravel(),
            "propensity": np.array(SHARES)[action].ravel(),
            "click": click.astype(int).ravel(),
            "device": np.repeat(rng.choice(["desktop", "mobile"], slates), 3),
        }
    )


@pytest.fixture
def log(tmp_path):
    slate_log().write_csv(tmp_path / "log.csv")
    table = pl.DataFrame({"item_id": ["a", "b", "c"], "probability": CHOSEN})
    table.write_csv(tmp_path / "chosen.csv")
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "brand": ["ours", "ours", "theirs"], "x": [1, 2, 9]})
    items.write_csv(tmp_path / "items.csv")
    return tmp_path


def test_a_table_of_probabilities_is_a_policy_and_stays_out_of_the_accounting(adcli, log):
    done = adcli("evaluate", "policy", "chosen.csv", "log.csv", "--items", "items.csv")
    headline = next(row for row in rows(done) if row["headline"])
    truth = float(np.dot(CHOSEN, RATES)) * 1.8 / 3
    assert headline["policy"] == "chosen.csv"
    assert headline["ci_low"] < truth < headline["ci_high"]
    assert headline["verdict"] == "better"
    assert "4,500 read = 4,500 used + 0 rejected" in done.said
    assert "chosen.csv: 3 rows read as probabilities beside the others." in done.said


FIXTURES = Path(__file__).parents[1] / "evaluate" / "off_policy" / "fixtures"
OBP_NAMES = {
    "ips": "ips", "snips": "snips", "dm": "dm", "dr": "dr", "sndr": "sndr", "switch-dr=1": "switch-dr 1",
    "switch-dr=100": "switch-dr 100", "dros=1": "dros 1", "dros=100": "dros 100",
    "clipped-ips=3": "clipped-ips 3",
}  # fmt: skip


@pytest.mark.parametrize("campaign", ["all", "men"])
def test_with_its_policy_and_reward_model_given_the_figures_are_those_of_obp(adcli, tmp_path, campaign):
    published = json.loads((FIXTURES / "obp_values.json").read_text())[campaign]
    with np.load(FIXTURES / f"obp_{campaign}.npz") as held:
        policy, action = held["policy"], held["action"]
        pl.DataFrame(
            {
                "item_id": action.astype(int),
                "position": held["position"].astype(int),
                "click": held["reward"].astype(int),
                "propensity_score": np.full(action.size, 1 / policy.shape[0]),
                "target": policy[action, held["position"]],
                "q_logged": held["q_logged"],
                "q_policy": held["q_policy"],
            }
        ).write_csv(tmp_path / "obd.csv")
    asked = [part for name in OBP_NAMES for part in ("--estimator", name)]
    own_model = ["--expected-logged", "q_logged", "--expected-policy", "q_policy"]
    found = rows(adcli("evaluate", "policy", "--target-column", "target", *own_model, *asked, "obd.csv"))
    assert {OBP_NAMES[row["estimator"]]: row["value"] for row in found} == pytest.approx(published, rel=1e-9)
    assert {row["verdict"] for row in found} == {"not enough evidence"}
    for row in found:
        assert row["ci_low"] <= row["value"] <= row["ci_high"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["uniform", "log.csv", "--expected-logged", "position"], "--expected-policy for each"),
        (["--target-column", "propensity", "--expected-policy", "position", "log.csv"], "--expected-logged"),
        (["uniform", "log.csv", "--estimator", "snips=2"], "'snips' has no parameter"),
        (["uniform", "log.csv", "--estimator", "dros=much"], "a number above 0"),
    ],
)
def test_a_model_or_parameter_that_cannot_be_meant_is_refused(adcli, log, options, said):
    done = adcli("evaluate", "policy", *options)
    assert done.returncode == 2
    assert said in " ".join(done.said.split())


def test_whole_slates_are_valued_by_the_columns_that_are_named(adcli, log):
    done = adcli(
        "evaluate", "policy", "chosen.csv", "log.csv", "--slate", "request", "--position", "position",
        "--report", "page.html",
    )  # fmt: skip
    found = {row["estimator"]: row for row in rows(done)}
    truth = float(np.dot(CHOSEN, RATES)) * 1.8
    assert list(found) == ["iips", "rips", "cascade-dr", "sips"]
    assert all(row["ci_low"] < truth < row["ci_high"] and row["n"] == 1_500 for row in found.values())
    assert [row["estimator"] for row in found.values() if row["headline"]] == ["cascade-dr"]
    assert "per slate" in found["rips"]["reason"]
    assert "clicks per slate" in (log / "page.html").read_text()


def test_a_slate_column_of_the_standard_name_is_recognised(adcli, log):
    renamed = slate_log().rename({"request": "slate_id"})
    done = adcli("evaluate", "policy", "chosen.csv", "-", "--estimator", "rips", stdin=renamed.write_csv())
    assert rows(done)[0]["n"] == 1_500
    done = adcli("evaluate", "policy", "chosen.csv", "-", stdin=renamed.write_csv())
    assert "The log holds slates" in done.said


def test_several_policies_are_compared_with_risk(adcli, log):
    done = adcli(
        "evaluate", "policy", "chosen.csv", "log.csv", "--also", "uniform", "--also", "logged",
        "--report", "page.html",
    )  # fmt: skip
    ranked = {row["policy"]: row for row in rows(done) if row["headline"]}
    assert [ranked[name]["rank"] for name in ("chosen.csv", "uniform", "logged")] == [1, 2, None]
    assert ranked["uniform"]["worst_low"] < ranked["uniform"]["worst"] < ranked["uniform"]["best"]
    assert ranked["uniform"]["sharpe_ratio"] > 0
    assert "Risk of a shortlist" in (log / "page.html").read_text()


def test_value_and_exposure_by_group_with_a_sentence_on_each_gap_that_stands(adcli, log):
    done = adcli(
        "evaluate", "policy", "chosen.csv", "log.csv", "--items", "items.csv", "--by", "device",
        "--by", "brand", "--by", "position", "--report", "page.html",
    )  # fmt: skip
    found = rows(done)
    cells = {(row["metric"], row["by"], row["group"]): row for row in found if row["group"]}
    assert [row["metric"] for row in found if not row["group"]] == ["value"] * 4
    assert cells["exposure", "brand", "theirs"]["value"] == pytest.approx(0.5)
    assert cells["value", "device", "mobile"]["verdict"] == "better"
    assert {group for metric, by, group in cells if by == "placement"} == {"1", "2", "3"}
    assert "'position' is read as placement." in done.said
    assert "chosen.csv, by brand: 'theirs' is shown more often: 50.0% of impressions instead of" in done.said
    assert "Exposure by brand" in (log / "page.html").read_text()


def test_groups_of_actions_by_a_column_or_by_clusters_come_with_a_diagnostic(adcli, log):
    for groups in ("brand", "2"):
        done = adcli(
            "evaluate", "policy", "chosen.csv", "log.csv", "--items", "items.csv", "--action-groups", groups
        )
        found = {row["estimator"]: row for row in rows(done)}
        assert found["mips"]["groups"] == found["offcem"]["groups"] == 2
        assert found["mips"]["group_error"] < 4
        assert found["ips"]["groups"] is None
        assert found["mips"]["group_p_value"] < 0.01  # a and b are one group and earn differently
        assert "earn differently" in found["mips"]["reason"]


def test_estimated_propensities_speak_no_verdict_and_say_so_everywhere(adcli, log):
    slate_log().drop("propensity").write_csv(log / "silent.csv")
    done = adcli("evaluate", "policy", "chosen.csv", "silent.csv")
    assert done.returncode == 3
    assert "--estimate-propensities" in done.said
    done = adcli(
        "evaluate", "policy", "chosen.csv", "silent.csv", "--estimate-propensities", "-o", "value.csv",
        "--report", "page.html", "--by", "device",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "warning: the log states no propensities" in done.said
    found = pl.read_csv(log / "value.csv")
    assert set(found["verdict"]) == {"not enough evidence"}
    assert found["reason"].str.contains("propensities were estimated").sum() == found.height
    assert json.loads((log / "value.csv.meta.json").read_text())["propensities_estimated"] is True
    assert "The log states no propensities." in (log / "page.html").read_text()


def test_conservative_intervals_say_so(adcli, log):
    done = adcli("evaluate", "policy", "chosen.csv", "log.csv", "--interval", "bernstein")
    assert {row["interval"] for row in rows(done)} == {
        "bernstein (conservative)",
        "bernstein, of dr (conservative)",
        "skew",
    }


def changed(column, value):
    """The log with one value of its sixth row replaced."""
    return slate_log(100).with_columns(
        pl.when(pl.int_range(pl.len()) == 5).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        (changed("propensity", 1.7), [], "1 rows were rejected for their propensity"),
        (changed("propensity", 0.0), [], "1 rows were rejected for their propensity"),
        (changed("click", float("nan")), [], "1 rows were rejected for their click"),
        (changed("propensity", None), [], "'propensity' is missing or not a number in 1 impressions"),
        (slate_log(100).with_columns(revenue=pl.lit("NaN")), ["--reward", "revenue"], "revenue"),
        (slate_log(100).head(0), [], "The log has no impressions."),
        (slate_log(100).with_columns(item_id=pl.lit("x") + pl.col("item_id")), [], "0 of its 3 actions"),
        (changed("position", None), ["--slate", "request"], "'placement' is missing in 1 impressions"),
        (slate_log(9)[[0, 2]], ["--slate", "request"], "'s0' has none at '2'"),
        (slate_log(9).drop("position"), ["--slate", "request"], "Name it with --position."),
        (slate_log(9), ["--estimator", "rips"], "Name it with --slate."),
        (slate_log(9), ["--by", "devise"], "Did you mean 'device'?"),
        (slate_log(9), ["--action-groups", "brand"], "table of items"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value if isinstance(value, str) else "",
)  # fmt: skip
def test_bad_input_is_one_sentence(adcli, log, frame, options, said):
    if "--slate" in options and frame.height == 2:
        frame = pl.concat([frame, slate_log(9)[3:]])
    done = adcli("evaluate", "policy", "chosen.csv", "-", *options, stdin=frame.write_csv())
    assert done.returncode == 3, done.said
    assert said in done.said
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("item_id,probability\na,0.2\nb,0.3\nc,0.6\n", "sum to 1.1000, not to 1"),
        ("item_id,probability\na,0.2\nb,0.3\nc,1.5\n", "outside 0 to 1"),
        ("item_id,probability\na,0.2\na,0.3\nc,0.5\n", "twice in the same context"),
        ("item_id,position,probability\na,1,0.5\nb,1,0.5\n", "such as those with placement 2"),
        ("item_id,chance\na,1\n", "it lacks probability"),
    ],
)
def test_a_table_that_is_no_policy_is_one_sentence(adcli, log, table, said):
    (log / "odd.csv").write_text(table)
    done = adcli("evaluate", "policy", "odd.csv", "log.csv")
    assert done.returncode == 3, done.said
    assert said in done.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chosen.csv", "log.csv", "--estimator", "rips", "--estimator", "ips"], "one kind at a time"),
        (["chosen.csv", "log.csv", "--slate", "request", "--by", "device"], "not of slates"),
        (["chosen.csv", "log.csv", "--also", "chosen.csv"], "named twice"),
        (["chosen.csv", "log.csv", "--estimator", "mips"], "--action-groups"),
        (["--target-column", "propensity", "log.csv", "--estimator", "dr"], "only the probability of the logged"),
        (["chosen.csv", "log.csv", "--interval", "boot"], "bootstrap"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(adcli, log, arguments, said):
    done = adcli("evaluate", "policy", *arguments)
    assert done.returncode == 2, done.said
    assert said in " ".join(done.said.split())


def test_the_same_run_gives_the_same_bytes(adcli, tmp_path):
    world = LoggedWorld(rate=0.08)
    world.log(3_000, users=400).write_parquet(tmp_path / "log.parquet")
    for name in ("a", "b"):
        done = adcli(
            "evaluate", "policy", "uniform", "log.parquet", "--also", "logged", "--by", "segment",
            "--interval", "bootstrap", "-o", f"{name}.csv", "--report", f"{name}.html",
            env={"PYTHONHASHSEED": name.replace("a", "1").replace("b", "2")},
        )  # fmt: skip
        assert done.returncode == 0, done.said
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    same = [(tmp_path / f"{name}.html").read_text().replace(f"{name}.", "") for name in ("a", "b")]
    assert same[0] == same[1]


@pytest.mark.parametrize("name", ["random_men", "bts_all"])
def test_no_comparison_on_the_small_open_bandit_logs_has_enough_evidence(adcli, shared_data, name):
    items = shared_data / f"bandit/obd_item_context_{name.partition('_')[2]}.csv"
    done = adcli(
        "evaluate", "policy", "uniform", shared_data / f"bandit/obd_{name}.csv.gz", "--items", items,
        "--action-groups", "3", "--by", "position", "--estimator", "snips", "--estimator", "dr",
        "--estimator", "mips", "--estimator", "offcem",
    )  # fmt: skip
    found = [row for row in rows(done) if row["metric"] == "value"]
    assert {row["verdict"] for row in found} <= {"not enough evidence", "no difference found"}
    overall = [row for row in found if row["verdict"] == "not enough evidence"]
    assert overall
    assert sum("would show" in row["reason"] or "mips" in row["reason"] for row in overall) >= 2
