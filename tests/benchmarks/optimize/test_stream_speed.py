"""How much a stream decides per CPU second, text in to text out with its journal, beside Vowpal Wabbit's driver."""

import os
import resource
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import orjson
import polars as pl
import pytest

from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.state import State, begin
from adcli.policies.actions import ActionSet
from adcli.policies.context import fit_context
from adcli.policies.policy import ScoredPolicy
from adcli.policies.scores import Scores
from adcli.policies.store import save_policy

ACTIONS, EVENTS, PEER_EVENTS, DELAY = 34, 500_000, 100_000, 500
LEVELS = {"user_feature_0": 4, "user_feature_1": 7, "user_feature_2": 9, "user_feature_3": 6, "position": 3}
PEERS = ("--cb_explore_adf --epsilon .05", "--cb_explore_adf --squarecb")


@pytest.fixture(scope="module")
def contexts():
    draw = np.random.default_rng(0)
    columns = {
        name: [f"{name}={level}" for level in draw.integers(0, levels, EVENTS)]
        for name, levels in LEVELS.items()
    }
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, contexts):
    """The directory of a policy whose scores are linear in the context, and the lines of a stream."""
    made = tmp_path_factory.mktemp("stream")
    encoder = fit_context(contexts, contexts.columns)
    draw = np.random.default_rng(1)
    weights = draw.normal(0, 0.3, (len(encoder.names), ACTIONS)).astype(np.float32)
    actions = ActionSet(pl.DataFrame({"item_id": [f"item{number:02d}" for number in range(ACTIONS)]}))
    scores = Scores(weights, np.full(ACTIONS, -3.0, dtype=np.float32))
    (made / "policy").mkdir()
    save_policy(
        ScoredPolicy("direct method", actions, encoder, scores, "greedy", 0.02, "logit"),
        made / "policy",
        {"reward": "click"},
    )
    clicks = draw.random(EVENTS) < 0.05
    with (made / "requests.ndjson").open("wb") as lines:
        for number, context in enumerate(contexts.iter_rows(named=True)):
            lines.write(orjson.dumps({"id": f"r{number}", "context": context}) + b"\n")
            if number >= DELAY:
                lines.write(b'{"id":"r%d","reward":%d}\n' % (number - DELAY, clicks[number]))
    return made


def cpu_seconds(command, folder, **streams):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, **streams)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stream_rate(folder, durable):
    """Decisions per CPU second, each with a reward; the start of the program among them."""
    command = [
        sys.executable,
        "-m",
        "adcli",
        "optimize",
        "stream",
        "policy",
        "--state",
        durable,
        "--durable",
        durable,
        "-q",
    ]
    with (folder / "requests.ndjson").open() as asked, (folder / "decisions.ndjson").open("w") as told:
        return EVENTS / cpu_seconds(command, folder, stdin=asked, stdout=told)


def vw_rate(folder, contexts, options):
    draw = np.random.default_rng(2)
    shown, clicks = draw.integers(0, ACTIONS, PEER_EVENTS), draw.random(PEER_EVENTS) < 0.05
    with (folder / "vw.txt").open("w") as lines:
        for context, action, click in zip(contexts.iter_rows(), shown, clicks, strict=False):
            ads = [f"|A i{number}" for number in range(ACTIONS)]
            ads[action] = f"0:{-int(click)}:{1 / ACTIONS:.5f} {ads[action]}"
            lines.write(f"shared |U {' '.join(context)}\n" + "\n".join(ads) + "\n\n")
    code = f"import vowpalwabbit as v; v.Workspace('{options} --cb_type mtr -q UA --quiet -p vw.out', data='vw.txt').finish()"
    return PEER_EVENTS / cpu_seconds([sys.executable, "-c", code], folder)


@pytest.mark.benchmark
@pytest.mark.skipif(not find_spec("vowpalwabbit"), reason="pip install vowpalwabbit==9.11.9")
def test_decisions_per_cpu_second_beside_vowpal_wabbit(folder, contexts):
    own = {durable: stream_rate(folder, durable) for durable in ("process", "power")}
    peers = {options: vw_rate(folder, contexts, options) for options in PEERS}
    for name, rate in (own | peers).items():
        print(f"\n{name:32} {rate:10,.0f} decisions with a reward per CPU second", end="")
    ratios = {durable: rate / max(peers.values()) for durable, rate in own.items()}
    print(f"\nadcli over Vowpal Wabbit: {ratios}")
    assert ratios["process"] >= 3
    assert ratios["power"] >= 2.5  # a disk's own work is charged to the writer as well


@pytest.mark.benchmark
def test_a_block_of_16_is_answered_within_2_ms(folder):
    begin(folder / "blocks", folder / "policy", None, Settings())
    state = State(folder / "blocks", "process")
    lines = (folder / "requests.ndjson").read_bytes().split(b"\n")[: 16 * 6_000]
    quiet = os.getloadavg()[0] < os.cpu_count()
    wall, cpu = [], []
    for start in range(0, len(lines), 16):
        began, used = time.perf_counter(), time.thread_time()
        state.answer(lines[start : start + 16])
        wall.append(time.perf_counter() - began)
        cpu.append(time.thread_time() - used)
    state.close()
    for name, took in (("wall", wall[1_000:]), ("CPU", cpu[1_000:])):
        print(
            f"\na block of 16 lines, {name}: p50 {np.median(took) * 1e3:.2f} ms, p99 {np.quantile(took, 0.99) * 1e3:.2f} ms"
        )
    assert np.quantile(cpu[1_000:], 0.99) < 0.002
    assert not quiet or np.quantile(wall[1_000:], 0.99) < 0.002
