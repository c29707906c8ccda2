"""What a stream takes an offline policy to expect: by what the policy does, whatever it is called."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from adcli.optimize.stream.prior import offline_policy
from adcli.policies.actions import ActionSet
from adcli.policies.context import ContextEncoder
from adcli.policies.policy import ScoredPolicy
from adcli.policies.scores import Scores
from adcli.policies.store import load_policy, read_description, save_policy

RATES = np.array([0.01, 0.05, 0.2])
ACTIONS = ActionSet(pl.DataFrame({"item_id": ["a", "b", "c"]}))
ABOUT = {"reward": "click", "candidates": [{"value": 0.03, "chosen": True}]}


def policy(scores, **how):
    model = Scores(np.zeros((0, 3), np.float32), scores.astype(np.float32))
    return ScoredPolicy("any name", ACTIONS, ContextEncoder(), model, "greedy", 0.02, **how)


DIRECT = policy(np.log(RATES / (1 - RATES)), link="logit")
KINDS = {
    "greedy by log-odds": (DIRECT, RATES),
    "softmax of them": (replace(DIRECT, rule="softmax"), RATES),
    "a sharp softmax of them": (replace(DIRECT, rule="softmax", temperature=0.3), RATES),
    "greedy by rewards": (policy(RATES, link="identity"), RATES),
    "greedy by what is in proportion to rewards": (policy(RATES / RATES.max()), 0.03 * RATES / RATES.max()),
}


@pytest.mark.parametrize(("made", "expected"), KINDS.values(), ids=KINDS)
def test_scores_are_read_as_what_the_policy_says_they_are(tmp_path, made, expected):
    save_policy(made, tmp_path, ABOUT)
    offline = offline_policy(load_policy(tmp_path), read_description(tmp_path))
    found = offline.expected(np.zeros((5, 0)), pl.DataFrame)
    np.testing.assert_allclose(found, np.tile(expected, (5, 1)), rtol=1e-5)
