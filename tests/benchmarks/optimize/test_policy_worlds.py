"""What learned policies earn in ten families of worlds, beside Vowpal Wabbit on the same logs.

    SEEDS=41,42 make bench    # with vowpalwabbit 9.11.9 beside adcli, which does not need it

Figures are shares of the gap between the logging policy and the best one, by the truth: what is deployed draws
its choices, with exploration; greedy takes the likeliest.
"""

import os
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from policy_worlds import FAMILIES, World

from adcli.optimize.policy_learning import learn_policy
from adcli.policies.members.member import RewardRows
from adcli.policies.reward_model import STACK

ROWS, TESTED = 50_000, 3_000
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "0,1,2,3,4").split(",")]
RATES = ("", " -l 0.05", " -l 0.005")
CROSSES = {"vw": "-q UA", "vw cubic": "-q UA --cubic UUA"}
LARGEST_FOR_VW = 25_000_000  # rows x actions that are written out as text


def shares(chosen, chances, logged):
    """The share of the gap that a policy of these probabilities, shape (n, K), closes."""
    base, best = (chances * logged).sum(axis=1).mean(), chances.max(axis=1).mean()
    return ((chances * chosen).sum(axis=1).mean() - base) / (best - base)


def likeliest(chosen):
    """All on the likeliest action."""
    return np.eye(chosen.shape[1])[chosen.argmax(axis=1)]


def best_member(log, context, chances, logged):
    """The greedy share of the member of the stack that is best by the truth, on contexts as encoded."""
    rows = RewardRows(
        log.encoder.encode(log.impressions), log.logged.action, log.logged.reward,
        np.ones(log.logged.reward.size), log.features,
    )  # fmt: skip
    fitted = [one.tuned(rows, "logit").fit(rows, "logit") for one in STACK if one.can_learn(rows)]
    return max(shares(likeliest(scores.of_all(context)), chances, logged) for scores in fitted)


def ours(world, drawn, tested):
    """Greedy and deployed shares, the chosen candidate's lower bound over the truth, CPU seconds."""
    contexts, action, click, propensity = drawn
    names = np.array([f"a{k:03d}" for k in range(world.given.actions)])
    log = world.frame(contexts).with_columns(
        item_id=pl.Series(names[action]),
        click=pl.Series(click).cast(pl.Int8),
        propensity=pl.Series(propensity),
    )
    started = time.process_time()
    learned = learn_policy(log, items=world.items())
    spent = time.process_time() - started
    own = learned.policy.probabilities(world.frame(tested))
    whole = np.zeros((len(tested), len(names)))
    whole[:, np.searchsorted(names, learned.policy.actions.frame["item_id"].to_numpy())] = own
    chances, logged = world.chances(tested), world.logging_policy(tested)
    value = float((whole * chances).sum(axis=1).mean())
    bound = learned.candidates.filter("chosen")["lower_bound"][0]
    shown = np.searchsorted(names, learned.log.actions.frame["item_id"].to_numpy())
    context = learned.log.encoder.encode(world.frame(tested))
    return {
        "greedy": shares(likeliest(whole), chances, logged),
        "deployed": shares(whole, chances, logged),
        "member": best_member(learned.log, context, chances[:, shown], logged[:, shown]),
        "bound": bound / value,
        "cpu": spent,
    }


def written(path, world, contexts, action=None, click=None, propensity=None):
    """Contexts as Vowpal Wabbit's multiline text, with labels where they are logged."""
    described = [
        f"|A i{k} " + " ".join(f"e{j}:{value:.3f}" for j, value in enumerate(row))
        for k, row in enumerate(world.features)
    ]
    with path.open("w") as out:
        for number, row in enumerate(contexts):
            if world.family == "segments":
                words = f"s{row[0]} h{row[1]}"
            else:
                words = " ".join(f"x{j}:{value:.3f}" for j, value in enumerate(row))
            lines = described.copy()
            if action is not None:
                k = action[number]
                lines[k] = f"0:{-int(click[number])}:{propensity[number]:.5f} {lines[k]}"
            out.write(f"shared |U {words}\n" + "\n".join(lines) + "\n\n")


def theirs(folder, world, drawn, tested):
    """The best share of three learning rates, without and with cubic terms, by the truth."""
    vw = pytest.importorskip("vowpalwabbit")
    log, test, model, predicted = (folder / name for name in ("log", "test", "model", "predicted"))
    written(log, world, *drawn)
    written(test, world, tested)
    chances, logged, found = world.chances(tested), world.logging_policy(tested), {}
    for name, crosses in CROSSES.items():
        reached = []
        for rate in RATES:
            learner = f"--cb_adf --cb_type mtr {crosses} --ignore_linear U{rate} --quiet -f {model}"
            vw.Workspace(learner, data=str(log)).finish()
            vw.Workspace(f"-t -i {model} --quiet -p {predicted}", data=str(test)).finish()
            lines = [line for line in predicted.read_text().splitlines() if line.strip()]
            best = np.array([int(line.split(",")[0].split(":")[0]) for line in lines])
            reached.append(shares(np.eye(world.given.actions)[best], chances, logged))
        found[name] = max(reached)
    return found


def measured(folder: Path, family, seed, rows=ROWS, *, peer=True):
    """All figures of one world."""
    world = World(family, seed)
    drawn, tested = world.log(rows), world.contexts(TESTED)
    figures = ours(world, drawn, tested)
    if peer and rows * world.given.actions <= LARGEST_FOR_VW:
        figures |= theirs(folder, world, drawn, tested)
    told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    print(f"{family} {seed}: {told}", flush=True)
    return figures


@pytest.mark.benchmark
def test_policies_beat_vowpal_wabbit_in_ten_families(tmp_path):
    pytest.importorskip("vowpalwabbit")
    found = {family: [measured(tmp_path, family, seed) for seed in SEEDS] for family in FAMILIES}
    means = {
        family: {name: float(np.mean([one[name] for one in runs])) for name in runs[0]}
        for family, runs in found.items()
    }
    compared = [one for one in means.values() if "vw" in one]
    total = {name: np.mean([one[name] for one in compared]) for name in ("greedy", "deployed", *CROSSES)}
    bounds = np.array([one["bound"] for runs in found.values() for one in runs])
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=3):
        print(pl.DataFrame([{"family": family, **one} for family, one in means.items()]))
    print({name: round(float(value), 3) for name, value in total.items()})
    print(f"lower bounds: mean {bounds.mean():.2f} of the truth, {np.mean(bounds > 1):.1%} above it")
    for family, one in means.items():
        assert one["deployed"] > 0.95 * one["greedy"], family
        assert one["greedy"] > max(one.get(name, 0.0) for name in CROSSES), family
        assert one["greedy"] > one["member"] - 0.02, family
    assert total["greedy"] > 1.2 * total["vw"]
    assert total["deployed"] > 1.15 * total["vw"]
    assert bounds.mean() > 0.8
    assert np.mean(bounds > 1) <= 0.1
