"""The writer's speed beside its peers: `make bench`."""

from __future__ import annotations

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
