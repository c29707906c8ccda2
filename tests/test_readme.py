"""Each block of the README runs as printed, in order, in one shell's folders."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from adcli.cli.app import app
from adcli.cli.commands import all_commands

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL)
ANSWERS = re.findall(r"^\| [^|]*\? \| `adcli (.*)` \|$", README, re.MULTILINE)


@pytest.mark.slow
def test_every_block_of_the_readme_runs():
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VENV": sys.prefix,
        "MAKEFLAGS": "",
    }
    folder = ROOT
    assert len(BLOCKS) >= 8
    for language, block in BLOCKS:
        command = (
            ["bash", "-euo", "pipefail", "-c", block] if language == "sh" else [sys.executable, "-c", block]
        )
        if block.startswith("cd "):
            folder = folder / block.split()[1]
            continue
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        # A closed pipe is how `head` ends what comes before it.
        assert done.returncode in (0, 141), f"{block}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        if block.startswith("make demo"):
            assert "agree with the truth" in done.stdout
            assert "report.html" in done.stdout


def test_each_question_has_a_command_that_takes_its_options():
    commands = dict(all_commands(app))
    asked = set()
    for answer in map(shlex.split, ANSWERS):
        words = tuple(answer[:2]) if tuple(answer[:2]) in commands else (answer[0],)
        commands[words].make_context("adcli", answer[len(words) :])
        asked.add(words)
    assert {words[0] for words in commands} == {words[0] for words in asked}
