"""Outputs appear whole or not at all."""

import json
import os
import subprocess
import sys

import pytest

from adcli.errors import DataError, UsageError
from adcli.files import AtomicDirectory, AtomicFile, manifest_path, sweep_stale, temporary_beside
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


def test_only_leftovers_of_dead_processes_are_swept(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    leftover = tmp_path / f".out.csv.adcli-{dead.stdout.strip()}-0badcafe.tmp"
    leftover.write_text("half")
    folder = tmp_path / f".spill.adcli-{dead.stdout.strip()}-0badcafe.tmp"
    folder.mkdir()
    (folder / "part").write_text("x")
    mine = temporary_beside(tmp_path / "out.csv")
    mine.write_text("in progress")
    foreign = tmp_path / ".out.csv.tmp"
    foreign.write_text("somebody else's")
    assert sweep_stale(tmp_path) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([mine.name, foreign.name])


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
