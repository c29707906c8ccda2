"""The writer's speed beside its peers, and what supervised learning reaches: `make bench`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("speed.py")


@pytest.mark.benchmark
def test_the_packed_writer_beside_its_peers(capsys):
    with capsys.disabled():
        done = subprocess.run([sys.executable, str(SCRIPT)], check=False)
    assert done.returncode == 0


@pytest.mark.benchmark
@pytest.mark.skipif("SLOGANS" not in os.environ, reason="SLOGANS names the file of slogans")
def test_slogans_of_companies_that_nothing_was_learned_of(capsys):
    script = SCRIPT.with_name("slogans.py")
    with capsys.disabled():
        done = subprocess.run([sys.executable, str(script), os.environ["SLOGANS"]], check=False)
    assert done.returncode == 0
