"""Ranks that this process starts, through torch's own launcher."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import adcli
from adcli.core.cache import writable_directory
from adcli.core.processes.job import Job
from adcli.core.processes.runtime import available_cores
from adcli.errors import AdcliError

STOP_WITHIN_S = 10.0


class LaunchedRanks:
    """Processes of this machine at work on a job, made of what `run_ranks` is given."""

    def __init__(self, function: str, settings: Mapping[str, object], processes: int) -> None:
        name = f"job-{os.getpid()}-{secrets.token_hex(4)}"
        self.job = Job.create(writable_directory("work") / name, function, settings, processes)
        self._processes, self._log = processes, self.job.folder / "log"
        command = [sys.executable, "-P", "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={processes}", "-m", "adcli.core.processes.worker"]
        with self._log.open("wb") as stream:
            self._launcher = subprocess.Popen(
                [*command, str(self.job.folder)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=_environment(processes),
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise an `AdcliError` if a rank failed, or they ended without a result."""
        code = self._launcher.poll()
        if self.job.failure() is not None or (code is not None and not self.job.is_finished()):
            raise failure_of(self.job, self._log, self._processes, code)

    def close(self) -> None:
        """Wait a while until they are done, then stop them."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._launcher.wait(STOP_WITHIN_S)
        self.stop()

    def stop(self) -> None:
        """End them, and remove what they left."""
        if self._launcher.poll() is None:
            os.killpg(self._launcher.pid, signal.SIGKILL)
            self._launcher.wait()
        shutil.rmtree(self.job.folder, ignore_errors=True)


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


def failure_of(job: Job, log: Path, processes: int, code: int | None) -> AdcliError:
    """Why the processes are not well, as one sentence."""
    failed = job.failure()
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
