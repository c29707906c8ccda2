"""Outputs are files of our own or streams that are written through; nothing that is read is ever overwritten."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading

import pytest


@pytest.fixture
def fifo(tmp_path):
    """A FIFO, and what a reader found in it once the writer is done."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()

    def content():
        reader.join(30)
        return found[0]

    return path, content


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_fifo_is_written_through_in_order_without_a_manifest(adcli, log, fifo, tmp_path):
    path, content = fifo
    expected = adcli("clean", log).stdout
    done = adcli("clean", log, "-o", path)
    assert done.returncode == 0, done.said
    assert content() == expected
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert names(tmp_path) == ["fifo", "log.csv"]


@pytest.fixture
def null(tmp_path):
    """A node of our own that is as /dev/null."""
    path = tmp_path / "null"
    if subprocess.run(["mknod", path, "c", "1", "3"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a device node")
    return path


def test_a_device_stays_what_it_is(adcli, log, null, tmp_path):
    for arguments in (
        ("clean", log, "-o", null, "--rejects", null),
        ("evaluate", "rates", log, "-o", "rates.csv", "--report", null),
    ):
        assert adcli(*arguments).returncode == 0
        assert stat.S_ISCHR(null.stat().st_mode)
    assert names(tmp_path) == ["log.csv", "null", "rates.csv", "rates.csv.meta.json"]


def test_a_full_device_is_a_sentence(adcli, log, tmp_path):
    full = tmp_path / "full"
    if subprocess.run(["mknod", full, "c", "1", "7"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a device node")
    done = adcli("clean", log, "-o", full)
    assert done.returncode == 1
    assert done.said.splitlines()[-1].startswith("error: No space left on device")
    assert stat.S_ISCHR(full.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name_is_standard_output(adcli, log, tmp_path, name):
    expected = adcli("clean", log).stdout
    (tmp_path / "link").symlink_to(name)
    for output in (name, "link"):
        with (tmp_path / "kept").open("wb") as kept:
            kept.write(b"before\n")
            kept.flush()
            done = subprocess.run(
                [sys.executable, "-m", "adcli", "clean", log, "-q", "-o", output],
                stdout=kept,
                cwd=tmp_path,
                check=False,
            )
        assert done.returncode == 0
        assert (tmp_path / "kept").read_bytes() == b"before\n" + expected
    assert names(tmp_path) == ["kept", "link", "log.csv"]


def test_a_descriptor_that_is_not_open_is_wrong_usage(adcli, log):
    done = adcli("clean", log, "-o", "/dev/fd/77")
    assert done.returncode == 2
    assert "nothing is open" in done.said


def test_a_symbolic_link_is_followed_to_its_target(adcli, log, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    for target in ("there.csv", "new.csv"):
        link = tmp_path / f"link-{target}"
        link.symlink_to(f"store/{target}")
    (store / "there.csv").write_text("old")
    for target in ("there.csv", "new.csv"):
        assert adcli("clean", log, "-o", f"link-{target}").returncode == 0
        assert (tmp_path / f"link-{target}").is_symlink()
        assert len((store / target).read_text().splitlines()) == 601
    assert names(store) == ["new.csv", "new.csv.meta.json", "there.csv", "there.csv.meta.json"]
    (store / "new.csv").write_text("changed,afterwards\n")
    assert "manifest" in adcli("clean", "link-new.csv").said, "it is checked by either name"
    (tmp_path / "circle").symlink_to("circle")
    assert "back to itself" in adcli("clean", log, "-o", "circle").said


def test_a_learned_directory_behind_a_symbolic_link_is_replaced_where_it_is(adcli, log, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "latest").symlink_to("store/policy")
    for seed in (1, 2):
        done = adcli("optimize", "policy", log, "-o", "latest", "--seed", seed)
        assert done.returncode == 0, done.said
    assert names(tmp_path / "store") == ["policy", "policy.meta.json"]
    assert adcli("optimize", "apply", "latest", log, "-o", "chosen.parquet").returncode == 0


def test_a_folder_is_no_file(adcli, log, tmp_path):
    (tmp_path / "folder").mkdir()
    for option in ("-o", "--rejects", "--report"):
        done = adcli("evaluate", "rates", log, option, "folder")
        assert done.returncode == 2
        assert "folder" in done.said
    assert names(tmp_path / "folder") == []


def test_no_output_takes_the_place_of_what_is_read(adcli, log, tmp_path):
    assert adcli("optimize", "policy", log, "-o", "policy").returncode == 0
    (tmp_path / "adcli.toml").write_text("[clean]\nto = 'csv'\n")
    shutil.copy(log, tmp_path / "more.csv")
    (tmp_path / "hard.csv").hardlink_to(log)
    before = names(tmp_path)
    hash_before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    apply = ("optimize", "apply", "policy", log)
    for arguments in (
        ("clean", "*og.csv", "mor[e].csv", "-o", "more.csv"),
        ("clean", log, "-o", "hard.csv"),
        ("clean", log, "-o", "adcli.toml", "--config", "adcli.toml"),
        ("clean", log, "--to", "csv", "-o", "policy.meta.json"),
        (*apply, "-o", "policy"),
        (*apply, "-o", "policy/more.csv"),
        (*apply, "--to", "csv", "-o", "policy/policy.json"),
        ("evaluate", "rates", log, "-o", "a.csv", "--report", "policy.meta.json"),
        ("evaluate", "policy", "policy", log, "-o", "a.csv", "--report", "policy/page.html"),
    ):
        done = adcli(*arguments)
        assert done.returncode == 2, (arguments, done.said)
        assert len(done.said.splitlines()[-1]) < 200
    assert names(tmp_path) == before
    assert hash_before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "redirection", ["< log.csv -o log.csv", "< log.csv --rejects log.csv", "log.csv >> log.csv"]
)
def test_what_a_shell_redirects_is_no_output_either(log, tmp_path, redirection):
    before = log.read_text()
    done = subprocess.run(
        f"{sys.executable} -m adcli clean {redirection}",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "never overwrites" in done.stderr
    assert log.read_text() == before


def test_the_manifests_of_a_run_tell_what_belongs_together(adcli, log, tmp_path):
    arguments = (
        "evaluate",
        "rates",
        log,
        "-o",
        "rates.csv",
        "--report",
        "page.html",
        "--rejects",
        "rejects.csv",
    )
    assert adcli(*arguments).returncode == 0
    sets = {
        name: json.loads((tmp_path / f"{name}.meta.json").read_text())["files"]
        for name in ("rates.csv", "page.html", "rejects.csv")
    }
    assert sets["rates.csv"] == sets["page.html"] == sets["rejects.csv"]
    assert sorted(sets["rates.csv"]) == ["page.html", "rates.csv", "rejects.csv"]
    written = [
        (tmp_path / f"{name}.meta.json").stat().st_mtime_ns
        for name in ("page.html", "rejects.csv", "rates.csv")
    ]
    assert written == sorted(written), "the manifest of the result comes last"


def test_texts_that_a_spreadsheet_computes_are_said_once_and_made_harmless(adcli, tmp_path):
    path = tmp_path / "products.csv"
    path.write_text("item_id,title,price\n-1,=1+1,2\n+2,@SUM(A1),3\n-x,ok,4\n")
    done = adcli("clean", path, "--to", "csv")
    assert done.returncode == 0
    assert done.said.count("--formula-safe") == 1
    safe = adcli("clean", path, "--to", "csv", "--formula-safe")
    assert "--formula-safe" not in safe.said
    assert safe.stdout.splitlines()[1:] == [b"-1,'=1+1,2", b"+2,'@SUM(A1),3", b"'-x,ok,4"]
    assert adcli("clean", path, "--to", "ndjson", "--formula-safe").returncode == 2


def test_rejected_rows_are_made_harmless_too(adcli, tmp_path):
    path = tmp_path / "products.csv"
    path.write_text("title,item_id\nlamp,1\n=1+1,\n")
    for option, raw in (("--formula-safe", '"\'=1+1,"'), ("--quiet", '"=1+1,"')):
        adcli("clean", path, option, "-o", "clean.csv", "--rejects", "rejects.csv")
        assert (tmp_path / "rejects.csv").read_text().splitlines()[1].endswith(f",{raw}")
