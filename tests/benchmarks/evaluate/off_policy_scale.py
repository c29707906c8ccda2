"""Off-policy evaluation at scale: a policy and a reward model that depend on the row, 80 items, 3 positions.

    python off_policy_scale.py                                   # ours, 1 M and 10 M rows
    python off_policy_scale.py --obp-python PYTHON --obp-source FOLDER   # and obp 0.5.7, 1 M rows, interleaved

Each run is a process of its own: CPU seconds from the moment the log is in memory, and the peak of resident
memory over the whole process; numpy's products have one thread in both. obp needs dense arrays of rows x items x positions, so building them from the same
weights is part of its time; fitting the reward model is part of neither. The three estimates must agree.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ITEMS, POSITIONS, FEATURES = 80, 3, 20
CHUNK = 100_000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def world(rows):
    """The weights of the policy and the reward model, and the log in columns."""
    rng = np.random.default_rng(0)
    weights = {
        "policy": rng.normal(0, 0.3, (FEATURES, ITEMS)).astype(np.float32),
        "place": rng.normal(0, 0.3, (POSITIONS, ITEMS)).astype(np.float32),
        "reward": rng.normal(0, 0.1, (FEATURES, ITEMS)).astype(np.float32),
    }
    context = [2 * rng.random(rows, dtype=np.float32) - 1 for _ in range(FEATURES)]
    action = rng.integers(0, ITEMS, rows, dtype=np.int8)
    position = rng.integers(0, POSITIONS, rows, dtype=np.int8)
    click = (rng.random(rows, dtype=np.float32) < 0.005).astype(np.int8)
    return weights, context, action, position, click


def ours(rows):
    """Our estimates, in chunks."""
    import polars as pl

    from adcli.policies import estimators as e
    from adcli.policies.actions import action_set
    from adcli.policies.context import ContextEncoder
    from adcli.policies.features import Feature
    from adcli.policies.logged import logged_rows
    from adcli.policies.policy import ScoredPolicy
    from adcli.policies.prepared import PreparedLog, Question
    from adcli.policies.reward_model import RewardFit, RewardModel
    from adcli.policies.rows import FittedReward, policy_rows
    from adcli.policies.scores import Scores

    weights, context, action, position, click = world(rows)
    names = [f"c{number:02d}" for number in range(FEATURES)]
    items = np.array([f"{number:02d}" for number in range(ITEMS)])
    log = pl.DataFrame(dict(zip(names, context, strict=True))).with_columns(
        item_id=pl.Series(action).cast(pl.String).str.pad_start(2, "0"),
        placement=pl.Series(position).cast(pl.String),
        propensity=pl.lit(1 / ITEMS),
        click=pl.Series(click),
    )
    del context, action, position
    started, cpu = time.perf_counter(), time.process_time()
    numbers = tuple(Feature(name, "number", scale=1.0) for name in names)
    places = Feature("placement", "category", categories=tuple(str(p) for p in range(POSITIONS)))
    encoder = ContextEncoder((*numbers, places))
    padding = np.zeros((1, ITEMS), dtype=np.float32)
    actions = action_set(log)
    assert actions.frame["item_id"].to_list() == items.tolist()
    bias = np.zeros(ITEMS, dtype=np.float32)
    policy = ScoredPolicy(
        "scale",
        actions,
        encoder,
        Scores(np.vstack([weights["policy"], weights["place"], padding]), bias),
        "softmax",
        0.0,
    )
    model = RewardModel(
        Scores(np.vstack([weights["reward"], np.zeros((POSITIONS + 1, ITEMS), np.float32)]), bias - 5),
        "logit",
        0.0,
        1.0,
    )
    reward = FittedReward(
        encoder, RewardFit((model,), model, "given", {}, 1.0, 0.0, {}), np.zeros(log.height, np.int32)
    )
    logged = logged_rows(log, actions)
    known = np.zeros((ITEMS, 0), dtype=np.float32)
    prepared = PreparedLog(Question(), log, actions, logged, encoder, known, [], [], [])
    found = policy_rows(prepared, policy, reward)
    values = {
        "ips": e.ips(logged.reward, found.weight).value,
        "snips": e.snips(logged.reward, found.weight).value,
        "dr": e.dr(logged.reward, found.weight, found.q_logged, found.q_policy).value,
    }
    return values, time.perf_counter() - started, time.process_time() - cpu


def theirs(rows, source):
    """obp's estimates, on the dense arrays it requires."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.INFO)
    sys.path.insert(0, source)
    from obp import ope

    weights, columns, action, position, click = world(rows)
    context = np.column_stack(columns)
    started, cpu = time.perf_counter(), time.process_time()
    policy = np.empty((rows, ITEMS, POSITIONS))
    q = np.empty((rows, ITEMS, POSITIONS))
    for start in range(0, rows, CHUNK):
        part = slice(start, start + CHUNK)
        expected = 1 / (1 + np.exp(5 - context[part] @ weights["reward"]))
        for place in range(POSITIONS):
            scores = context[part] @ weights["policy"] + weights["place"][place]
            chances = np.exp(scores - scores.max(axis=1, keepdims=True))
            policy[part, :, place] = chances / chances.sum(axis=1, keepdims=True)
            q[part, :, place] = expected
    policy /= policy.sum(axis=1, keepdims=True)
    evaluation = ope.OffPolicyEvaluation(
        bandit_feedback={
            "n_rounds": rows,
            "n_actions": ITEMS,
            "action": action.astype(int),
            "reward": click.astype(float),
            "pscore": np.full(rows, 1 / ITEMS),
            "position": position.astype(int),
            "context": context,
        },
        ope_estimators=[
            ope.InverseProbabilityWeighting(estimator_name="ips"),
            ope.SelfNormalizedInverseProbabilityWeighting(estimator_name="snips"),
            ope.DoublyRobust(estimator_name="dr"),
        ],
    )
    values = evaluation.estimate_policy_values(action_dist=policy, estimated_rewards_by_reg_model=q)
    return values, time.perf_counter() - started, time.process_time() - cpu


