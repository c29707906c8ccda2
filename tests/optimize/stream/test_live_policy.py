"""A policy that learns while it decides: what it shows, what it learns, and what it refuses."""

from collections import Counter

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_world import StreamWorld, answers

from adcli.optimize.stream.constraints import LiveConstraints, live_constraints
from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.snapshot import packed, restore
from adcli.policies.context import ContextEncoder
from adcli.policies.features import Feature
from adcli.policies.history import SO_FAR
from adcli.policies.rules import Limit, Rules


def request(identifier, segment="s0", **more):
    return orjson.dumps({"id": identifier, "context": {"segment": segment}, **more})


def test_it_begins_as_the_offline_policy():
    world = StreamWorld(taste=1.5)
    live = world.live()
    lines, segment = world.requests(2_000)
    shown = [world.items.index(one["item_id"]) for one in answers(live, lines)]
    best = world.known.argmax(axis=1)[segment]
    assert np.mean(shown == best) > 0.75
    earned = world.known[segment, shown].mean() / world.known.max(axis=1)[segment].mean()
    assert earned > 0.95  # exploring costs 2 % of the reward at most, and the uniform choices 2 % of choices


@pytest.mark.parametrize("exploration", ["squarecb", "thompson", "epsilon-greedy"])
def test_it_learns_what_the_offline_policy_does_not_know(exploration):
    world = StreamWorld(3, wrong=1.0, taste=0.3)
    live = world.live(exploration=exploration, epsilon=0.05)
    earned = world.run(live, 12_000)
    best = world.click.max(axis=1).mean()
    offline = world.click[np.arange(3), world.known.argmax(axis=1)].mean()
    late = earned[-4_000:].mean()
    assert offline < 0.8 * best
    assert late > offline + 0.7 * (best - offline)


@pytest.mark.parametrize("exploration", ["squarecb", "thompson", "epsilon-greedy"])
def test_actions_are_shown_as_often_as_their_propensities_say(exploration):
    world = StreamWorld(1)
    live = world.live(exploration=exploration, epsilon=0.1, exploration_cost=0.3)
    world.run(live, 300)
    answers(live, [request(f"p{number}") for number in range(50)])  # what came last is learned meanwhile
    told = answers(live, [request(f"q{number}") for number in range(20_000)])
    for item in world.items:
        share = np.array([one["propensity"] for one in told if one["item_id"] == item])
        counts = len(share) / len(told)
        assert np.ptp(share) < 1e-6  # nothing is learned of requests alone
        assert abs(counts - share[0]) < 5 * np.sqrt(share[0] * (1 - share[0]) / len(told))


@settings(max_examples=15, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 799), max_size=12), seed=st.integers(0, 3), budget=st.sampled_from([0, 9])
)
def test_the_same_lines_get_the_same_answers_however_they_are_cut(cuts, seed, budget):
    world = StreamWorld(2)
    lines = [b'{"budget":%d}' % budget] * (budget > 0) + mixed_lines(world, 400, seed)
    whole = world.live(half_life=300, reward_window=50).answer(lines).answers
    live, parts = world.live(half_life=300, reward_window=50), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(lines)], strict=True):
        parts += live.answer(lines[start:stop]).answers
    assert parts == whole


def mixed_lines(world, n, seed=0):
    """Requests with rewards that come late, out of order, twice, or never."""
    rng = np.random.default_rng(seed)
    timed = [(at, line) for at, line in enumerate(world.requests(n, seed)[0])]
    for number in range(n):
        if rng.random() < 0.8:
            line = orjson.dumps({"id": f"r{number}", "reward": int(rng.random() < 0.2), "cost": 0.1})
            timed += [(number + rng.exponential(60) + 0.5, line)] * (1 + (rng.random() < 0.1))
    return [line for _, line in sorted(timed, key=lambda pair: pair[0])]


def test_a_late_reward_counts_as_if_it_had_come_at_once():
    world = StreamWorld(4)
    lines, segment = world.requests(600)
    early, late = world.live(half_life=100), world.live(half_life=100)
    told = answers(early, lines)
    assert told == answers(late, lines)
    rewards = world.rewards(told, segment)
    early.answer(rewards)
    for reward in np.random.default_rng(0).permutation(rewards):
        late.answer([bytes(reward)])
    for live in (early, late):
        live.answer([orjson.dumps({"rules": {"floor": 0.02}})] * 200)  # the model is solved meanwhile
    np.testing.assert_allclose(
        early.rewards.learner.products, late.rewards.learner.products, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        early.rewards.learner.targets, late.rewards.learner.targets, rtol=1e-9, atol=1e-12
    )


