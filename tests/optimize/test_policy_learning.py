"""Learning a policy: better where the log can show it, and honest where it cannot."""

import numpy as np
import polars as pl
import pytest
from logged_world import LoggedWorld
from open_bandit_log import open_bandit_log

from adcli.errors import DataError
from adcli.evaluate.off_policy.table import TargetColumn, policy_value_table
from adcli.numbers import plain, show
from adcli.optimize.candidates import shrunk_rates
from adcli.optimize.policy_learning import HeldOut, _choose, learn_policy
from adcli.policies.policy import ScoredPolicy
from adcli.policies.prepared import Question, prepare_log
from adcli.policies.rows import fit_reward
from adcli.policies.table_policy import TablePolicy

CONTEXT = ("segment", "placement")


class TestWhereThereIsSomethingToLearn:
    world = LoggedWorld(rate=0.08, taste=1.0)

    @pytest.fixture(scope="class")
    @classmethod
    def learned(cls):
        return learn_policy(cls.world.log(20_000, seed=1), Question(context=CONTEXT), epsilon=0.1)

    def test_the_policy_truly_earns_more_than_the_logs(self, learned):
        best = self.world.click.max(axis=2).mean()
        gap = (self.world.value(learned.policy) - self.world.logged_value) / (best - self.world.logged_value)
        assert isinstance(learned.policy, ScoredPolicy)
        assert gap > 0.75

    def test_every_eligible_action_keeps_its_floor(self, learned):
        chosen = learned.policy.probabilities(self.world.log(500))
        assert chosen.min() >= 0.1 / 8 * 0.999
        assert chosen.sum(axis=1) == pytest.approx(np.ones(500), abs=1e-5)

    def test_the_record_says_how_it_was_chosen(self, learned):
        table = learned.candidates
        assert table["policy"][0] == "logged"
        assert table.filter("chosen")["policy"].to_list() == [learned.chosen]
        assert table.filter("chosen")["lower_bound"][0] > table["lower_bound"][0]
        assert table.filter("chosen")["difference_low"][0] > 0
        assert f"{plain(show(table.filter('chosen')['value'][0], 'rate'))} per impression" in learned.reason
        assert learned.chosen in learned.reason
        assert "segment" in learned.context

    def test_its_lower_bounds_are_below_the_truth(self, learned):
        direct = learned.candidates.filter(pl.col("policy") == learned.chosen)
        assert direct["lower_bound"][0] < self.world.value(learned.policy)
        assert abs(direct["value"][0] - self.world.value(learned.policy)) < 5 * direct["std_error"][0]

    def test_the_same_seed_gives_the_same_policy(self, learned):
        log = self.world.log(20_000, seed=1)
        again = learn_policy(log, Question(context=CONTEXT), epsilon=0.1)
        assert np.array_equal(again.policy.probabilities(log), learned.policy.probabilities(log))


def test_item_features_help_where_items_are_many():
    world = LoggedWorld(seed=2, items=60, rate=0.08, taste=0.0)
    rng = np.random.default_rng(0)
    described = rng.normal(size=(60, 2))
    tastes = rng.normal(size=(4, 2))
    world.click = np.repeat(1 / (1 + np.exp(2.8 - tastes @ described.T))[:, None, :], 2, axis=1)
    items = pl.DataFrame({"item_id": world.items, "x": described[:, 0], "y": described[:, 1]})
    log = world.log(24_000, seed=3)
    with_features = world.value(learn_policy(log, Question(context=CONTEXT), items=items).policy)
    without = world.value(learn_policy(log, Question(context=CONTEXT)).policy)
    assert with_features > without


def test_joint_actions_choose_the_placement_too():
    world = LoggedWorld(rate=0.1)
    log = world.log(10_000).with_columns(propensity=pl.col("propensity") / 2)
    learned = learn_policy(log, Question(action=("item_id", "placement"), context=("segment",)))
    assert learned.policy.actions.columns == ("item_id", "placement")
    assert len(learned.policy.actions) == 16
    first = learned.policy.probabilities(pl.DataFrame({"segment": world.segments}))
    by_place = first @ (learned.policy.actions.frame["placement"] == "place0").to_numpy()
    assert by_place.mean() > 0.5  # the better placement


def test_revenue_can_be_what_is_earned():
    world = LoggedWorld(rate=0.1)
    worth = {item: 20.0 if item == "item05" else 1.0 for item in world.items}
    log = world.log(20_000).with_columns(
        revenue=pl.col("click") * pl.col("item_id").replace_strict(worth, return_dtype=pl.Float64)
    )
    learned = learn_policy(log, Question(reward="revenue"))
    chosen = learned.policy.probabilities(log)[:, 5]
    assert chosen.mean() > 0.8


