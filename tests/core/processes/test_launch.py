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
from adcli.core.processes.launch import _failure
from adcli.core.processes.runtime import row_range, start_runtime
from adcli.core.processes.tasks import TASKS
from adcli.core.processes.units import UnitFolder
from adcli.core.processes.worker import work_off
from adcli.core.writing.writer import Writer
from adcli.errors import AdcliError

TEXTS = [*models.shop_texts(150), ""]


@pytest.fixture
def folder(tmp_path):
    return UnitFolder.create(tmp_path / "work", "shout", {"mark": "!"}, 2)


@pytest.fixture(autouse=True)
def shout(monkeypatch):
    """A task that needs no model."""

    def task(settings, processes):
        def compute(rows):
            if "fail" in rows:
                raise ValueError("cannot shout that")
            return "".join(row.upper() + settings["mark"] for row in rows).encode()

        return compute

    monkeypatch.setitem(TASKS, "shout", task)


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
    folder = two._engine._crew._folder.path
    assert folder.exists()
    workers = [pid for pid in launched if "adcli.core.processes.worker" in command_of(pid)]
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGKILL)
    with pytest.raises(AdcliError, match=r"SIGKILL.*--processes"):
        encode_for_ever(two)
    two._engine._crew.close()
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
def test_why_processes_ended_is_one_sentence(folder, failure, log, said):
    if failure:
        folder.fail(1, failure)
    (folder.path / "log").write_text(log)
    assert re.search(said, str(_failure(folder, folder.path / "log", 2, 1)))


def test_a_killed_launcher_is_one_sentence(folder, tmp_path):
    said = str(_failure(folder, tmp_path / "none", 2, -9))
    assert said.startswith("What started 2 processes was ended by SIGKILL.")


OUTSIDE = """
import json, os, sys
from adcli.core.processes.ensemble import join
from adcli.core.processes.runtime import start_runtime
from adcli.errors import AdcliError
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


def test_each_unit_is_computed_by_one_of_the_processes(folder):
    for number in range(5):
        folder.put(number, [f"a{number}", "b"])
    folder.end(5)
    folder.claim(2)  # another process is at it
    work_off(folder, 0)
    assert [folder.is_done(number) for number in range(5)] == [True, True, False, True, True]
    folder.finish(2, b"other")
    assert [folder.take(number) for number in range(5)] == [b"A0!B!", b"A1!B!", b"other", b"A3!B!", b"A4!B!"]


def test_what_a_unit_fails_with_is_left_for_the_process_that_shares_out(folder):
    folder.put(0, ["fail"])
    with pytest.raises(ValueError, match="cannot shout"):
        work_off(folder, 1)
    assert folder.failure() == (1, "cannot shout that")


def test_a_worker_ends_when_the_process_that_shares_out_is_gone(tmp_path, monkeypatch):
    folder = UnitFolder.create(tmp_path / "work", "shout", {"mark": "!"}, 1)
    task = json.loads((folder.path / "task.json").read_text())
    task["owner"][1] = 4_194_305
    (folder.path / "task.json").write_text(json.dumps(task))
    work_off(folder, 0)


@pytest.mark.parametrize(("rows", "processes"), [(0, 2), (1, 2), (7, 3), (100, 7), (5, 5)])
def test_row_ranges_share_out_each_row_once_in_order(rows, processes):
    ranges = [row_range(rows, rank, processes) for rank in range(processes)]
    assert [row for part in ranges for row in part] == list(range(rows))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


def test_a_folder_that_its_owner_is_removing_is_over(tmp_path):
    folder = UnitFolder.create(tmp_path / "work", "shout", {"mark": "!"}, 2)
    assert not folder.is_over(0)
    (folder.path / "task.json").unlink()
    assert folder.is_over(0)
