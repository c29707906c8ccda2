"""Many actions, slates, tuning, groups and the risk of a shortlist."""

import numpy as np
import polars as pl
import pytest
from logged_world import LoggedWorld

from adcli.errors import DataError, UsageError
from adcli.evaluate.off_policy.breakdowns import breakdown_table, standing_gaps
from adcli.evaluate.off_policy.embeddings import equal_rewards_p_value
from adcli.evaluate.off_policy.estimates import slope, tune, weight_limits
from adcli.evaluate.off_policy.groups import exposures_by_group, value_by_group
from adcli.evaluate.off_policy.risk import shortlist_risk
from adcli.evaluate.off_policy.slate_table import slate_value_table
from adcli.evaluate.off_policy.table import policy_value_table
from adcli.evaluate.off_policy.targets import asked_of, prepare_valuation
from adcli.policies import estimators as e
from adcli.policies.logged import LoggedRows
from adcli.policies.prepared import Question
from adcli.policies.table_policy import policy_from_table


def fixed_policy(items, probabilities, name="fixed"):
    return policy_from_table(pl.DataFrame({"item_id": items, "probability": probabilities}), name)


def prepared(log, targets, **given):
    return prepare_valuation(log, asked_of(Question(**given), targets))


@pytest.fixture(scope="module")
def brand_world():
    """Twenty items of four brands, which alone decide clicks."""
    world = LoggedWorld(seed=1, items=20, rate=0.08, logging=1.0)
    world.click = np.tile(world.click[:, :, :4], (1, 1, 5))
    items = pl.DataFrame({"item_id": world.items, "brand": [f"b{n % 4}" for n in range(20)]})
    return world, items


@pytest.fixture(scope="module")
def policy(brand_world):
    chances = np.where(np.arange(20) % 4 == 2, 1.0, 0.05)
    return fixed_policy(brand_world[0].items, chances / chances.sum())


class TestManyActions:
    def test_weights_of_groups_keep_the_value_and_lose_variance(self, brand_world, policy):
        world, items = brand_world
        table = policy_value_table(
            world.log(20_000, seed=1),
            [policy],
            Question(context=("segment", "placement")),
            estimators=["ips", "mips", "offcem"],
            items=items,
            action_groups="brand",
        ).table
        rows = {row["estimator"]: row for row in table.to_dicts()}
        truth = world.value(policy)
        for name in ("ips", "mips", "offcem"):
            assert abs(rows[name]["value"] - truth) < 4 * rows[name]["std_error"], name
        assert rows["mips"]["std_error"] < 0.8 * rows["ips"]["std_error"]
        assert rows["mips"]["max_weight"] < rows["ips"]["max_weight"]
        assert rows["mips"]["interval"] == "skew (conservative)"

    def test_mips_refuses_where_items_of_a_group_differ(self, policy):
        world = LoggedWorld(seed=1, items=20, rate=0.08, taste=1.5)
        items = pl.DataFrame({"item_id": world.items, "brand": [f"b{n % 4}" for n in range(20)]})
        table = policy_value_table(
            world.log(20_000, seed=1), [policy], estimators=["mips"], items=items, action_groups="brand"
        ).table
        assert table["verdict"][0] == "not enough evidence"
        assert "earn differently" in table["reason"][0]

    def test_clusters_of_item_features_serve_as_groups(self, brand_world, policy):
        world, items = brand_world
        table = policy_value_table(
            world.log(5_000, seed=1), [policy], estimators=["mips"], items=items, action_groups=4
        ).table
        assert "4 groups" in table["definition"][0]

    def test_groups_must_be_named_and_known(self, brand_world, policy):
        world, items = brand_world
        log = world.log(100)
        with pytest.raises(UsageError, match="weighs groups of actions"):
            policy_value_table(log, [policy], estimators=["mips"])
        with pytest.raises(DataError, match="no column 'colour'"):
            policy_value_table(log, [policy], estimators=["mips"], items=items, action_groups="colour")

    def test_equal_rewards_are_not_rejected_more_often_than_stated(self):
        rng = np.random.default_rng(0)
        low = 0
        for _ in range(400):
            action = rng.integers(0, 12, 3_000).astype(np.int32)
            click = (rng.random(3_000) < 0.1).astype(float)
            logged = LoggedRows(action, click, np.full(3_000, 1 / 12), None, None)
            low += equal_rewards_p_value(logged, action % 3) < 0.05
        assert low / 400 < 0.09


