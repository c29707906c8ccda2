"""Work that takes over two seconds is shown on a terminal, whatever it is, and nowhere else."""

import os
import threading
import time

import pytest
from terminal_watch import watch

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
