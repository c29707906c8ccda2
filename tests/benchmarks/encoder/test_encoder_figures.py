"""The encoder's figures, each printed by its script at a size that takes minutes: `make bench`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ONLY_THE_BASE = ("--only", "adcli default", "transformers fp32")

FIGURES = {
    "MiniLM": ("speed.py", "--texts", "1000"),
    "the shape of BERT-base": ("speed.py", "--shape", "bert-base", "--texts", "150"),
    "a shop's log": ("repeated.py",),
    "a competing process": ("contention.py", "--texts", "600"),
    "tuning": ("training.py", "--steps", "5"),
    "the next item": ("next_item.py", "--steps", "600"),
    "memory": ("memory.py", "--texts", "40000"),
}


def printed(capsys, *command: str, **environment: str) -> None:
    """Run a script of this folder and show what it prints."""
    with capsys.disabled():
        print(f"\n--- {' '.join(command)} {' '.join(f'{k}={v}' for k, v in environment.items())}", flush=True)
        done = subprocess.run(
            [sys.executable, *command], cwd=HERE, env={**os.environ, **environment}, check=False
        )
    assert done.returncode == 0


@pytest.mark.benchmark
@pytest.mark.parametrize("figure", FIGURES)
def test_figures(figure, capsys):
    printed(capsys, *FIGURES[figure])


@pytest.mark.benchmark
def test_a_cpu_without_bf16(capsys):
    printed(capsys, "speed.py", "--texts", "500", *ONLY_THE_BASE, ONEDNN_MAX_CPU_ISA="AVX2")