class TestSlates:
    def slates(self, n=4_000, seed=0):
        rng = np.random.default_rng(seed)
        action = rng.choice(3, (n, 2), p=[0.5, 0.3, 0.2])
        click = rng.random((n, 2)) < np.array([0.05, 0.1, 0.2])[action] * [1.0, 0.5]
        return pl.DataFrame(
            {
                "slate_id": np.repeat([f"s{i}" for i in range(n)], 2),
                "placement": np.tile(["1", "2"], n),
                "item_id": np.array(["a", "b", "c"])[action].ravel(),
                "propensity": np.array([0.5, 0.3, 0.2])[action].ravel(),
                "click": click.astype(np.int8).ravel(),
            }
        )

    policy = fixed_policy(["a", "b", "c"], [0.2, 0.3, 0.5])

    def test_every_estimator_finds_the_value_per_slate(self):
        table = slate_value_table(self.slates(), [self.policy]).table
        truth = float(np.array([0.2, 0.3, 0.5]) @ [0.05, 0.1, 0.2]) * 1.5
        for row in table.to_dicts():
            assert abs(row["value"] - truth) < 4 * row["std_error"], row["estimator"]
            assert row["n"] == 4_000
        errors = dict(zip(table["estimator"], table["std_error"], strict=True))
        assert errors["iips"] < errors["rips"] <= errors["sips"]
        assert errors["cascade-dr"] <= errors["rips"] * 1.01

    def test_slates_that_miss_a_position_count_as_they_are(self):
        log = self.slates()
        gaps = log.filter((pl.col("placement") == "1") | (pl.int_range(pl.len()) % 4 == 1))
        table = slate_value_table(gaps, [self.policy], estimators=["iips", "rips"]).table
        assert table["n"].to_list() == [4_000, 4_000]
        assert (table["value"] > 0).all()

    def test_two_impressions_in_one_place_are_refused(self):
        with pytest.raises(DataError, match="two impressions in one 'placement'"):
            slate_value_table(pl.concat([self.slates(5), self.slates(5)]), [self.policy])

    def test_a_slate_column_is_needed(self):
        with pytest.raises(DataError, match="no column 'slate_id'"):
            slate_value_table(self.slates(5).drop("slate_id"), [self.policy])


class TestTuning:
    def test_slope_stays_with_the_least_biased_when_the_others_disagree(self):
        assert slope([1.0, 5.0, 9.0], [0.1, 0.1, 0.1]) == 0

    def test_slope_goes_on_while_intervals_agree(self):
        assert slope([1.0, 1.1, 0.9, 5.0], [1.0, 0.5, 0.2, 0.1]) == 2

    def test_tuned_clipping_is_no_wider_and_close_to_the_truth(self):
        rng = np.random.default_rng(0)
        weight = rng.lognormal(0, 1.5, 20_000)
        weight /= weight.mean()
        reward = (rng.random(20_000) < 0.1).astype(float)
        logged = LoggedRows(np.zeros(20_000, np.int32), reward, 1 / weight, None, None)
        found = tune(lambda limit: e.clipped_ips(reward, weight, limit), weight_limits(weight.max()), logged)
        assert found.estimate.influence.std() <= e.ips(reward, weight).influence.std()
        assert found.estimate.value == pytest.approx(0.1, rel=0.25)


class TestGroups:
    world = LoggedWorld(rate=0.1, segments=3)
    policy = fixed_policy(world.items, np.array([0.44] + [0.08] * 7), "first")

    def test_value_by_group_compares_with_what_the_log_earned_there(self):
        log = self.world.log(30_000, seed=1)
        table = value_by_group(prepared(log, [self.policy]), self.policy, "segment")
        assert table["group"].to_list() == self.world.segments
        truth = (self.policy.table[0] * self.world.click).sum(axis=2).mean(axis=1)
        for row, true in zip(table.to_dicts(), truth, strict=True):
            assert row["ci_low"] - 0.01 < true < row["ci_high"] + 0.01
            assert row["p_adjusted"] >= row["p_value"]
        assert table["n"].sum() == 30_000

    def test_small_groups_are_put_together(self):
        log = self.world.log(3_000, seed=1)
        rare = log.with_columns(
            segment=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("rare")).otherwise("segment")
        )
        table = value_by_group(prepared(rare, [self.policy]), self.policy, "segment")
        assert "rare" not in table["group"].to_list()
        assert table["group"].to_list()[-1] == "any other"

    def test_exposure_by_group_is_the_policys_own_and_says_each_gap(self):
        log = self.world.log(10_000, seed=1)
        items = pl.DataFrame({"item_id": self.world.items, "brand": ["own"] + ["others"] * 7})
        table = exposures_by_group(prepared(log, [self.policy]).log, self.policy, items, ["brand"])["brand"]
        shares = dict(zip(table["group"], table["value"], strict=True))
        assert shares["own"] == pytest.approx(0.44, abs=1e-3)
        assert sum(shares.values()) == pytest.approx(1)
        assert "more often: 44.0%" in table.filter(pl.col("group") == "own")["reason"][0]

    def test_exposure_of_a_target_column_is_not_known(self):
        with pytest.raises(DataError, match="only the probability of the logged actions"):
            exposures_by_group(
                prepared(self.world.log(500), ["logged"]).log,
                "logged",
                pl.DataFrame({"item_id": []}),
                ["brand"],
            )


