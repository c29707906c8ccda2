"""The table of policy values: right on a known truth, equal to known figures, and silent where it must be."""

import numpy as np
import polars as pl
import pytest
from logged_world import LoggedWorld
from open_bandit_log import open_bandit_log

from adcli.errors import DataError, UsageError
from adcli.evaluate.off_policy.estimates import ESTIMATORS
from adcli.evaluate.off_policy.table import TargetColumn, policy_value_table
from adcli.policies.actions import action_set
from adcli.policies.estimators import expected_clicks, matched_clicks
from adcli.policies.evidence import Gates
from adcli.policies.prepared import Question
from adcli.policies.table_policy import TablePolicy, policy_from_table

COLUMNS = [
    "policy",
    "estimator",
    "value",
    "ci_low",
    "ci_high",
    "std_error",
    "n",
    "matched_clicks",
    "effective_sample_size",
    "max_weight",
    "verdict",
    "reason",
]


def best_policy(world, share=0.8):
    """Shows the truly best item of each segment this often, the others evenly."""
    rows = [
        {
            "segment": segment,
            "item_id": item,
            "probability": share if best else (1 - share) / (len(world.items) - 1),
        }
        for number, segment in enumerate(world.segments)
        for item, best in zip(
            world.items,
            np.arange(len(world.items)) == world.click[number].mean(axis=0).argmax(),
            strict=True,
        )
    ]
    return policy_from_table(pl.DataFrame(rows), "best")


def headline(values):
    return values.table.filter("headline").row(0, named=True)


class TestKnownTruth:
    world = LoggedWorld(rate=0.08)

    @pytest.fixture(scope="class")
    @classmethod
    def better(cls):
        log = cls.world.log(20_000, seed=1)
        return policy_value_table(
            log, [best_policy(cls.world)], estimators=["ips", "snips", "dr", "sndr"]
        ).table

    def test_every_unbiased_estimator_finds_the_value_of_a_better_policy(self, better):
        truth = self.world.value(best_policy(self.world))
        for row in better.to_dicts():
            assert abs(row["value"] - truth) < 4 * row["std_error"], row["estimator"]
            assert row["verdict"] == "better"
            assert row["difference_low"] > 0

    def test_the_reward_model_narrows_the_interval(self, better):
        width = dict(zip(better["estimator"], better["ci_high"] - better["ci_low"], strict=True))
        assert width["dr"] < width["ips"]

    def test_a_worse_policy_is_called_worse(self):
        worst = best_policy(LoggedWorld(rate=0.08))
        flipped = TablePolicy(
            "worst",
            worst.actions,
            worst.by,
            worst.groups,
            (1 - worst.table) / (1 - worst.table).sum(axis=1, keepdims=True),
            0.0,
        )
        log = self.world.log(60_000, seed=2)
        truth = self.world.value(flipped) - self.world.logged_value
        row = headline(policy_value_table(log, [flipped]))
        assert truth < 0
        assert row["verdict"] == "worse"

    def test_the_same_policy_makes_no_difference(self):
        log = self.world.log(40_000, seed=3).with_columns(target="propensity")
        assert headline(policy_value_table(log, [TargetColumn("target")]))["verdict"] == "no difference found"
        assert headline(policy_value_table(log, ["logged"]))["verdict"] == "no difference found"

    def test_a_target_column_is_valued_as_the_policy_behind_it(self):
        policy = best_policy(self.world)
        log = self.world.log(5_000, seed=4)
        own = policy.probabilities(log)[np.arange(log.height), policy.actions.index(log)]
        given = log.with_columns(target=pl.Series(own.astype(float)))
        table = policy_value_table(
            given, [policy, TargetColumn("target")], Question(context=("segment",))
        ).table
        values = {(row["policy"], row["estimator"]): row["value"] for row in table.to_dicts()}
        assert values["target", "ips"] == pytest.approx(values["best", "ips"], rel=1e-6)
        assert values["target", "snips"] == pytest.approx(values["best", "snips"], rel=1e-6)
        assert ("target", "dr") not in values

    def test_users_widen_the_interval(self):
        log = self.world.log(8_000, seed=5, users=400)
        alone = policy_value_table(log.drop("user_id"), ["uniform"], estimators=["ips"]).table
        together = policy_value_table(log, ["uniform"], estimators=["ips"]).table
        assert together["value"][0] == alone["value"][0]
        assert together["std_error"][0] != alone["std_error"][0]

    def test_spend_comes_with_value_where_there_are_costs(self):
        costs = {item: 0.1 * (number + 1) for number, item in enumerate(self.world.items)}
        log = self.world.log(20_000, seed=6).with_columns(cost=pl.col("item_id").replace_strict(costs))
        row = headline(policy_value_table(log, ["uniform"]))
        assert row["spend_low"] < np.mean(list(costs.values())) < row["spend_high"]
        assert row["value_per_spend"] == pytest.approx(row["value"] / row["spend"], rel=0.1)

    def test_the_table_does_not_depend_on_how_it_is_chunked_or_run_again(self, monkeypatch):
        log = self.world.log(3_000, seed=7)
        first = policy_value_table(log, ["uniform"], estimators=list(ESTIMATORS)).table
        monkeypatch.setattr("adcli.policies.policy.CELLS_AT_ONCE", 1)
        again = policy_value_table(log, ["uniform"], estimators=list(ESTIMATORS)).table
        for column in ("value", "ci_low", "std_error"):
            assert first[column].to_list() == pytest.approx(again[column].to_list(), rel=1e-6)
        assert first["verdict"].to_list() == again["verdict"].to_list()


