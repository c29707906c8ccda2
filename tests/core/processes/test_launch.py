"""Several processes: the same vectors in the same order, and no failure swallowed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import models
import numpy as np
import pytest

from adcli.core.encoding.encoder import Encoder
from adcli.core.processes.job import Job, Rank, load_function
from adcli.core.processes.launch import failure_of
from adcli.core.processes.pool import compute_units
from adcli.core.processes.ranks import run_ranks
from adcli.core.processes.rendezvous import join
from adcli.core.processes.runtime import start_runtime
from adcli.core.processes.unit_queue import UnitQueue
from adcli.core.writing.writer import Writer
from adcli.errors import AdcliError, UsageError
from adcli.files import owner

TEXTS = [*models.shop_texts(150), ""]


@pytest.fixture
def job(tmp_path):
    return Job.create(tmp_path / "job", "adcli.nowhere:nothing", {}, 2)


@pytest.fixture
def queue(tmp_path):
    return UnitQueue.create(tmp_path / "queue")


def shout(rows):
    """A task that needs no model."""
    if "fail" in rows:
        raise ValueError("cannot shout that")
    return "".join(f"{row.upper()}!" for row in rows).encode()


def descendants(pid):
    """Process ids below a process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, todo = [], [pid]
    while todo:
        todo = [child for child, parent in parents.items() if parent in todo]
        found += todo
    return found


@pytest.mark.slow
def test_two_processes_give_the_vectors_of_one_and_a_killed_one_is_said_in_a_sentence(bert):
    before = descendants(os.getpid())  # of other tests, which they end
    one = Encoder.load(str(bert), exact=True, processes=1)
    two = Encoder.load(str(bert), exact=True, processes=2)
    np.testing.assert_array_equal(two.encode(TEXTS), one.encode(TEXTS))
    np.testing.assert_array_equal(two.encode(TEXTS[::-1]), one.encode(TEXTS)[::-1])
    launched = set(descendants(os.getpid())) - set(before)
    folder = two._engine._pool._ranks.job.folder
    assert folder.exists()
    workers = [pid for pid in launched if "adcli.core.processes.worker" in command_of(pid)]
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGKILL)
    with pytest.raises(AdcliError, match=r"SIGKILL.*--processes"):
        encode_for_ever(two)
    two._engine._pool.close()
    assert not folder.exists()
    assert not [pid for pid in launched if Path(f"/proc/{pid}").exists()]


def encode_for_ever(encoder):
    while True:
        encoder.encode([str(time.monotonic_ns())])


def command_of(pid):
    """A process's command, up to torch's launcher."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return "" if "torch.distributed.run" in words else " ".join(words)


FAILED = """torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
Root Cause (first observed failure):
[0]:
  exitcode  : {code} (pid: 18)
"""


@pytest.mark.parametrize(
    ("failure", "log", "said"),
    [
        ("the folder is gone", "", r"Process 2 of 2 failed: the folder is gone"),
        (None, FAILED.format(code=-9), r"One of 2 processes was ended by SIGKILL.*fewer --processes"),
        (None, "ImportError: no gloo\n" + FAILED.format(code=1), r"ended early \(exit code 1\).*"),
        (None, "out of luck\n", r"ended early \(exit code 1\): out of luck"),
        (None, "", r"ended early"),
    ],
)
def test_why_processes_ended_is_one_sentence(job, failure, log, said):
    if failure:
        job.fail(1, failure)
    (job.folder / "log").write_text(log)
    assert re.search(said, str(failure_of(job, job.folder / "log", 2, 1)))


def test_a_killed_launcher_is_one_sentence(job, tmp_path):
    said = str(failure_of(job, tmp_path / "none", 2, -9))
    assert said.startswith("What started 2 processes was ended by SIGKILL.")


OUTSIDE = """
import json, os, sys
from adcli.core.processes.rendezvous import join
from adcli.core.processes.runtime import start_runtime
from adcli.errors import AdcliError
from adcli.files import owner
if join():
    sys.exit(0)
said = []
for count in (1, 3):
    try:
        start_runtime(processes=count)
    except AdcliError as error:
        said.append(str(error))