class TestRisk:
    def test_a_shortlist_of_one_has_no_spread_and_more_has(self):
        rng = np.random.default_rng(0)
        baseline = rng.random(2_000)
        table = shortlist_risk(
            {"good": baseline + 0.5, "bad": baseline - 0.3, "same": baseline.copy()}, baseline
        )
        assert table["rank"].to_list() == [1, 2, 3]
        assert table["sharpe_ratio"][0] is None
        assert table["policy"].to_list() == ["good", "same", "bad"]
        assert table["worst"].to_list() == sorted(table["worst"], reverse=True)
        assert table["sharpe_ratio"][1] == pytest.approx(0.5 / 0.25, rel=0.1)

    def test_policies_that_only_look_good_are_found_out(self):
        rng = np.random.default_rng(1)
        noise = {f"policy{n}": rng.normal(0, 10, 500) for n in range(30)}
        baseline = np.zeros(500)
        naive = max(one.mean() for one in noise.values())
        assert shortlist_risk(noise, baseline)["best"][0] < naive / 2

    def test_the_table_of_policies(self):
        world = LoggedWorld(rate=0.1)
        log = world.log(5_000)
        policies = [fixed_policy(world.items, np.eye(8)[n] * 0.6 + 0.05, f"item{n}") for n in range(3)]
        table = policy_value_table(log, policies, estimators=["snips"]).table
        assert table["rank"].sort().to_list() == [1, 2, 3]
        assert (table["worst_low"] <= table["worst"]).all()


class TestBreakdowns:
    world = LoggedWorld(rate=0.1, segments=3)
    policy = fixed_policy(world.items, np.array([0.44] + [0.08] * 7), "first")
    items = pl.DataFrame({"id": world.items, "kind": ["product"] * 8, "brand": ["own"] + ["others"] * 7})

    def test_columns_of_the_log_give_value_and_columns_of_the_items_exposure(self):
        log = self.world.log(10_000, seed=1)
        ready = prepared(log, [self.policy, "uniform", "logged"])
        table = breakdown_table(
            ready, [self.policy, "uniform", "logged"], ["segment", "brand"], items=self.items
        )
        assert table.group_by("metric", "by", "policy", maintain_order=True).len().rows() == [
            ("value", "segment", "first", 3),
            ("value", "segment", "uniform", 3),
            ("exposure", "brand", "first", 2),
            ("exposure", "brand", "uniform", 2),
        ]
        standing = standing_gaps(table.filter(pl.col("by") == "brand", pl.col("policy") == "first"))
        assert len(standing) == 2
        assert standing[1].startswith("first, by brand: 'own' is shown more often")

    def test_exposure_of_single_actions_needs_no_table_of_items(self):
        ready = prepared(self.world.log(2_000), [self.policy])
        table = breakdown_table(ready, [self.policy], ["item_id"])
        assert table["value"].to_list() == pytest.approx([0.44] + [0.08] * 7)

    def test_few_users_are_never_a_group_of_their_own(self):
        log = self.world.log(3_000, seed=1).with_columns(
            segment=pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("rare")).otherwise("segment")
        )
        table = breakdown_table(prepared(log, [self.policy]), [self.policy], ["segment"])
        assert "any other" in table["group"]
        assert table["n"].min() >= 50

    @pytest.mark.parametrize(
        ("column", "said"), [("click", "known after the ad was chosen"), ("vector", "make no groups")]
    )
    def test_columns_that_make_no_groups_are_refused(self, column, said):
        log = self.world.log(500).with_columns(vector=pl.lit([1.0, 2.0]))
        with pytest.raises(DataError, match=said):
            breakdown_table(prepared(log, [self.policy]), [self.policy], [column])

    def test_an_unknown_column_is_said(self):
        with pytest.raises(DataError, match="no column 'brnd'"):
            breakdown_table(prepared(self.world.log(500), [self.policy]), [self.policy], ["brnd"])


class TestSlatesWithHoles:
    policy = TestSlates.policy

    def test_a_position_missing_above_another_is_refused(self):
        log = TestSlates().slates(20)
        with pytest.raises(DataError, match=r"1 slates miss .* 's3' has none at '1'"):
            slate_value_table(
                log.filter(~((pl.col("slate_id") == "s3") & (pl.col("placement") == "1"))), [self.policy]
            )
