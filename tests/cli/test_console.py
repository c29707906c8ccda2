"""What is told while work goes on: a line every half minute, or a bar on a terminal."""

import os
import threading
import time

import pytest
from terminal_watch import watch

from adcli.cli import console, progress


@pytest.fixture
def clock(monkeypatch):
    """Sets the time that progress is measured by."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_without_a_terminal_a_plain_line_every_half_minute_says_how_long_it_will_take(clock, capsys):
    with console.Console().progress("encoding", 1000, "texts") as advance:
        for _ in range(7):
            clock(10)
            advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "encoding: 300 of 1,000 texts, 10/s, 70 s left",
        "encoding: 600 of 1,000 texts, 10/s, 40 s left",
    ]


def test_the_rest_is_told_from_the_share_that_is_done_where_the_whole_is_not_known(clock, capsys):
    with console.Console().progress("reading", share=lambda: 0.25) as advance:
        clock(30)
        advance(3_000_000)
    assert capsys.readouterr().err == "reading: 3,000,000 rows, 100,000/s, 90 s left\n"


def test_where_nothing_tells_the_whole_no_time_is_promised(clock, capsys):
    with console.Console().progress("reading") as advance:
        clock(7200)
        advance(100)
    assert capsys.readouterr().err == "reading: 100 rows, 0.014/s\n"


def test_hours_are_told_as_hours(clock, capsys):
    with console.Console().progress("writing", 100) as advance:
        clock(360)
        advance(5)
    assert capsys.readouterr().err == "writing: 5 of 100 rows, 0.014/s, 1:54:00 left\n"


def test_quiet_is_quiet(clock, capsys):
    with console.Console(quiet=True).progress("reading") as advance:
        clock(60)
        advance(100)
    assert capsys.readouterr().err == ""


UNITS = "variant,money\n" + "".join(f"{'ab'[n % 2]},{n % 7}\n" for n in range(400))
COMMAND = ("evaluate", "ab", "slow.csv", "--control", "a", "--metric", "money")


@pytest.fixture
def slow(tmp_path):
    """A file that keeps its reader waiting."""
    os.mkfifo(tmp_path / "slow.csv")

    def write():
        with (tmp_path / "slow.csv").open("w") as file:
            time.sleep(6)
            file.write(UNITS)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield tmp_path
    writer.join()


def test_a_step_that_counts_nothing_is_shown_while_it_lasts(slow):
    done = watch(COMMAND, slow)
    assert done.code == 0
    busy = [
        (seconds, text) for seconds, text in done.pieces if "━" in text and "recognising the input" in text
    ]
    assert len(busy) > 3
    assert "━" not in done.text.splitlines()[-1]
    assert "400 read = 400 used" in done.text.splitlines()[-1]


def test_without_a_terminal_nothing_of_it_is_said(adcli, slow):
    done = adcli(*COMMAND)
    assert done.returncode == 0
    assert "━" not in done.said
    assert "\x1b" not in done.said
