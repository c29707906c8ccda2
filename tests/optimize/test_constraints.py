"""Constraints on a policy: obeyed by what is written and on average, colliding ones named, probabilities exact."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.errors import DataError
from adcli.optimize.apply import apply_policy
from adcli.optimize.constraining import constrained, rules_of
from adcli.optimize.obeyed import obeyed_table
from adcli.policies.actions import action_set
from adcli.policies.constrained import ConstrainedPolicy, with_history
from adcli.policies.constraints import KEYS, Constraints, Exclusion, read_constraints
from adcli.policies.policy import ScoredPolicy
from adcli.policies.prepared import Question, prepare_log
from adcli.policies.rows import policy_rows
from adcli.policies.scores import Scores
from adcli.policies.store import load_policy, save_policy
from adcli.policies.table_policy import logged_shares

ITEMS = pl.DataFrame(
    {"item_id": ["none", "i1", "i2", "i3", "i4", "i5"], "seller": ["-", "A", "A", "B", "B", "C"]}
)


def world(n=2_000, seed=0):
    """A log of five ads and none, shown at random; an ad costs .1 to .5."""
    rng = np.random.default_rng(seed)
    action, segment = rng.integers(0, 6, n), rng.integers(0, 3, n)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    clicks = rng.random(n) < 0.05 + 0.1 * (action % 3 == segment)
    return pl.DataFrame(
        {
            "event_time": [start + timedelta(minutes=11 * number) for number in range(n)],
            "user_id": [f"u{user}" for user in rng.integers(0, n // 3, n)],
            "item_id": ITEMS["item_id"].to_numpy()[action],
            "segment": [f"s{one}" for one in segment],
            "propensity": 1 / 6,
            "click": clicks.astype(int),
            "conversion": (clicks & (rng.random(n) < 0.5)).astype(int),
            "cost": 0.1 * action,
        }
    )


LOG = prepare_log(world(), Question(context=("segment",)), ITEMS)
CONTEXTS = world(600, seed=1).select("event_time", "user_id", "segment")
COST = {name: 0.1 * number for number, name in enumerate(ITEMS["item_id"])}


def base(seed=0, epsilon=0.05):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(len(LOG.encoder.names), 6)).astype(np.float32)
    bias = np.linspace(-3, -2, 6).astype(np.float32)
    return ScoredPolicy("p", LOG.actions, LOG.encoder, Scores(weights, bias), "greedy", epsilon, "logit")


def policy_within(constraints, policy=None):
    policy = policy or base()
    return constrained(policy, LOG, rules_of(constraints, LOG, ITEMS))


def broken(decided, constraints):
    """The rules that decisions break, counted as anyone would count them."""
    shown = decided.join(ITEMS, on="item_id")
    n, found = decided.height, []
    spent = sum(COST[item] for item in decided["item_id"])
    per_row = constraints.budget / LOG.impressions.height if constraints.budget else np.inf
    if spent > per_row * n + 1e-6:
        found.append(f"budget {spent}")
    for seller, share in constraints.minimum_exposure.get("seller", {}).items():
        if (shown["seller"] == seller).sum() < share * n - 1e-9:
            found.append(f"exposure of {seller}")
    for item, count in constraints.stock.items():
        if (decided["item_id"] == item).sum() > count:
            found.append(f"stock of {item}")
    cap = constraints.frequency_cap
    ads = shown.filter(pl.col("item_id") != "none")
    if cap is not None and (ads.group_by("user_id", "item_id").len()["len"].max() or 0) > cap:
        found.append("frequency cap")
    for rule in constraints.exclusions:
        wrong = shown.filter(pl.col("seller").is_in(rule.values))
        for column, values in rule.where.items():
            wrong = wrong.filter(pl.col(column).is_in(values))
        found += ["exclusion"] * (wrong.height > 0)
    quiet = shown.filter(pl.col("event_time").dt.hour().is_in(constraints.quiet_hours))
    return found + ["quiet hours"] * bool((quiet["item_id"] != "none").any())


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        Constraints,
        budget=st.none() | st.floats(300, 900),
        minimum_exposure=st.just({})
        | st.builds(lambda a, b: {"seller": {"A": a, "C": b}}, st.floats(0, 0.3), st.floats(0, 0.2)),
        exploration_floor=st.sampled_from([0.0, 0.02]),
        frequency_cap=st.none() | st.integers(3, 5),
        quiet_hours=st.just(()) | st.just((22, 23, 0, 1)),
        stock=st.just({}) | st.builds(lambda n: {"i3": n}, st.integers(10, 300)),
        exclusions=st.just(()) | st.just((Exclusion("seller", ("B",), {"segment": ("s0",)}),)),
    ),
    st.integers(0, 1_000),
    st.booleans(),
)
def test_whatever_is_asked_is_obeyed_by_every_table_that_is_written(constraints, seed, greedy):
    try:
        policy = policy_within(constraints, base(seed))
    except DataError as error:
        if "collide" not in str(error):
            raise
        return
    log = with_history(policy, LOG.impressions)
    probabilities = policy.probabilities(log).astype(np.float64)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (probabilities[~policy.allowed(log)] == 0).all()
    assert (probabilities[policy.allowed(log)] >= constraints.exploration_floor - 1e-6).all()
    for limit in policy.rules.limits:
        used = float((probabilities * limit.use(policy.values(log))).sum(axis=1).mean())
        assert used <= limit.most + 1e-5 * (1 + abs(limit.most))
    decided = apply_policy(policy, CONTEXTS, seed=seed, greedy=greedy)
    assert not broken(decided, constraints)
    assert ((decided["propensity"] > 0) & (decided["propensity"] <= 1)).all()


def test_propensities_are_those_of_the_draws_even_where_a_limit_closes_actions():
    """Over many seeds each decision comes as often as its propensity says: weights average 1 for any policy."""
    policy = policy_within(
        Constraints(minimum_exposure={"seller": {"C": 0.3}}, stock={"i1": 12}, impressions=60)
    )
    few = CONTEXTS.head(60)
    means = []
    for seed in range(300):
        decided = apply_policy(policy, few, seed=seed)
        target = (decided["item_id"] == "i5").to_numpy()
        means.append((target / decided["propensity"].to_numpy())[:40].mean())
    assert np.mean(means) == pytest.approx(1, abs=4 * np.std(means) / np.sqrt(300))


@pytest.mark.parametrize(
    ("constraints", "named"),
    [
        (Constraints(budget=20, minimum_exposure={"seller": {"C": 0.5}}, frequency_cap=50), ["budget", "exposure.seller.C"]),
        (Constraints(minimum_exposure={"seller": {"B": 0.1}}, exclusions=(Exclusion("seller", ("B",)),)), ["exclusions.B", "exposure.seller.B"]),
        (Constraints(stock={"i5": 100}, minimum_exposure={"seller": {"C": 0.5, "A": 0.1}}), ["stock.i5", "exposure.seller.C"]),
    ],
)  # fmt: skip
def test_rules_that_collide_are_named_and_no_other(constraints, named):
    with pytest.raises(DataError, match="cannot be obeyed together") as raised:
        policy_within(constraints, base(epsilon=0.0))
    assert all(rule in str(raised.value) for rule in named)
    assert "frequency_cap" not in str(raised.value)
    assert "seller.A" not in str(raised.value)


@pytest.mark.parametrize(
    ("constraints", "epsilon", "said", "helps"),
    [
        (Constraints(budget=20, minimum_exposure={"seller": {"C": 0.1}}), 0.0, "cannot be obeyed together", False),
        (Constraints(stock={"none": 0}, budget=20), 0.0, "stock.none", False),
        (Constraints(stock={"i5": 0}), 0.3, "exploration rate of 0.3", True),
        (Constraints(stock={"i5": 0}, exploration_floor=0.01), 0.0, "stock.i5 and exploration_floor", False),
    ],
)  # fmt: skip
def test_exploring_less_is_advised_only_where_it_helps(constraints, epsilon, said, helps):
    with pytest.raises(DataError, match=said) as raised:
        policy_within(constraints, base(epsilon=epsilon))
    assert ("--epsilon" in str(raised.value)) == helps


def test_a_budget_that_nothing_fits_in_says_what_it_takes():
    rules = rules_of(Constraints(budget=10), LOG, ITEMS)
    limits = tuple(limit._replace(per_action=limit.per_action + 0.1) for limit in rules.limits)
    with pytest.raises(
        DataError, match=r"budget cannot be obeyed .* it takes [0-9.]+ at least\. Loosen it\.$"
    ):
        constrained(base(), LOG, rules._replace(limits=limits))


def test_a_policy_that_is_a_table_is_changed_as_little_as_the_limits_ask():
    shares = logged_shares(LOG.impressions, LOG.actions)
    policy = policy_within(Constraints(minimum_exposure={"seller": {"C": 0.4}}), shares)
    shown = policy.probabilities(LOG.impressions)[0]
    actions = LOG.actions.frame["item_id"].to_list()
    assert shown[actions.index("i5")] == pytest.approx(0.4, abs=1e-3)
    others = [shown[number] for number, name in enumerate(actions) if name != "i5"]
    before = [shares.table[-1][number] for number, name in enumerate(actions) if name != "i5"]
    assert np.array(others) / np.sum(others) == pytest.approx(np.array(before) / np.sum(before), abs=1e-3)


def test_what_is_achieved_has_an_interval_that_holds_the_truth():
    constraints = Constraints(budget=500, cost_per_action=6, minimum_exposure={"seller": {"A": 0.3}})
    policy = policy_within(constraints)
    table = obeyed_table(policy, constraints, LOG, policy_rows(LOG, policy).weight, 0.95)
    assert table["constraint"].to_list() == ["budget", "cost_per_action", "minimum_exposure.seller.A"]
    budget = table.row(0, named=True)
    actions = LOG.actions.frame["item_id"].to_list()
    cost = policy.probabilities(LOG.impressions) @ np.array([COST[name] for name in actions])
    assert budget["achieved_low"] < cost.sum() < budget["achieved_high"]
    assert (table["achieved_low"] <= table["achieved"]).all()


def test_a_policy_within_constraints_comes_back_from_its_directory(tmp_path):
    policy = policy_within(
        Constraints(
            budget=500,
            frequency_cap=3,
            quiet_hours=(22, 23),
            exclusions=(Exclusion("seller", ("B",), {"segment": ("s0",)}),),
        )
    )
    save_policy(policy, tmp_path, {})
    again = load_policy(tmp_path)
    assert isinstance(again, ConstrainedPolicy)
    log = with_history(policy, LOG.impressions)
    assert np.allclose(again.probabilities(log), policy.probabilities(log), atol=1e-6)
    assert apply_policy(again, CONTEXTS, seed=1).equals(apply_policy(policy, CONTEXTS, seed=1))


def test_a_policy_with_a_frequency_cap_alone_comes_back_from_its_directory(tmp_path):
    policy = policy_within(Constraints(frequency_cap=2))
    save_policy(policy, tmp_path, {})
    again = load_policy(tmp_path)
    assert apply_policy(again, CONTEXTS, seed=1).equals(apply_policy(policy, CONTEXTS, seed=1))


def test_contexts_that_cannot_keep_a_limit_are_refused():
    policy = policy_within(
        Constraints(
            minimum_exposure={"seller": {"B": 0.3}},
            exclusions=(Exclusion("seller", ("B",), {"segment": ("s0",)}),),
        )
    )
    with pytest.raises(DataError, match=r"cannot keep minimum_exposure\.seller\.B"):
        apply_policy(policy, CONTEXTS.filter(pl.col("segment") == "s0"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budgte = 3", "Did you mean 'budget'"),
        ("budget = -3", "number above 0"),
        ('quiet_hours = ["25:00", "07:00"]', "hours from 0 to 24"),
        ("minimum_exposure.seller = {a = 0.8, b = 0.4}", "more than 1"),
        ("exclusions = [{colum = 3}]", "'colum' is none of"),
        ("", "states no constraint"),
        ("budget = ", "no TOML"),
    ],
)
def test_what_a_file_may_not_say_is_a_sentence(tmp_path, text, said):
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(DataError, match=said):
        read_constraints(tmp_path / "rules.toml")


def test_each_key_is_read_as_its_example_shows(tmp_path):
    (tmp_path / "rules.toml").write_text("\n".join(key.example for key in KEYS.values()))
    read = read_constraints(tmp_path / "rules.toml")
    assert read.quiet_hours == (22, 23, 0, 1, 2, 3, 4, 5, 6)
    assert read.exclusions == (Exclusion("category", ("alcohol",), {"segment": ("minors",)}),)
    assert all(getattr(read, name) for name in KEYS)


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        (Constraints(stock={"i9": 3}), "no action of the log has 'i9'"),
        (Constraints(minimum_exposure={"brand": {"x": 0.1}}), "no column 'brand'"),
        (Constraints(return_on_ad_spend=2), "no revenue"),
        (Constraints(exploration_floor=0.3), "more than 1"),
    ],
)
def test_rules_that_the_log_does_not_know_are_named(constraints, said):
    with pytest.raises(DataError, match=said):
        rules_of(constraints, LOG, ITEMS)


def test_the_actions_without_an_ad_are_recognised():
    assert LOG.actions.frame.filter(pl.Series(LOG.no_ad))["item_id"].to_list() == ["none"]
    assert not action_set(LOG.impressions.filter(pl.col("item_id") != "none")).no_ad().any()


def test_the_readme_has_each_key_as_it_is_read():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{key.example}` | {key.meaning} |" in readme for key in KEYS.values())