class TestWhereThereIsNot:
    @pytest.mark.parametrize("name", ["random_men", "random_all", "bts_men", "bts_all"])
    def test_the_small_open_bandit_logs_teach_nothing_and_it_says_so(self, shared_data, name):
        learned = learn_policy(open_bandit_log(shared_data, name))
        assert learned.chosen == "logged"
        assert learned.reason.startswith("Not enough evidence")
        assert "clicks (rate x effective sample size" in learned.reason
        assert isinstance(learned.policy, TablePolicy)
        assert learned.policy.name == ("uniform" if name.startswith("random") else "logged shares")
        written = learned.candidates.filter("chosen").row(0, named=True)
        assert written["policy"] == learned.policy.name
        assert f"What is written, '{learned.policy.name}', is the nearest to it" in learned.reason

    @pytest.mark.parametrize("name", ["bts_men"])
    def test_nor_do_they_with_what_is_known_of_the_items(self, shared_data, name):
        items = pl.read_csv(shared_data / f"bandit/obd_item_context_{name.partition('_')[2]}.csv")
        learned = learn_policy(
            open_bandit_log(shared_data, name), items=items.with_columns(pl.col("item_id").cast(pl.String))
        )
        assert learned.chosen == "logged"
        assert "The best learned policy" in learned.reason
        assert ": not enough evidence. Only" in learned.reason

    def test_noise_alone_seldom_makes_it_leave_the_logging_policy(self):
        world = LoggedWorld(rate=0.05, taste=0.0, placements=1)
        logs = [world.log(2_000, seed=seed) for seed in range(8)]
        assert sum(learn_policy(log, Question(context=("segment",))).chosen != "logged" for log in logs) <= 1

    def test_no_clicks_at_all(self):
        log = LoggedWorld().log(500).with_columns(click=pl.lit(0, dtype=pl.Int8))
        with pytest.raises(DataError, match="The log has no click: nothing tells one action from another"):
            learn_policy(log)

    def test_no_context_at_all(self):
        log = LoggedWorld(rate=0.1).log(3_000).select("item_id", "click", "propensity")
        assert learn_policy(log).context == []

    def test_bad_logs_are_one_sentence(self):
        log = LoggedWorld().log(100)
        with pytest.raises(DataError, match="no propensities"):
            learn_policy(log.drop("propensity"))
        with pytest.raises(DataError, match="no column 'reveneu'"):
            learn_policy(log, Question(reward="reveneu"))
        with pytest.raises(DataError, match="neither item_id nor ad_id"):
            learn_policy(log.drop("item_id"))
        some = pl.when(pl.int_range(pl.len()) >= 3).then("item_id")
        with pytest.raises(DataError, match="3 impressions have no 'item_id'"):
            learn_policy(log.with_columns(item_id=some))


def test_rates_are_shrunk_to_the_mean():
    action = np.array([0] * 1_000 + [1] * 5, dtype=np.int32)
    reward = np.r_[np.tile([1.0, 0, 0, 0], 250), np.ones(5)]
    rates = shrunk_rates(action, reward, np.full(1_005, 0.5), 3)
    assert rates[0] < rates[1] == rates.max()
    assert rates[2] == pytest.approx(reward.mean() / (15 / (5 + 10 / reward.mean())), rel=1e-6)


def test_an_empty_log_is_refused_in_words():
    with pytest.raises(DataError, match="The log has no impressions"):
        learn_policy(LoggedWorld().log(10).head(0))


def test_what_is_chosen_by_is_what_evaluate_policy_says_of_the_same_rows():
    log = LoggedWorld(rate=0.08, taste=1.0).log(12_000, seed=1, users=3_000)
    question = Question(context=CONTEXT)
    learned = learn_policy(log, question).candidates
    prepared = prepare_log(log, question)
    rows = HeldOut(prepared, fit_reward(prepared), 0.02)
    columns = {"q_logged": next(iter(rows.values())).q_logged}
    for number, own in enumerate(rows.values()):
        columns |= {f"p{number}": own.weight * prepared.logged.propensity, f"q{number}": own.q_policy}
    targets = [TargetColumn(f"p{number}", f"q{number}") for number in range(len(rows))]
    valued = policy_value_table(
        log.with_columns(**{name: pl.Series(values) for name, values in columns.items()}),
        targets,
        question,
        estimators=["dr"],
        expected="q_logged",
    ).table
    ours = learned.slice(1)
    assert ours["verdict"].to_list() == valued["verdict"].to_list()
    assert "better" in ours["verdict"]
    assert ours["reason"].to_list() == valued["reason"].to_list()
    for name in ("std_error", "value", "difference_low", "difference_high"):
        assert ours[name].to_list() == pytest.approx(valued[name].to_list(), rel=1e-9)


def candidate(policy, value, error, p, verdict, clicks=100.0):
    return {
        "policy": policy, "value": value, "std_error": error, "difference": value - 0.01,
        "p_adjusted": p, "verdict": verdict, "matched_clicks": clicks,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("p", "clicks", "soft", "chosen"),
    [
        (1e-9, 30.0, "better", "direct method"),
        (1e-9, 12.0, "better", "softmax, temperature 1"),
        (0.2, 30.0, "better", "softmax, temperature 1"),
        (1e-9, 30.0, "not enough evidence", "logged"),
    ],
    ids=["clear in itself", "a dozen clicks", "not clear in itself", "nothing that enough clicks carry"],
)
def test_a_sharp_policy_is_deployed_only_where_its_own_difference_is_clear(p, clicks, soft, chosen):
    """And few clicks carry it only where those of a softmax of the same scores stand in."""
    table = pl.DataFrame(
        [
            candidate("logged", 0.01, 0.0004, None, None),
            candidate("direct method", 0.044, 0.020, p, "not enough evidence", clicks),
            candidate("softmax, temperature 1", 0.026, 0.002, 1e-9, soft),
        ]
    )
    assert _choose(table, 0.95) == chosen
