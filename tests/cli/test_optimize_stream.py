"""`adcli optimize stream`: a pipe that decides, learns, and loses nothing."""

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from stream_world import StreamWorld

SERVE = ("optimize", "stream", "policy", "--state", "live")


@pytest.fixture
def world(tmp_path):
    made = StreamWorld(2, taste=0.5)
    made.save_policy(tmp_path / "policy")
    return made


def lines_of(world, n, first=0):
    """Requests, and clicks for those before."""
    requests, _ = world.requests(n, 3, first)
    lines = []
    for number, line in enumerate(requests, first):
        lines.append(line)
        if number >= first + 20:
            lines.append(b'{"id":"r%d","reward":%d}' % (number - 20, number % 7 == 0))
    return lines


def joined(lines):
    return b"".join(line + b"\n" for line in lines)


def test_decisions_come_in_the_order_asked_and_errors_among_them(adcli, world):
    done = adcli(
        *SERVE,
        stdin=b'\xef\xbb\xbf{"id":"a","context":{"segment":"s1"}}\noops\n\n{"id":2,"eligible":["item01"]}',
    )
    assert done.returncode == 0
    first, wrong, last = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["id", "item_id", "propensity"]
    assert "no JSON" in wrong["error"]
    assert last == {"id": 2, "item_id": "item01", "propensity": 1}
    assert "3 read = 2 used + 1 rejected" in done.said


def test_a_restart_goes_on_as_if_there_had_been_none(adcli, world):
    lines = lines_of(world, 600)
    whole = adcli("optimize", "stream", "policy", "--state", "whole", stdin=joined(lines))
    parts = [
        adcli(*SERVE, stdin=joined(lines[start : start + 300])).stdout for start in range(0, len(lines), 300)
    ]
    assert b"".join(parts) == whole.stdout
    (world_shown, live_shown) = (
        json.loads(adcli("optimize", "stream", "--state", name, "--show").stdout)
        for name in ("whole", "live")
    )
    assert world_shown["rewards_counted"] == live_shown["rewards_counted"] == 580
    assert world_shown["actions"] == live_shown["actions"]


def test_the_journal_alone_gives_the_same_as_the_snapshot(adcli, world, tmp_path):
    lines = lines_of(world, 600)
    whole = adcli("optimize", "stream", "policy", "--state", "whole", stdin=joined(lines)).stdout
    start = adcli(*SERVE, stdin=joined(lines[:700])).stdout
    (tmp_path / "live" / "snapshot").unlink()
    assert start + adcli(*SERVE, stdin=joined(lines[700:])).stdout == whole


def test_a_damaged_snapshot_is_no_loss_and_a_damaged_journal_is_told(adcli, world, tmp_path):
    lines = lines_of(world, 300)
    adcli(*SERVE, stdin=joined(lines))
    snapshot, journal = tmp_path / "live" / "snapshot", tmp_path / "live" / "journal.ndjson"
    flip(snapshot, 1_000)
    assert (
        json.loads(adcli("optimize", "stream", "--state", "live", "--show").stdout)["rewards_counted"] == 280
    )
    whole = journal.read_bytes()
    adcli(*SERVE, stdin=b'{"id":"one more"}')
    journal.write_bytes(whole)  # it lacks what the snapshot knows of
    assert "is damaged: it has" in adcli("optimize", "stream", "--state", "live", "--show").said
    snapshot.unlink()
    flip(journal, 1_000)
    done = adcli("optimize", "stream", "--state", "live", "--show")
    assert done.returncode == 3
    assert "journal.ndjson is damaged" in done.said


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def test_decisions_are_impressions_that_policies_are_valued_on(adcli, world, tmp_path):
    lines, segment = world.requests(1_500)
    told = [
        json.loads(line)
        for line in adcli(*SERVE, "--epsilon", "0.5", stdin=joined(lines)).stdout.splitlines()
    ]
    adcli(*SERVE, "--epsilon", "0.5", stdin=joined(world.rewards(told, segment)[:1_400]))
    done = adcli("optimize", "stream", "--state", "live", "--export", "-o", "impressions.parquet")
    assert "1,500 read = 1,400 written + 100 rejected" in done.said
    assert "100 decisions without a reward so far" in done.said
    table = pl.read_parquet(tmp_path / "impressions.parquet")
    assert table.columns == ["id", "event_time", "item_id", "propensity", "click", "cost", "segment"]
    assert table["item_id"].to_list() == [one["item_id"] for one in told[:1_400]]
    assert table["segment"].to_list() == [world.segments[number] for number in segment[:1_400]]
    valued = adcli("evaluate", "policy", "uniform", "impressions.parquet", "--to", "ndjson")
    assert valued.returncode == 0, valued.said
    truth = world.click.mean()
    rows = [json.loads(line) for line in valued.stdout.splitlines()]
    (found,) = [row for row in rows if row["estimator"] == "snips" and row["policy"] == "uniform"]
    assert found["ci_low"] < truth < found["ci_high"]