@pytest.mark.parametrize(
    ("method", "used"),
    [
        ("skew", {"skew"}),
        ("bootstrap", {"bootstrap"}),
        ("bernstein", {"bernstein (conservative)", "skew"}),
        ("clopper-pearson", {"skew"}),
        ("normal", {"normal"}),
    ],
)
def test_every_interval_holds_the_truth_and_says_which_it_is(method, used):
    world = LoggedWorld(rate=0.08)
    policy = best_policy(world)
    table = policy_value_table(
        world.log(10_000, seed=1), [policy], estimators=["ips", "snips", "dr"], method=method
    ).table
    assert set(table["interval"]) == used
    assert (table["ci_low"] < world.value(policy)).all()
    assert (table["ci_high"] > world.value(policy)).all()


def test_biased_estimates_have_the_interval_of_the_unbiased_one_they_depart_from():
    world = LoggedWorld(rate=0.08)
    table = policy_value_table(
        world.log(10_000, seed=1), [best_policy(world)], estimators=list(ESTIMATORS)
    ).table
    found = {row["estimator"]: row for row in table.to_dicts()}
    for name, unbiased in {"clipped-ips": "ips", "switch-dr": "dr", "dros": "dr", "dm": "dr"}.items():
        row, sure = found[name], found[unbiased]
        assert row["std_error"] == sure["std_error"]
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(
            (min(sure["ci_low"], row["value"]), max(sure["ci_high"], row["value"]))
        )
        assert row["interval"] == f"skew, of {unbiased} (conservative)"
        assert row["verdict"] == "not enough evidence"


def test_an_interval_of_too_few_clicks_says_that_it_is_rough():
    log = LoggedWorld(rate=0.01).log(400, seed=1)
    row = headline(policy_value_table(log, ["uniform"]))
    assert row["matched_clicks"] < 10
    assert row["interval"].endswith("(rough: fewer than 15 clicks)")


def test_clicks_that_miss_the_large_weights_are_fewer_than_they_look():
    weight = np.r_[np.full(990, 0.5), np.full(10, 50.0)]
    reward = np.zeros(1_000)
    reward[:30] = 1
    assert matched_clicks(reward, weight) == pytest.approx(30)
    assert expected_clicks(reward, weight) < 2
    assert expected_clicks(reward, np.ones(1_000)) == pytest.approx(30)


def test_sentences_have_the_unit_of_the_figures():
    log = LoggedWorld(rate=0.3).log(4_000, seed=1)
    said = headline(policy_value_table(log, ["uniform"]))["reason"]
    assert " per impression" in said
    assert " pp" in said
    money = log.with_columns(revenue=pl.col("click") * 12.5)
    assert " pp" not in headline(policy_value_table(money, ["uniform"], Question(reward="revenue")))["reason"]


def test_clopper_pearson_is_not_offered_where_users_come_again():
    log = LoggedWorld(rate=0.08).log(4_000, seed=1, users=200)
    table = policy_value_table(log, ["uniform"], estimators=["ips"], method="clopper-pearson").table
    assert table["interval"].to_list() == ["skew"]


