"""Running the installed command as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from warm_commands import WarmCommands

Result = subprocess.CompletedProcess


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 600 impressions."""
    path = tmp_path / "log.csv"
    path.write_text(
        "timestamp,visitorid,itemid,placement,click,pscore\n"
        + "".join(
            f"2024-05-01 12:{i % 60:02}:00.{i:06},u{i % 70},0012{i % 4},home,{int(i % 9 == 0)},0.25\n"
            for i in range(600)
        )
    )
    return path


@pytest.fixture
def adcli(tmp_path: Path, warm_commands: WarmCommands) -> Callable[..., Result]:
    """Call `adcli ARGUMENTS` in an empty folder: text in and out, no terminal.

    What `env` says to Python and the libraries as they load is said to a process that starts cold.
    """

    def call(
        *arguments: object, stdin: bytes | str = b"", env: dict[str, str] | None = None, timeout: float = 120
    ) -> Result:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **(env or {})}
        if all(name.startswith("ADCLI_") for name in env or {}):
            done = warm_commands.run(arguments, tmp_path, environment, stdin, timeout)
        else:
            done = subprocess.run(
                [sys.executable, "-m", "adcli", *map(str, arguments)],
                input=stdin,
                capture_output=True,
                cwd=tmp_path,
                env=environment,
                timeout=timeout,
                check=False,
            )
        done.text = done.stdout.decode("utf-8", "replace")
        done.said = done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in done.said, done.said
        return done

    return call
