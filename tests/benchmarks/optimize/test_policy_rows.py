"""What learning from all rows of a long log gains over a sample of 200,000: click chances are known."""

import numpy as np
import polars as pl
import pytest
from policy_worlds import World

from adcli.policies.members.random_effects import RandomEffectsMember
from adcli.policies.prepared import Question, prepare_log
from adcli.policies.reward_model import STACK
from adcli.policies.rows import fit_reward

ROWS, JUDGED = 1_000_000, 20_000
LINEAR = STACK[:2]  # with products of columns


@pytest.mark.benchmark
@pytest.mark.parametrize("family", ["linear", "quadratic", "rare clicks"])
def test_all_rows_teach_no_less_than_a_sample(family, monkeypatch, capsys):
    world = World(family, 7)
    contexts, action, click, propensity = world.log(ROWS)
    frame = world.frame(contexts).with_columns(
        item_id=pl.Series([f"a{one:03d}" for one in range(world.given.actions)])[action.tolist()],
        click=pl.Series(click.astype(np.int8)),
        propensity=pl.Series(propensity),
    )
    log = prepare_log(frame, Question(), world.items())
    judged = world.contexts(JUDGED)
    chances, context = world.chances(judged), log.encoder.encode(world.frame(judged))
    found = {}
    for rows in ("all", "sample"):
        if rows == "sample":
            monkeypatch.setattr(RandomEffectsMember, "fit_all", lambda *_: None)
        model = fit_reward(log, LINEAR).model
        expected = np.clip(model.full.predict(context), 1e-6, 1 - 1e-6).astype(np.float64)
        loss = -np.mean(
            chances * np.log(expected / chances) + (1 - chances) * np.log((1 - expected) / (1 - chances))
        )
        earned = chances[np.arange(JUDGED), expected.argmax(axis=1)].mean() / chances.max(axis=1).mean()
        found[rows] = loss, earned, model.learned_from
    with capsys.disabled():
        for rows, (loss, earned, learned_from) in found.items():
            print(
                f"\n{family}, {rows}: divergence {1e4 * loss:.2f}e-4, earns {earned:.4f} of the best; {learned_from}"
            )
    assert found["all"][0] <= found["sample"][0]
    assert found["all"][1] >= found["sample"][1] - 0.002