def measured(python, *arguments):
    """What one run in a process of its own reports."""
    command = [python, str(Path(__file__).resolve()), "--run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(given):
    """Print each run, and the ratios where obp is there."""
    runs = {"adcli": [], "obp": []}
    for _ in range(given.repeats):
        runs["adcli"].append(measured(sys.executable, "adcli", str(given.rows)))
        if given.obp_python:
            runs["obp"].append(measured(given.obp_python, "obp", str(given.rows), given.obp_source))
    large = measured(sys.executable, "adcli", str(10 * given.rows))
    print(f"{'':8} {'rows':>12} {'wall s':>8} {'CPU s':>8} {'peak GB':>8}   ips, snips, dr")
    for name, results in [*runs.items(), ("adcli", [large])]:
        for result in results:
            values = ", ".join(f"{result[key]:.8f}" for key in ("ips", "snips", "dr"))
            print(
                f"{name:8} {result['rows']:12,} {result['wall']:8.2f} {result['cpu']:8.2f} "
                f"{result['peak'] / 1e9:8.2f}   {values}"
            )
    if given.obp_python:
        median = {
            name: {key: np.median([one[key] for one in results]) for key in ("cpu", "peak", "dr")}
            for name, results in runs.items()
        }
        print(
            f"CPU: obp / adcli = {median['obp']['cpu'] / median['adcli']['cpu']:.1f}   "
            f"peak memory: adcli / obp = {median['adcli']['peak'] / median['obp']['peak']:.2f}   "
            f"dr differs by {abs(median['adcli']['dr'] / median['obp']['dr'] - 1):.1e}"
        )


def main():
    """Compare, or be one of the runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--obp-python", default="")
    parser.add_argument("--obp-source", default="")
    parser.add_argument("--run", nargs="+", default=[])
    given = parser.parse_args()
    if not given.run:
        compare(given)
        return
    name, rows, *source = given.run
    values, wall, cpu = ours(int(rows)) if name == "adcli" else theirs(int(rows), source[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    numbers = {key: float(value) for key, value in values.items()}
    print(json.dumps(numbers | {"rows": int(rows), "wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
