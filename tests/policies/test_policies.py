"""Policies: probabilities that are probabilities, with their floor, and the same after a round trip to disk."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logged_world import LoggedWorld
from safetensors.numpy import load_file, save_file

from adcli.errors import DataError
from adcli.policies.action_features import action_features
from adcli.policies.actions import action_set
from adcli.policies.context import ContextEncoder, fit_context
from adcli.policies.members.member import RewardRows
from adcli.policies.members.network import NetworkMember
from adcli.policies.members.random_effects import RandomEffectsMember
from adcli.policies.members.trees import TreesMember
from adcli.policies.policy import ScoredPolicy, greedy, softmax, with_floor
from adcli.policies.scores import Scores, weighted_sum
from adcli.policies.store import load_policy, read_description, save_policy
from adcli.policies.table_policy import logged_shares, policy_from_table, uniform

WORLD = LoggedWorld()


def scored(log, rule="greedy", epsilon=0.1, eligible_by=None, seed=0):
    actions = action_set(log, eligible_by=eligible_by)
    encoder = fit_context(log, ["segment", "placement"])
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(len(encoder.names), len(actions))).astype(np.float32)
    return ScoredPolicy("scored", actions, encoder, Scores(weights, weights[0] * 0), rule, epsilon)


@settings(max_examples=500)
@given(
    st.integers(1, 20),
    st.integers(2, 12),
    st.one_of(st.just(0.0), st.floats(1e-4, 1)),
    st.sampled_from(["greedy", "softmax"]),
    st.floats(0, 200),
    st.integers(0, 2**31),
)
def test_probabilities_sum_to_one_and_keep_the_floor(n, k, epsilon, rule, scale, seed):
    rng = np.random.default_rng(seed)
    scores = (rng.normal(size=(n, k)) * scale).astype(np.float32)
    eligible = rng.random((n, k)) < 0.7
    eligible[:, 0] = True
    scores[~eligible] = -np.inf
    found = with_floor(greedy(scores) if rule == "greedy" else softmax(scores), epsilon, eligible)
    assert found.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)
    assert (found[~eligible] == 0).all()
    floor = epsilon / eligible.sum(axis=1)[:, None]
    assert (np.where(eligible, found, 1) >= floor * (1 - 1e-5)).all()


def test_ties_share_the_greedy_choice():
    assert greedy(np.array([[1.0, 1.0, 0.0], [0.2, 0.2, 0.2]], dtype=np.float32)).tolist() == [
        [0.5, 0.5, 0.0],
        pytest.approx([1 / 3] * 3),
    ]


class TestEligibility:
    log = WORLD.log(2_000).with_columns(
        item_id=pl.when(pl.col("placement") == "place0")
        .then("item_id")
        .otherwise(pl.col("item_id").str.replace("item", "other"))
    )

    def test_only_what_was_seen_in_a_place_is_shown_there(self):
        policy = scored(self.log, eligible_by="placement")
        chosen = policy.probabilities(self.log)
        others = policy.actions.frame["item_id"].str.starts_with("other").to_numpy()
        in_first = (self.log["placement"] == "place0").to_numpy()
        assert not chosen[in_first][:, others].any()
        assert not chosen[~in_first][:, ~others].any()
        assert chosen.sum(axis=1) == pytest.approx(np.ones(2_000), abs=1e-5)

    def test_the_uniform_policy_is_even_among_the_eligible(self):
        chosen = uniform(action_set(self.log, eligible_by="placement")).probabilities(self.log)
        assert chosen.max() == pytest.approx(1 / 8)

    def test_the_deciding_column_is_needed(self):
        policy = scored(self.log, eligible_by="segment")
        with pytest.raises(DataError, match="'segment'"):
            policy.actions.eligibility(self.log.drop("segment"))


class TestTables:
    def test_logged_shares_are_the_logs(self):
        log = WORLD.log(5_000)
        policy = logged_shares(log, action_set(log), ["placement"])
        first = log.filter(pl.col("placement") == "place0")
        share = (first["item_id"] == "item00").mean()
        assert policy.probabilities(first.head(1))[0, 0] == pytest.approx(share, rel=1e-5)

    def test_a_table_says_what_is_shown_where(self):
        table = pl.DataFrame(
            {
                "placement": ["1", "1", "2", "2"],
                "item_id": ["a", "b"] * 2,
                "probability": [0.9, 0.1, 0.3, 0.7],
            }
        )
        policy = policy_from_table(table, "given")
        contexts = pl.DataFrame({"placement": ["2", "1", "elsewhere"]})
        assert policy.probabilities(contexts).tolist() == [
            pytest.approx(row) for row in ([0.3, 0.7], [0.9, 0.1], [0.6, 0.4])
        ]

    @pytest.mark.parametrize(
        ("table", "match"),
        [
            ({"item_id": ["a", "b"]}, "needs the column 'probability'"),
            ({"item_id": ["a", "b"], "probability": [0.5, 0.4]}, r"sum to 0\.9000"),
            ({"item_id": ["a", "b"], "probability": [1.5, -0.5]}, "outside 0 to 1"),
            ({"item_id": ["a", "b"], "probability": [0.5, None]}, "missing value"),
            ({"item_id": ["a", "a"], "probability": [0.5, 0.5]}, "twice"),
        ],
    )
    def test_a_table_that_is_no_policy_is_refused(self, table, match):
        with pytest.raises(DataError, match=match):
            policy_from_table(pl.DataFrame(table), "bad")

    def test_the_place_must_be_a_column(self):
        table = pl.DataFrame({"placement": ["1"], "item_id": ["a"], "probability": [1.0]})
        with pytest.raises(DataError, match="by 'placement'"):
            policy_from_table(table, "given").probabilities(pl.DataFrame({"x": [1]}))


def stacked(policy, log):
    """The policy with scores of trees and of a network beside its own."""
    context = policy.encoder.encode(log)
    features = np.zeros((len(policy.actions), 0), np.float32)
    reward = log["click"].to_numpy().astype(float)
    rows = RewardRows(context, policy.actions.index(log), reward, np.ones(log.height), features)
    members = (RandomEffectsMember("pairs", pairs=True), TreesMember(trees=5), NetworkMember())
    scores = [policy.model, *(member.fit(rows, "logit") for member in members)]
    return replace(policy, model=weighted_sum(scores, [0.5, 0.5, 2, 1], 0.1, context.shape[1]))


class TestDirectory:
    log = WORLD.log(1_000)

    @pytest.mark.parametrize("kind", ["scored", "stack", "eligible", "table", "uniform"])
    def test_a_policy_is_the_same_after_a_round_trip(self, tmp_path, kind):
        actions = action_set(self.log)
        policy = {
            "scored": lambda: scored(self.log, rule="softmax"),
            "stack": lambda: stacked(scored(self.log), self.log),
            "eligible": lambda: scored(self.log, eligible_by="placement"),
            "table": lambda: logged_shares(self.log, actions, ["placement"], epsilon=0.1),
            "uniform": lambda: uniform(actions),
        }[kind]()
        save_policy(policy, tmp_path, {"reason": "a test", "scores": {"value": 0.5}})
        again = load_policy(tmp_path)
        assert again.name == policy.name
        assert np.array_equal(again.probabilities(self.log), policy.probabilities(self.log))
        trees = ["policy.trees.txt"] if kind == "stack" else []
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["policy.json", "policy.safetensors", *trees]

    def test_the_json_is_for_people(self, tmp_path):
        save_policy(scored(self.log), tmp_path, {"reason": "it earns more", "learned_from": ["log.parquet"]})
        said = read_description(tmp_path)
        assert said["format"] == "policy/3"
        assert said["reason"] == "it earns more"
        assert said["epsilon"] == 0.1
        assert said["actions"]["values"][0] == ["item00"]

    @pytest.mark.parametrize(
        ("damage", "match"),
        [
            (lambda d: (d / "policy.json").unlink(), r"no policy\.json"),
            (lambda d: (d / "policy.safetensors").unlink(), "safetensors is missing"),
            (lambda d: (d / "policy.json").write_text("{"), "is damaged"),
            (lambda d: (d / "policy.safetensors").write_bytes(b"\x00" * 40), "is damaged"),
            (lambda d: (d / "policy.json").write_text('{"format": "policy/9"}'), "'policy/9'"),
            (lambda d: (d / "policy.json").write_text('{"format": "policy/3"}'), "does not describe"),
            (lambda d: (d / "policy.json").write_text("[]"), "has the format None"),
        ],
    )
    def test_damage_is_one_sentence(self, tmp_path, damage, match):
        save_policy(scored(self.log), tmp_path, {})
        damage(tmp_path)
        with pytest.raises(DataError, match=match):
            load_policy(tmp_path)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"epsilon": float("nan")}, "an epsilon of nan"),
            ({"epsilon": 1.5}, "an epsilon of 1.5"),
            ({"epsilon": -0.1}, "an epsilon of -0.1"),
            ({"epsilon": "much"}, "an epsilon of 'much'"),
            ({"units": ["magic"]}, "'magic' are no units"),
            ({"units": ["trees"]}, "policy.trees.txt is missing"),
            ({"units": ["towers"]}, "does not describe"),
            ({"units": ["pairs"]}, "does not describe"),
            ({"kind": "magic"}, "unknown kind"),
            ({"link": "probit"}, "the link .probit."),
            ({"temperature": 0}, "the temperature 0"),
            ({"actions": {"columns": ["item_id"], "values": [["a"], ["a"]]}}, "twice"),
            ({"actions": []}, "does not describe"),
            ({"context": [{"column": "segment", "kind": "category", "categories": [1, 2]}]}, "no feature"),
            ({"context": [{"column": "x", "kind": "number", "categories": [], "scale": 0.0}]}, "no feature"),
            ({"context": "segment"}, "does not describe"),
        ],
    )
    def test_what_a_policy_says_of_itself_is_checked(self, tmp_path, change, match):
        save_policy(scored(self.log), tmp_path, {})
        said = read_description(tmp_path) | change
        (tmp_path / "policy.json").write_text(json.dumps(said))
        with pytest.raises(DataError, match=match):
            load_policy(tmp_path)

    @pytest.mark.parametrize("wrong", [np.nan, np.inf])
    @pytest.mark.parametrize("name", ["weights", "bias"])
    def test_numbers_that_are_none_are_refused(self, tmp_path, name, wrong):
        save_policy(scored(self.log), tmp_path, {})
        tensors = load_file(tmp_path / "policy.safetensors")
        tensors[name].flat[0] = wrong
        save_file(tensors, tmp_path / "policy.safetensors")
        with pytest.raises(DataError, match=f"'{name}' holds something else than finite numbers"):
            load_policy(tmp_path)

    def test_a_missing_tensor_and_a_table_that_sums_to_more_are_refused(self, tmp_path):
        save_policy(uniform(action_set(self.log)), tmp_path, {})
        save_file({"table": np.ones((1, 8), np.float32)}, tmp_path / "policy.safetensors")
        with pytest.raises(DataError, match="do not sum to 1"):
            load_policy(tmp_path)
        save_file({"other": np.ones(1, np.float32)}, tmp_path / "policy.safetensors")
        with pytest.raises(DataError, match="'table'"):
            load_policy(tmp_path)

    def test_tensors_of_another_policy_do_not_fit(self, tmp_path):
        first, second = tmp_path / "first", tmp_path / "second"
        for folder, log in ((first, self.log), (second, LoggedWorld(items=3).log(500))):
            folder.mkdir()
            save_policy(scored(log), folder, {})
        (first / "policy.safetensors").write_bytes((second / "policy.safetensors").read_bytes())
        with pytest.raises(DataError, match="does not describe a whole policy"):
            load_policy(first)

    def test_nothing_but_plain_values_is_written(self, tmp_path):
        save_policy(scored(self.log), tmp_path, {"note": "é"})
        assert json.loads((tmp_path / "policy.json").read_text(encoding="utf-8"))["note"] == "é"


class TestActionFeatures:
    actions = action_set(WORLD.log(500))

    def test_attributes_and_vectors_of_items_are_numbers(self):
        vectors = np.random.default_rng(0).normal(size=(8, 40))
        items = pl.DataFrame(
            {
                "item_id": WORLD.items,
                "price": [float(n) for n in range(8)],
                "brand": ["a", "b"] * 4,
                "title": [f"thing {n}" for n in range(8)],
                "embedding": pl.Series(vectors.tolist(), dtype=pl.Array(pl.Float32, 40)),
            }
        )
        found = action_features(self.actions, items)
        assert found.values.shape[0] == 8
        assert 0 < found.values.shape[1] <= 16
        assert np.isfinite(found.values).all()

    def test_the_vectors_table_joins_on_id(self):
        items = pl.DataFrame(
            {
                "id": [*WORLD.items[:6], "q1"],
                "kind": ["product"] * 6 + ["query"],
                "embedding": pl.Series(np.eye(7).tolist(), dtype=pl.Array(pl.Float32, 7)),
            }
        )
        found = action_features(self.actions, items)
        assert "2 of 8 actions are not in the table of items" in found.notes

    def test_items_of_another_shop_are_refused(self):
        with pytest.raises(DataError, match="None of the 8 actions"):
            action_features(self.actions, pl.DataFrame({"item_id": ["x", "y"], "price": [1.0, 2.0]}))

    def test_joint_actions_know_their_placement(self):
        joint = action_set(WORLD.log(2_000), ["item_id", "placement"])
        assert len(joint) == 16
        assert action_features(joint).values.shape[0] == 16


def test_a_context_free_policy_needs_no_columns():
    actions = action_set(WORLD.log(200))
    policy = ScoredPolicy(
        "flat",
        actions,
        ContextEncoder(),
        Scores(np.zeros((0, 8), np.float32), np.arange(8, dtype=np.float32)),
        "greedy",
        0.0,
    )
    assert policy.probabilities(pl.DataFrame({"x": [1, 2]}))[:, 7].tolist() == [1, 1]