from adcli.core.encoding.encoder import Encoder
from adcli.core.writing.writer import Writer
texts = json.load(open(sys.argv[1]))
vectors = Encoder.load(sys.argv[2], exact=True).encode(texts)
written = Writer.load(sys.argv[3], exact=True).write(texts[:20], n=2, max_new_tokens=5, seed=1)
json.dump([said, vectors.tolist(), written], open(sys.argv[4], "w"))
"""


@pytest.mark.slow
def test_below_torchrun_rank_0_runs_the_command_and_the_other_works_for_it(tmp_path, bert, llama):
    (tmp_path / "run.py").write_text(OUTSIDE)
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    names = [str(tmp_path / "texts.json"), str(bert), str(llama), str(tmp_path / "out.json")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(tmp_path / "run.py"), *names],
        env=environment,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    said, vectors, written = json.loads((tmp_path / "out.json").read_text())
    assert said == [
        f"{count} processes were asked for and 2 came up. "
        "Give --processes and the launcher the same number, or leave --processes out."
        for count in (1, 3)
    ]
    np.testing.assert_array_equal(
        np.array(vectors, np.float32), Encoder.load(str(bert), exact=True).encode(TEXTS)
    )
    assert written == Writer.load(str(llama), exact=True).write(TEXTS[:20], n=2, max_new_tokens=5, seed=1)


def test_fewer_processes_than_asked_for_are_an_error_not_a_silence(monkeypatch):
    start_runtime()  # so that Accelerate, which is set up once, does not look for the others of the launch
    for name, value in {"WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AdcliError, match="2 processes were asked for and 1 came up"):
        start_runtime(processes=2)


@pytest.mark.parametrize("rank", ["-1", "2", "first"])
def test_a_rank_that_there_cannot_be_is_refused_at_once(rank, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="values it cannot use"):
        join()


def test_each_unit_is_computed_by_one_of_the_processes(queue):
    for number in range(5):
        queue.put(number, [f"a{number}", "b"])
    queue.end(5)
    queue.claim(2)  # another process is at it
    compute_units(queue, shout, lambda: False)
    assert [queue.is_done(number) for number in range(5)] == [True, True, False, True, True]
    queue.finish(2, b"other")
    assert [queue.take(number) for number in range(5)] == [b"A0!B!", b"A1!B!", b"other", b"A3!B!", b"A4!B!"]


def test_what_a_unit_fails_with_is_left_for_the_process_that_shares_out(job, queue, monkeypatch):
    queue.put(0, ["fail"])
    monkeypatch.setattr(
        "adcli.core.processes.job.load_function",
        lambda name: lambda settings, rank: compute_units(queue, shout, lambda: False),
    )
    with pytest.raises(ValueError, match="cannot shout"):
        Rank(1, 2, job).run()
    assert job.failure() == (1, "cannot shout that")
    assert not job.is_finished()


def test_a_worker_ends_when_the_process_that_shares_out_is_gone(job, queue):
    assert not job.is_abandoned()
    (job.folder / "owner").write_text(f"{owner().partition('-')[0]}-4194305-1")
    compute_units(queue, shout, job.is_abandoned)
    with pytest.raises(AdcliError, match="is gone"):
        Rank(0, 2, job).say("hello")


def test_a_job_that_its_owner_is_removing_is_abandoned(job):
    (job.folder / "owner").unlink()
    assert job.is_abandoned()


def test_what_rank_0_says_is_heard_once_in_order_and_others_are_not_heard(job):
    first, second = Rank(0, 2, job), Rank(1, 2, job)
    assert job.messages(0) == ([], 0)
    first.say({"step": 1})
    second.say("not I")
    first.say([2, None])
    said, end = job.messages(0)
    assert said == [{"step": 1}, [2, None]]
    with (job.folder / "messages").open("a") as stream:
        stream.write('"half of')
    assert job.messages(end) == ([], end)


@pytest.mark.parametrize("name", ["os:system", "adclix.tools:run", "json:loads"])
def test_only_functions_of_adcli_are_run(name):
    with pytest.raises(ValueError, match="no function of adcli"):
        load_function(name)


@pytest.mark.slow
def test_a_rank_that_fails_is_one_sentence_for_the_process_that_asked():
    with pytest.raises(AdcliError, match=r"Process [12] of 2 failed: .*nothing"):
        run_ranks("adcli.core.processes.ranks:nothing", {}, processes=2)