def test_what_a_state_was_begun_with_stays(adcli, world, tmp_path):
    adcli(*SERVE, stdin=b'{"id":"a"}')
    done = adcli(*SERVE, "--epsilon", "0.2", stdin=b'{"id":"b"}')
    assert (done.returncode, done.stdout) == (2, b"")
    assert "was begun with --epsilon 0.02, not 0.2" in done.said
    StreamWorld(9).save_policy(tmp_path / "other")
    done = adcli("optimize", "stream", "other", "--state", "live", stdin=b'{"id":"b"}')
    assert done.returncode == 2
    assert "another policy" in done.said


def test_a_state_of_another_version_or_no_state_is_told(adcli, world, tmp_path):
    done = adcli("optimize", "stream", "--state", "nowhere", "--show")
    assert done.returncode == 3
    adcli(*SERVE, stdin=b'{"id":"a"}')
    about = tmp_path / "live" / "stream.json"
    about.write_text(about.read_text().replace("stream/3", "stream/9"))
    done = adcli(*SERVE, stdin=b'{"id":"b"}')
    assert (done.returncode, done.stdout) == (3, b"")
    assert "'stream/9'" in done.said
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "file").touch()
    done = adcli("optimize", "stream", "policy", "--state", "things", stdin=b'{"id":"b"}')
    assert done.returncode == 2


def start(folder, *arguments, **streams):
    """The command in a process of its own, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "adcli", *arguments], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, bufsize=0, **streams,
    )  # fmt: skip


def ask(running, line):
    running.stdin.write(line + b"\n")
    return json.loads(running.stdout.readline())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_all_that_was_answered(world, tmp_path, adcli, number, code):
    with start(tmp_path, *SERVE) as running:
        told = ask(running, b'{"id":"a"}')
        second = start(tmp_path, *SERVE)
        _, said = second.communicate(b'{"id":"b"}\n')
        assert second.returncode == 1
        assert b"Another `adcli optimize stream` writes to live" in said
        running.send_signal(number)
        said = running.stderr.read()
        assert running.wait() == code
    assert (b"kept in live" in said) == (number == signal.SIGINT)
    again = adcli(*SERVE, stdin=b'{"id":"a"}')
    assert json.loads(again.stdout) == told


def test_a_closed_pipe_ends_it_quietly(world, tmp_path, adcli):
    with start(tmp_path, *SERVE) as running:
        told = ask(running, b'{"id":"a"}')
        running.stdout.close()
        running.stdin.write(b'{"id":"b"}\n')
        assert (running.wait(), running.stderr.read()) == (141, b"")
    first, _ = map(json.loads, adcli(*SERVE, stdin=b'{"id":"a"}\n{"id":"b"}').stdout.splitlines())
    assert first == told


def test_a_full_disk_ends_it_in_a_sentence_and_what_was_answered_is_kept(world, tmp_path, adcli):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    lines = lines_of(world, 400)
    with start(tmp_path, *SERVE, "--durable", "power", preexec_fn=limit) as running:
        told = []
        try:
            for place in range(0, len(lines), 10):
                block = lines[place : place + 10]
                running.stdin.write(joined(block))
                told += [running.stdout.readline() for line in block if b"context" in line]
                time.sleep(0.002)
        except BrokenPipeError:
            pass
        assert running.wait() == 1
        said = running.stderr.read().decode()
    told = [line for line in told if line]
    assert "journal.ndjson cannot be written" in said
    assert "kept" in said
    again = adcli(*SERVE, stdin=joined(lines))
    assert again.stdout.splitlines(keepends=True)[: len(told)] == told
    shown = json.loads(adcli("optimize", "stream", "--state", "live", "--show").stdout)
    assert (shown["decisions"], shown["rewards_counted"]) == (400, 380)


def test_standard_output_that_is_full_ends_it_in_a_sentence(world, tmp_path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "adcli", *SERVE], cwd=tmp_path, input=b'{"id":"a"}', stdout=full,
            stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert b"Standard output cannot be written" in done.stderr
    assert b"kept in live" in done.stderr


def test_options_that_lead_nowhere_are_refused(adcli, world):
    assert adcli("optimize", "stream", "--state", "live", stdin=b"").returncode == 2
    done = adcli(*SERVE, "-o", "decisions.ndjson", stdin=b'{"id":"a"}')
    assert done.returncode == 2
    assert "standard output" in done.said
