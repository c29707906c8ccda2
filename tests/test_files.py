"""Outputs appear whole or not at all."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from adcli.errors import DataError, UsageError
from adcli.files import AtomicDirectory, AtomicFile, manifest_path, owner, sweep_stale, temporary_beside
from adcli.tables.manifest import verify, write_manifest


def test_a_file_has_no_name_before_it_is_committed(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    file = AtomicFile(target)
    file.handle.write(b"new")
    assert target.read_text() == "old"
    size, _ = file.seal()
    assert size == 3
    file.commit()
    assert target.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


def test_an_aborted_file_leaves_the_old_one_and_no_trace(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    file = AtomicFile(target)
    file.handle.write(b"half")
    file.abort()
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


def left_by(owner, folder, name="out.csv", *, days=0.0):
    """A leftover of a process, last written some days ago."""
    path = folder / f".{name}.adcli-{owner}-0badcafe.tmp"
    path.write_text("half")
    os.utime(path, (time.time() - days * 86_400,) * 2)
    return path


def ended_process():
    """Who a process was that has ended."""
    script = "from adcli.files import owner; print(owner())"
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_only_leftovers_of_dead_processes_are_swept(tmp_path):
    dead = ended_process()
    left_by(dead, tmp_path)
    folder = tmp_path / f".spill.adcli-{dead}-0badcafe.tmp"
    folder.mkdir()
    (folder / "part").write_text("x")
    mine = temporary_beside(tmp_path / "out.csv")
    mine.write_text("in progress")
    os.utime(mine, (0, 0))
    foreign = tmp_path / ".out.csv.tmp"
    foreign.write_text("somebody else's")
    assert sweep_stale(tmp_path) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([mine.name, foreign.name])


def test_what_a_process_did_not_finish_goes_with_it_but_not_with_its_forks(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from adcli.files import temporary_beside\n"
        "part = temporary_beside(Path(sys.argv[1])); part.write_text('half')\n"
        "if os.fork() == 0: sys.exit()\n"
        "os.wait(); assert part.exists(); os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out.csv")], check=False, capture_output=True
    )
    assert b"KeyboardInterrupt" in done.stderr
    assert not list(tmp_path.iterdir())


def test_leftovers_of_other_machines_and_containers_go_by_age_alone(tmp_path):
    _, pid, started = ended_process().split("-")  # here no process of that number runs; elsewhere one may
    live = left_by(f"0badf00d-{pid}-{started}", tmp_path, "live.csv", days=6)
    left_by(f"0badf00d-{pid}-{started}", tmp_path, "old.csv", days=8)
    training = tmp_path / f".policy.adcli-0badf00d-{pid}-{started}-0badcafe.tmp"
    training.mkdir()
    (training / "checkpoint").write_text("written just now")
    os.utime(training, (0, 0))
    assert sweep_stale(tmp_path) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([live.name, training.name])


def test_a_number_given_to_another_process_does_not_keep_a_leftover(tmp_path):
    place, pid, started = owner().split("-")
    left_by(f"{place}-{pid}-{int(started) + 1}", tmp_path)
    assert sweep_stale(tmp_path) == 1


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-pf", "true"], check=False).returncode != 0,
    reason="needs the right to make a PID namespace",
)
def test_a_run_in_another_pid_namespace_keeps_its_files(tmp_path):
    """Two containers of one host that share a folder: each has processes of the same numbers."""
    script = (
        "import sys, time; from pathlib import Path; from adcli.files import AtomicFile\n"
        "file = AtomicFile(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()\n"
        "file.handle.write(b'whole'); file.seal(); file.commit()"
    )
    target = tmp_path / "out.csv"
    command = ["unshare", "-pf", sys.executable, "-c", script, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "open\n"
        assert sweep_stale(tmp_path) == 0
        other.communicate()
    assert target.read_text() == "whole"


def test_a_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        AtomicFile(tmp_path / "nowhere" / "out.csv")


def test_a_directory_replaces_an_output_of_adcli_but_nothing_else(tmp_path):
    target = tmp_path / "policy"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="not an output of adcli"):
        AtomicDirectory(target)
    write_manifest(target, {"output": {"sha256": "0"}})
    directory = AtomicDirectory(target)
    (directory.temporary / "policy.json").write_text("{}")
    directory.seal()
    directory.commit()
    assert [entry.name for entry in target.iterdir()] == ["policy.json"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["policy", "policy.meta.json"]


class Killed(BaseException):
    """The end of a run, at once."""


@pytest.mark.parametrize("is_described", [False, True])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_directory_whose_run_was_killed_while_it_took_its_name_can_be_made_again(
    tmp_path, is_there, is_described
):
    target = tmp_path / "policy"
    if is_there:
        target.mkdir()
        (target / "policy.json").write_text("old")
        write_manifest(target, {"output": {"sha256": "old"}})
    killed = AtomicDirectory(target)
    (killed.temporary / "policy.json").write_text("new")

    def describe():
        if is_described:
            write_manifest(target, {"output": {"sha256": "new"}})
        raise Killed

    with pytest.raises(Killed):
        killed.commit(describe)
    again = AtomicDirectory(target)
    (again.temporary / "policy.json").write_text("new")
    again.commit(lambda: write_manifest(target, {"output": {"sha256": "new"}}))
    assert (target / "policy.json").read_text() == "new"


def test_a_changed_file_is_found_by_its_manifest(tmp_path):
    target = tmp_path / "out.csv"
    file = AtomicFile(target)
    file.handle.write(b"a,b\n1,2\n")
    _, sha256 = file.seal()
    file.commit()
    write_manifest(target, {"output": {"sha256": sha256}})
    verify(target)
    target.write_bytes(b"a,b\n1,3\n")
    with pytest.raises(DataError, match="not what its manifest"):
        verify(target)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"output": 3}', '{"output": {"sha256": null}}', "[" * 100_000]
)
def test_a_manifest_that_cannot_be_read_is_said_in_a_sentence(tmp_path, content):
    target = tmp_path / "out.csv"
    target.write_text("a\n")
    manifest_path(target).write_text(content)
    with pytest.raises(DataError, match="cannot be read"):
        verify(target)


def test_a_manifest_is_json_that_people_can_read(tmp_path):
    target = tmp_path / "out.csv"
    write_manifest(target, {"output": {"sha256": "abc"}, "path": target})
    assert json.loads(manifest_path(target).read_text())["path"] == os.fspath(target)
