"""Running the installed command as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Result = subprocess.CompletedProcess


@pytest.fixture
def adcli(tmp_path: Path) -> Callable[..., Result]:
    """Call `adcli ARGUMENTS` in an empty folder: text in and out, no terminal."""

    def call(
        *arguments: object, stdin: bytes | str = b"", env: dict[str, str] | None = None, timeout: float = 120
    ) -> Result:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(
            [sys.executable, "-m", "adcli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
            timeout=timeout,
            check=False,
        )
        done.text = done.stdout.decode("utf-8", "replace")
        done.said = done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in done.said, done.said
        return done

    return call