def test_a_decision_without_a_reward_counts_as_0_after_its_window_and_a_later_reward_still_counts():
    world = StreamWorld(4)
    lines, segment = world.requests(600)
    told_all, clicks_only = world.live(reward_window=2_000), world.live(reward_window=2_000)
    told = answers(told_all, lines)
    answers(clicks_only, lines)
    rewards = world.rewards(told, segment)
    told_all.answer(rewards)
    clicks_only.answer([line for line in rewards if orjson.loads(line)["reward"]])
    more = world.requests(2_000, 1, first=600)[0] + [b'{"rules":{"floor":0.02}}'] * 600
    for live in (told_all, clicks_only):
        live.answer(more)
    np.testing.assert_allclose(
        told_all.rewards.learner.products, clicks_only.rewards.learner.products, rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(
        told_all.rewards.learner.targets, clicks_only.rewards.learner.targets, rtol=1e-9, atol=1e-9
    )


def test_one_reward_a_decision():
    live = StreamWorld().live()
    assert (
        live.answer([request("r1"), b'{"id":"r1","reward":1}', b'{"id":"r1","reward":1}']).answers[1:] == []
    )
    (refused,) = answers(live, [b'{"id":"r1","reward":0}'])
    assert refused["id"] == "r1"
    assert "replace" in refused["error"]
    assert live.answer([b'{"id":"r1","reward":0,"replace":true}']) == (
        [b'{"id":"r1","reward":0,"replace":true}'],
        [],
        [],
        0,
    )
    assert live.answer([b'{"id":"r1","reward":0}']).answers == []


def test_a_request_sent_again_is_answered_as_before_and_changes_nothing():
    live = StreamWorld().live(epsilon=0.5)
    first = live.answer([request(f"r{number}") for number in range(40)]).answers
    world_moved = [f'{{"id":"r{number}","reward":1}}'.encode() for number in range(40)]
    live.answer(world_moved)
    again = live.answer([request(f"r{number}") for number in range(40)])
    assert again.answers == first
    assert again.used == []
    (other,) = answers(live, [request("r1", "s2")])
    assert "another context" in other["error"]


POISON = {
    "not JSON": b"{",
    "no object": b"[1]",
    "NaN": b'{"id":"r1","reward":NaN}',
    "infinite": b'{"id":"r1","reward":1e999}',
    "huge": b'{"id":"r1","reward":1e300}',
    "more than the most": b'{"id":"r1","reward":2}',
    "a text for a reward": b'{"id":"r1","reward":"1"}',
    "a truth value for a reward": b'{"id":"r1","reward":true}',
    "less than no click": b'{"id":"r1","reward":-1}',
    "a budget and rules": b'{"budget":1,"rules":{"exclude":["item00"]}}',
    "a decision and its reward": b'{"id":"r1","context":{},"reward":1}',
    "a negative cost": b'{"id":"r1","reward":1,"cost":-1}',
    "unknown id": b'{"id":"nobody","reward":1}',
    "no id": b'{"reward":1}',
    "an empty id": b'{"id":"","context":{}}',
    "a list for an id": b'{"id":[1],"context":{}}',
    "unknown action": b'{"id":"q","context":{},"eligible":["nothing"]}',
    "no action": b'{"id":"q","context":{},"eligible":[]}',
    "a text for eligible": b'{"id":"q","context":{},"eligible":"item00"}',
    "a text for a context": b'{"id":"q","context":"s1"}',
    "an object in a context": b'{"id":"q","context":{"segment":{"a":1}}}',
    "a huge number in a context": b'{"id":"q","context":{"segment":1e200}}',
    "nothing to do": b'{"id":"q","clicked":1}',
    "bytes that are no text": b'{"id":"q","context":{"segment":"\xff\xfe"}}',
    "a text for a budget": b'{"budget":"much"}',
    "rules of nothing": b'{"rules":{"eligible":[]}}',
    "rules of unknown actions": b'{"rules":{"exclude":["nothing"]}}',
    "unknown rules": b'{"rules":{"maximum":3}}',
    "rules that collide": b'{"rules":{"eligible":["item00"],"exclude":["item00"]}}',
    "a floor above 1": b'{"rules":{"floor":1.5}}',
}


@pytest.mark.parametrize("line", POISON.values(), ids=POISON)
def test_a_poisoned_line_is_answered_and_changes_nothing(line):
    world = StreamWorld()
    clean, poisoned = world.live(), world.live()
    before, after = [request("r1"), request("r2", "s1")], world.requests(60, 1, first=10)[0]
    (said,) = answers(poisoned, [*before, line])[2:]
    assert said["error"]
    assert set(said) <= {"id", "error"}
    clean.answer(before)
    assert poisoned.answer(after).answers == clean.answer(after).answers


def test_missing_context_counts_as_missing_and_unknown_keys_are_counted():
    live = StreamWorld().live()
    told = answers(live, [b'{"id":"a"}', b'{"id":"b","context":{}}', b'{"id":"c","context":null}',
                          b'{"id":7,"context":{"segment":null,"weather":"wet","moon":3}}'])  # fmt: skip
    assert [one["id"] for one in told] == ["a", "b", "c", 7]
    assert all(0 < one["propensity"] <= 1 for one in told)
    assert live.contexts.unknown_keys == 2


def test_only_eligible_actions_are_shown_and_propensities_are_of_them():
    world = StreamWorld()
    live = world.live(epsilon=0.3)
    told = answers(live, [request(f"r{number}", eligible=["item01", "item04"]) for number in range(300)])
    share = {one["item_id"]: one["propensity"] for one in told}
    assert set(share) == {"item01", "item04"}
    assert sum(share.values()) == pytest.approx(1, abs=1e-6)
    (alone,) = answers(live, [request("only", eligible=["item02"])])
    assert (alone["item_id"], alone["propensity"]) == ("item02", 1)


def test_rules_hold_from_their_line_on():
    live = StreamWorld().live(epsilon=1.0)

    def shown(first, n=400):
        return [one.get("item_id") for one in answers(live, [request(f"r{first + k}") for k in range(n)])]

    assert len(set(shown(0))) == 6
    assert answers(live, [b'{"rules":{"exclude":["item00","item05"]}}']) == []
    assert set(shown(1_000)) == {"item01", "item02", "item03", "item04"}
    answers(live, [b'{"rules":{"eligible":["item00","item01","item02"],"caps":{"item01":7}}}'])
    told = shown(2_000)
    assert told.count("item01") == 7
    assert set(told) == {"item01", "item02"}
    answers(live, [b'{"rules":{"eligible":null,"exclude":null,"caps":{"item01":3}}}'])
    assert shown(3_000).count("item01") == 3
    told = answers(live, [request("late", eligible=["item01"])])
    assert "No action" in told[0]["error"]


def test_a_budget_lasts_by_a_price_on_dear_actions():
    """Half of the items cost 1 a showing and earn more, half cost .1: the budget pays for few of the dear."""
    world = StreamWorld(5, taste=0.0)
    world.click = np.tile([0.16, 0.16, 0.16, 0.08, 0.08, 0.08], (3, 1))
    world.known = world.click.copy()
    cost = dict(zip(world.items, [1, 1, 1, 0.1, 0.1, 0.1], strict=True))
    live = world.live()
    n, budget = 8_000, 8_000 * 0.4
    live.answer([orjson.dumps({"budget": budget, "decisions": n})])
    spent, full = [], 0
    for start in range(0, n, 50):
        lines, segment = world.requests(50, start, first=start)
        told = [one for one in answers(live, lines) if "item_id" in one]
        segment = segment[[int(one["id"][1:]) - start for one in told]]
        rewards = map(orjson.loads, world.rewards(told, segment, start))
        live.answer(
            [
                orjson.dumps({**line, "cost": cost[one["item_id"]]})
                for line, one in zip(rewards, told, strict=True)
            ]
        )
        spent.append(sum(cost[one["item_id"]] for one in told))
        full += len(told) == 50
    assert 0.9 * budget < sum(spent) <= budget
    assert full > 0.97 * n / 50  # it lasted
    assert np.std(np.add.reduceat(spent, range(0, len(spent), 40))[1:-1]) < 0.25 * 40 * 50 * 0.4


def test_a_spent_budget_stops_decisions_until_there_is_another():
    live = StreamWorld().live()
    live.answer(
        [
            b'{"budget":1}',
            request("r1"),
            b'{"id":"r1","reward":1,"cost":1.5}',
            *[request(f"f{k}") for k in range(20)],
        ]
    )
    (told,) = answers(live, [request("r2")])
    assert told == {"id": "r2", "error": "The budget is spent."}
    told = answers(live, [b'{"budget":5}', request("r2")])
    assert told[0]["item_id"]


def serve_within(live, world, budget, cost_of, late, n=2_000, at_once=20):
    """Serve n requests of a budget whose costs come so many blocks late; what is spent, and why it stopped."""
    told_errors, waiting, spent, draw = set(), [], 0.0, np.random.default_rng(0)
    live.answer([orjson.dumps(budget)])
    for start in range(0, n, at_once):
        told = answers(live, world.requests(at_once, start, first=start)[0])
        told_errors |= {one["error"] for one in told if "error" in one}
        costs = {one["id"]: cost_of(one["item_id"], draw) for one in told if "item_id" in one}
        spent += sum(costs.values())
        waiting.append(
            [orjson.dumps({"id": name, "reward": 0, "cost": cost}) for name, cost in costs.items()]
        )
        if len(waiting) > late:
            assert answers(live, waiting.pop(0)) == []
    return spent, told_errors


COSTS = {
    "the same": lambda item, draw: 1.0,
    "by action": lambda item, draw: (1 + int(item[-1])) / 4,
    "at random": lambda item, draw: draw.uniform(0.2, 1.8),
    "by click": lambda item, draw: 5.0 * (draw.random() < 0.1),
}


@pytest.mark.parametrize("late", [5, 40])
@pytest.mark.parametrize("cost_of", COSTS.values(), ids=COSTS)
@pytest.mark.parametrize("budget", [{"budget": 200}, {"budget": 200, "decisions": 900}], ids=["", "paced"])
def test_a_budget_is_never_overshot_however_late_costs_are_known(budget, cost_of, late):
    world = StreamWorld(5)
    spent, told = serve_within(world.live(), world, budget, cost_of, late)
    assert (0.8 * 200 if late < 40 else 0) < spent <= 200  # few go ahead of the first costs
    assert told <= {"The budget is spent."} or any("under way" in one for one in told)


def test_a_restart_keeps_what_is_kept_for_decisions_under_way():
    world = StreamWorld(5)
    live, restored = world.live(), world.live()
    serve_within(live, world, {"budget": 300}, COSTS["at random"], 0, n=160)
    live.answer(world.requests(40, 1, first=400)[0])
    restore(restored, packed(live, None))
    assert 0 < live.spending.reserved == restored.spending.reserved
    ahead = world.requests(120, 1, first=500)[0]
    assert restored.answer(ahead).answers == live.answer(ahead).answers


def test_what_is_kept_for_decisions_under_way_can_be_asked_for():
    live = StreamWorld().live()
    lines = [request(f"r{number}") for number in range(12)]
    told = answers(live, [b'{"budget":5,"cost":0.5}', *lines])
    assert ["error" in one for one in told] == [False] * 10 + [True] * 2
    assert "kept for decisions under way (10)" in told[-1]["error"]
    assert answers(live, [b'{"id":"r0","reward":0}', lines[10]])[0]["item_id"]
    unknown = answers(StreamWorld().live(), [b'{"budget":5}', *lines[:2]])
    assert "item_id" in unknown[0]
    assert "kept for decisions under way (1)" in unknown[1]["error"]


def test_a_new_budget_keeps_for_what_was_under_way_before_it():
    live = StreamWorld().live()
    told = answers(live, [*[request(f"r{number}") for number in range(8)], b'{"id":"r0","reward":1}',
                          b'{"budget":10,"cost":1}', *[request(f"s{number}") for number in range(8)]])  # fmt: skip
    assert ["error" in one for one in told] == [False] * 11 + [True] * 5


def test_a_drift_is_noticed_and_answered_with_exploration():
    world = StreamWorld(6, taste=0.8)
    live = world.live()
    world.run(live, 6_000)
    assert live.rewards.drifts == 0
    offline = world.known.argmax(axis=1)
    world.click = world.click[:, ::-1].copy()
    earned = world.run(live, 12_000, 9, first=6_000)
    assert live.rewards.drifts >= 1
    stays, best = world.click[np.arange(3), offline].mean(), world.click.max(axis=1).mean()
    assert earned[-3_000:].mean() > stays + 0.7 * (best - stays)


def test_memory_holds_the_decisions_of_the_window_and_later_rewards_are_refused():
    world = StreamWorld(4)
    live = world.live(reward_window=500)
    world.run(live, 6_000)
    assert len(live.decisions.index) == live.decisions.size - live.decisions.first < 500 + 1_024
    oldest = live.decisions.first
    (refused,) = answers(live, [orjson.dumps({"id": f"r{oldest - 1}", "reward": 1, "replace": True})])
    assert "--reward-window" in refused["error"]
    assert answers(live, [orjson.dumps({"id": f"r{oldest + 100}", "reward": 1, "replace": True})]) == []
    (again,) = answers(live, [request("r0", "s1")])  # an id that is forgotten is decided anew
    assert again["item_id"] in world.items


def test_what_the_policy_obeys_is_obeyed_in_each_decision():
    world = StreamWorld(2, items=4)
    obeyed = LiveConstraints(
        needed={"user_id": "frequency_cap"}, frequency_cap=2, free=(3,), caps={"item00": 30}, floor=0.05,
        budget={"budget": 40, "decisions": 1_000},
    )  # fmt: skip
    live = LivePolicy(world.offline()._replace(constraints=obeyed), Settings())
    (refused,) = answers(live, [request("nobody")])
    assert "user_id" in refused["error"]
    (known,) = answers(live, [orjson.dumps({"id": "unknown user", "context": {"user_id": None}})])
    assert known["propensity"] >= 0.05
    shown, spent = [], 0
    for start in range(0, 600, 40):  # the same users within a block
        lines = [
            orjson.dumps({"id": f"r{start + k}", "context": {"user_id": f"u{k // 10 + start // 40 * 4}"}})
            for k in range(40)
        ]
        told = answers(live, lines)
        shown += [
            (orjson.loads(line)["context"]["user_id"], one["item_id"])
            for line, one in zip(lines, told, strict=True)
        ]
        dear = [one for one in told if one["item_id"] != "item03"]
        spent += len(dear)
        live.answer([orjson.dumps({"id": one["id"], "reward": 0, "cost": 1}) for one in dear])
    counts = Counter(shown)
    assert max(n for (_, item), n in counts.items() if item != "item03") == 2
    assert max(n for (_, item), n in counts.items() if item == "item03") > 2  # shows no ad
    assert sum(n for (_, item), n in counts.items() if item == "item00") <= 30
    assert 36 <= spent <= 40
    assert {item for _, item in shown[-200:]} == {"item03"}


def test_impressions_so_far_are_known_to_the_stream_itself():
    world = StreamWorld(2, items=4)
    offline = world.offline()
    features = (*offline.encoder.features, Feature(SO_FAR, "number", center=0.0, scale=1.0))
    live = LivePolicy(
        offline._replace(
            encoder=ContextEncoder(features),
            columns=["segment", SO_FAR],
            expected=lambda encoded, _: 0.1 + 0 * encoded[:, :1] * np.ones(4),
            constraints=LiveConstraints(frequency_cap=9),
        ),
        Settings(),
    )
    users = ["a", "b", "a", "a", "b"]
    lines = [orjson.dumps({"id": f"r{k}", "context": {"user_id": user}}) for k, user in enumerate(users)]
    told = live.answer(lines).answers
    assert live.decisions[np.arange(5)]["context"][:, -1].tolist() == [0, 0, 1, 2, 1]
    assert live.answer(lines).answers == told  # sent again, they are answered as before


def test_what_cannot_be_obeyed_live_is_said_in_one_sentence():
    rows = np.zeros(2)
    limits = (Limit("stock.a", rows, 0.0, 0.1, 10.0), Limit("minimum_exposure.seller.x", rows, 0.0, -0.1))
    found = live_constraints(Rules((), limits, 3, 0.0, np.zeros(2, dtype=bool)))
    assert found.said == (
        "Of the policy's constraints are obeyed: frequency_cap, stock.a; "
        "not, as no single decision keeps a share or ratio: minimum_exposure.seller.x."
    )
    assert (found.caps, found.frequency_cap, dict(found.needed)) == (
        {"a": 10},
        3,
        {"user_id": "frequency_cap"},
    )
