"""The installed command, started warm: forks of one process that has loaded what takes seconds to load.

with WarmCommands() as commands:
    done = commands.run(["clean", "log.csv"], folder, os.environ)       # as of `subprocess.run`
    running = commands.start(["clean", "log.csv"], folder, os.environ)  # without streams
    code = running.wait(60)                                             # None where it still runs after a minute

Each command is a process of its own with its own folder, environment, streams and end; only the libraries were
there before it. What the environment says to them as they load needs a start of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

import adcli

PRELOADED = (
    "pyarrow.dataset",
    "pyarrow.parquet",
    "scipy.stats",
    "scipy.optimize",
    "sklearn.cluster",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "statsmodels.stats.power",
    "statsmodels.stats.proportion",
    "lightgbm",
    "jinja2",
    "torch",
    "transformers.models.bert.modeling_bert",
    "transformers.models.llama.modeling_llama",
    "accelerate",
    "peft",
    "matplotlib.figure",
)
"""Libraries that commands load on the way; all of adcli's own modules, polars with them, are loaded beside."""

QUIET = {"_RJEM_MALLOC_CONF": "background_thread:false", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""So that polars and pyarrow start no threads for their memory, which a fork would not have."""

IDLE = {"polars-ooc-clea"}
"""A thread that tidies what polars puts on disk where memory is short, which no command of a test does."""


class Running:
    """One command under way; others may be beside it."""

    def __init__(self, server: subprocess.Popen[bytes], pid: int) -> None:
        self._server = server
        self._pid = pid
        self._is_awaited = False

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code, less than zero after a signal; none where it is still running."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        if not self._is_awaited:
            self._server.stdin.write(json.dumps({"wait": self._pid}).encode() + b"\n")
            self._is_awaited = True
        if not select.select([self._server.stdout], [], [], seconds)[0]:
            return None
        return int(self._server.stdout.readline())

    def kill(self) -> None:
        """End it by SIGKILL, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self.wait()


class WarmCommands:
    """A process with the libraries loaded, which commands are forks of."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **QUIET, "OMP_NUM_THREADS": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def start(
        self,
        arguments: Sequence[object],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[Path | str] = (os.devnull,) * 3,
    ) -> Running:
        """Start `adcli ARGUMENTS` in a folder, with its three standard streams from and to files."""
        asked = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "environment": dict(environment),
            "streams": [str(path) for path in streams],
        }
        self._server.stdin.write(json.dumps(asked).encode() + b"\n")
        return Running(self._server, int(self._server.stdout.readline()))

    def run(
        self,
        arguments: Sequence[object],
        folder: Path,
        environment: Mapping[str, str],
        stdin: bytes = b"",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[bytes]:
        """What `subprocess.run` gives: run it to its end, with a pipe for its input."""
        with tempfile.TemporaryDirectory() as beside:
            streams = [Path(beside, name) for name in ("stdin", "stdout", "stderr")]
            os.mkfifo(streams[0])
            threading.Thread(target=_feed, args=(streams[0], stdin), daemon=True).start()
            running = self.start(arguments, folder, environment, streams)
            code = running.wait(timeout)
            if code is None:
                running.kill()
                raise subprocess.TimeoutExpired(["adcli", *map(str, arguments)], timeout)
            return subprocess.CompletedProcess(
                ["adcli", *map(str, arguments)], code, *(path.read_bytes() for path in streams[1:])
            )


def _feed(fifo: Path, content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), fifo.open("wb") as pipe:
        pipe.write(content)


def serve() -> None:
    """Fork a command for each line that asks for one, and wait for it where that is asked; return in the fork."""
    own = (
        module.name
        for module in pkgutil.walk_packages(adcli.__path__, "adcli.")
        if "__main__" not in module.name
    )
    for name in (*PRELOADED, *own):
        importlib.import_module(name)
    if (tasks := Path("/proc/self/task")).exists():
        running = {
            path.joinpath("comm").read_text().strip()
            for path in tasks.iterdir()
            if path.name != str(os.getpid())
        }
        assert running <= IDLE, (
            f"what is loaded starts threads, which a fork would not have: {running - IDLE}"
        )
    gc.collect()
    gc.freeze()  # so that a fork's collections leave the shared memory alone
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            become(**asked)
            return
        print(pid, flush=True)
    os._exit(0)


def become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    """Be the process that `adcli ARGUMENTS` would have been, up to its first line."""
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    sys.argv = ["adcli", *arguments]


def end(code: int) -> NoReturn:
    """End as an interpreter does, but leave the memory that is shared with the server as it is."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
    from adcli.__main__ import main

    exit_code = 1
    try:
        main()
        exit_code = 0
    except SystemExit as ended:
        exit_code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - as an interpreter does it
        traceback.print_exc()
    end(exit_code)
