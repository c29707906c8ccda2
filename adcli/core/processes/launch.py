"""Several processes on one piece of work: a folder of units that each takes from, and no gather.

    crew = Crew("encode", settings, processes=2)
    for number, result in crew.run(units):          # the bytes of each unit, as they come
        ...

The parent writes units, torch's own launcher starts the processes, each claims a unit by creating a file,
computes it and renames its result into place; the parent takes each result once. Nothing waits for anything
but its own work, so uneven units can not hang, drop or double a row, and a process that dies is reported.

Below `torchrun` or `accelerate launch`, on one machine or several, the processes are there already: see
`adcli.core.processes.ensemble`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import adcli
from adcli.core.cache import cache_directory
from adcli.core.processes.runtime import available_cores, started_from_outside
from adcli.core.processes.units import UnitFolder
from adcli.errors import AdcliError

UNITS_AHEAD = 3  # for each process: enough to keep it busy, few enough to bound what lies on disk
POLL_S = 0.02
STOP_WITHIN_S = 10.0


class Crew:
    """Processes that compute units of one task, until they are closed or forgotten.

    Args:
        task: A name of `adcli.core.processes.tasks.TASKS`.
        settings: What the task needs to know, as JSON.
        processes: How many.
    """

    def __init__(self, task: str, settings: Mapping[str, object], *, processes: int) -> None:
        self._processes = processes
        self._units = 0
        if started_from_outside():
            from adcli.core.processes.ensemble import open_task

            self._folder, self._check, stop = open_task(task, settings, processes)
        else:
            name = f"{task}-{os.getpid()}-{secrets.token_hex(4)}"
            self._folder = UnitFolder.create(cache_directory("work") / name, task, settings, processes)
            self._check, stop = _start(self._folder, processes)
        self.close: Callable[[], object] = weakref.finalize(self, _close, self._folder, stop)

    def run(self, units: Iterable[list[str]]) -> Iterator[tuple[int, bytes]]:
        """The position of each unit and its result, each once, as they come.

        Raises:
            AdcliError: If a process fails.
        """
        first, waiting, source = self._units, set[int](), iter(units)
        unit = next(source, None)
        while waiting or unit is not None:
            while unit is not None and len(waiting) < UNITS_AHEAD * self._processes:
                self._folder.put(self._units, unit)
                waiting.add(self._units)
                self._units += 1
                unit = next(source, None)
            done = [number for number in sorted(waiting) if self._folder.is_done(number)]
            for number in done:
                waiting.remove(number)
                yield number - first, self._folder.take(number)
            if not done:
                self._check()
                time.sleep(POLL_S)


def _close(folder: UnitFolder, stop: Callable[[], None]) -> None:
    folder.end(0)
    stop()
    shutil.rmtree(folder.path, ignore_errors=True)


def _start(folder: UnitFolder, processes: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Start the processes; how to check that they are well, and how to stop them."""
    log = folder.path / "log"
    command = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", "adcli.core.processes.worker", str(folder.path)]
    with log.open("wb") as stream:
        launcher = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=_environment(processes),
            start_new_session=True,
        )

    def check() -> None:
        if (code := launcher.poll()) is not None or folder.failure() is not None:
            raise _failure(folder, log, processes, code)

    return check, lambda: _stop(launcher)


def _environment(processes: int) -> dict[str, str]:
    """The parent's environment, cores shared out, this very adcli first, nothing of the current folder."""
    package = str(Path(adcli.__file__).resolve().parents[1])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    threads = max(1, available_cores() // processes)
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false" if threads == 1 else "true",
    }


def _failure(folder: UnitFolder, log: Path, processes: int, code: int | None) -> AdcliError:
    """Why the processes are not well, as one sentence."""
    failed = folder.failure()
    if failed is not None:
        rank, message = failed
        return AdcliError(f"Process {rank + 1} of {processes} failed: {message}")
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    killed = next((found for line in lines if (found := re.search(r"exitcode\s*: -(\d+)", line))), None)
    number = int(killed[1]) if killed is not None else -(code or 0)
    if number > 0:
        which = "One of" if killed is not None else "What started"
        return AdcliError(
            f"{which} {processes} processes was ended by {signal.Signals(number).name}.",
            fix="If memory is short, give fewer --processes.",
        )
    errors = [line.strip() for line in lines if re.match(r"\s*([\w.]*Error|[\w.]*Exception)\b.*:", line)]
    last = errors[-1] if errors else next((line.strip() for line in reversed(lines) if line.strip()), "")
    return AdcliError(f"The {processes} processes ended early (exit code {code}): {last}")


def _stop(launcher: subprocess.Popen[bytes]) -> None:
    """End the launcher and its processes: by themselves, else by force."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        launcher.wait(STOP_WITHIN_S)
    if launcher.poll() is None:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()
