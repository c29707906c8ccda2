"""A seeded share of `write_points.py`, which tries each point at which cleaning writes, and random times."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_kill_where_cleaning_writes_tears_nothing():
    """In a process of its own: polars does not outlive a fork once it has threads."""
    script = Path(__file__).with_name("write_points.py")
    done = subprocess.run(
        [sys.executable, script, "0", "1", "7"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("0 wrong") == 3