class TestGates:
    world = LoggedWorld(rate=0.08)

    def test_few_clicks_say_so_and_what_would_be_enough(self):
        row = headline(policy_value_table(self.world.log(200, seed=1), ["uniform"]))
        assert row["verdict"] == "not enough evidence"
        assert "clicks (rate x effective sample size; at least 50)" in row["reason"]
        assert "impressions like these would show" in row["reason"]

    def test_propensities_that_are_not_those_of_the_log_are_found_out(self):
        log = self.world.log(20_000, seed=1).with_columns(propensity=pl.col("propensity") * 0.5)
        row = headline(policy_value_table(log, ["uniform"]))
        assert row["verdict"] == "invalid: propensities"

    def test_a_policy_that_shows_what_the_log_never_does_is_invalid(self):
        log = self.world.log(20_000, seed=1)
        policy = best_policy(self.world, share=0.6)
        seen = log.filter(pl.col("item_id") != policy.actions.frame["item_id"][int(policy.table[0].argmax())])
        row = headline(policy_value_table(seen, [policy]))
        assert row["verdict"] == "invalid: no support"
        assert row["unsupported"] > 0.05

    def test_the_direct_method_alone_gives_no_verdict(self):
        table = policy_value_table(self.world.log(20_000, seed=1), [best_policy(self.world)]).table
        row = table.filter(pl.col("estimator") == "dm").row(0, named=True)
        assert row["verdict"] == "not enough evidence"
        assert "dr" in row["reason"]

    def test_gates_can_be_set(self):
        log = self.world.log(20_000, seed=1)
        strict = headline(policy_value_table(log, ["uniform"], gates=Gates(min_clicks=1e6)))
        assert strict["verdict"] == "not enough evidence"

    def test_estimated_propensities_are_flagged(self):
        from adcli.policies.prepared import with_estimated_propensities

        log = self.world.log(20_000, seed=1)
        guessed = with_estimated_propensities(
            log.drop("propensity"), Question(context=("segment", "placement"))
        )
        assert np.corrcoef(guessed["propensity"], log["propensity"])[0, 1] > 0.7
        row = headline(policy_value_table(guessed, [best_policy(self.world)], Question(estimated=True)))
        assert row["verdict"] == "not enough evidence"
        assert "estimated" in row["reason"]


@pytest.mark.parametrize(
    ("name", "ips", "snips", "size"),
    [("bts_all", 0.002360, 0.002334, 340), ("bts_men", 0.003009, 0.003189, 656)],
)
def test_the_uniform_policy_on_the_open_bandit_logs(shared_data, name, ips, snips, size):
    log = open_bandit_log(shared_data, name)
    table = policy_value_table(log, ["uniform"], estimators=["ips", "snips"]).table
    assert table["value"].to_list() == pytest.approx([ips, snips], abs=5e-7)
    assert table["effective_sample_size"].round().to_list() == [size, size]
    assert table.columns[: len(COLUMNS)] == COLUMNS


@pytest.mark.parametrize("name", ["random_all", "random_men", "bts_all", "bts_men"])
def test_the_small_open_bandit_logs_rank_nothing(shared_data, name):
    log = open_bandit_log(shared_data, name)
    actions = action_set(log)
    favourite = np.full((1, len(actions)), 0.5 / (len(actions) - 1), dtype=np.float32)
    favourite[0, 3] = 0.5
    policy = TablePolicy("favourite", actions, (), pl.DataFrame(), favourite, 0.0)
    compared = [policy] if name.startswith("random") else [policy, "uniform"]
    table = policy_value_table(log, compared, estimators=list(ESTIMATORS)).table
    assert set(table["verdict"]) == {"not enough evidence"}
    assert table["reason"].str.contains("would show").all()


class TestBadInput:
    world = LoggedWorld()

    def refused(self, log, match, targets=("uniform",), **options):
        with pytest.raises(DataError, match=match):
            policy_value_table(log, list(targets), **options)

    @pytest.mark.parametrize("wrong", [0.0, -0.2, 1.5])
    def test_propensities_out_of_range(self, wrong):
        log = self.world.log(100)
        first = pl.int_range(pl.len()) == 4
        bad = log.with_columns(propensity=pl.when(first).then(wrong).otherwise("propensity"))
        self.refused(bad, "first in row 5")

    def test_clicks_that_are_not_clicks(self):
        self.refused(self.world.log(100).with_columns(click=pl.lit(2)), "other than 0 and 1")

    def test_no_reward_column(self):
        self.refused(self.world.log(100), "no column 'clik'", question=Question(reward="clik"))

    def test_a_target_that_is_no_probability(self):
        log = self.world.log(100).with_columns(target=pl.lit(1.2))
        self.refused(log, "'target' is not a probability in 100 rows", [TargetColumn("target")])
        self.refused(log, "no column 'goal'", [TargetColumn("goal")])

    def test_one_action(self):
        self.refused(self.world.log(100).with_columns(item_id=pl.lit("a")), "at least two")

    def test_an_unknown_estimator_or_interval(self):
        with pytest.raises(UsageError, match=r"'snip' is none of .* Did you mean 'snips'"):
            policy_value_table(self.world.log(100), ["uniform"], estimators=["snip"])
