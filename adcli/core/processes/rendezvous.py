"""Ranks that somebody else started together: below `torchrun` or `accelerate launch`.

    if started_from_outside() and join():
        return                   # ranks above 0 have run the jobs of rank 0 until it left

Rank 0 runs the command as if it were alone, and shares out what a model computes. All processes, on however
many machines, must see one cache folder.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from adcli.core.cache import writable_directory
from adcli.core.processes.job import POLL_S, Job, Rank
from adcli.core.processes.runtime import start_runtime
from adcli.errors import AdcliError, UsageError

OVER = "over"
_meeting_point: list[Path] = []
_job_numbers = count()


def join() -> bool:
    """Whether this process is a rank above 0, which has run all jobs by now.

    To be called once, before anything else, where `started_from_outside`. Raises UsageError if the
    environment is not that of a launcher; AdcliError if the processes do not see one cache folder, or a job
    fails.
    """
    try:
        rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ["WORLD_SIZE"])
        if not 0 <= rank < ranks:  # torch would wait for the others, who are somebody else
            raise ValueError(f"rank {rank} of {ranks}")
        folder, number = _rendezvous(), start_runtime(device="auto").rank
    except ValueError as error:
        raise UsageError(
            f"The environment says that a launcher started this process, with values it cannot use: {error}.",
            fix="Unset WORLD_SIZE and RANK, or start it below torchrun.",
        ) from None
    if number == 0:
        return False
    job = Job(folder / f"job-{next(_job_numbers):04}")
    while folder.exists() and not (folder / OVER).exists():
        if job.folder.exists():
            Rank(number, job.description["processes"], job).run()
            job = Job(folder / f"job-{next(_job_numbers):04}")
        else:
            time.sleep(POLL_S)
    return True


class JoinedRanks:
    """The ranks of this launch at work on a job: others where they wait, rank 0 in a thread beside."""

    def __init__(self, function: str, settings: Mapping[str, object], processes: int) -> None:
        folder = _rendezvous() / f"job-{next(_job_numbers):04}"
        self.job = Job.create(folder, function, settings, processes)
        self._thread = threading.Thread(
            target=_run, args=(Rank(0, processes, self.job),), name="adcli-rank-0", daemon=True
        )
        self._thread.start()

    def check(self) -> None:
        """Raise an `AdcliError` if a rank failed."""
        if (failed := self.job.failure()) is not None:
            processes = self.job.description["processes"]
            raise AdcliError(f"Process {failed[0] + 1} of {processes} failed: {failed[1]}")

    def close(self) -> None:
        """Wait until rank 0 is done."""
        self._thread.join()

    def stop(self) -> None:
        """Leave the job, where the others may still look, until rank 0 leaves; a thread can not be ended."""


def _run(rank: Rank) -> None:
    with contextlib.suppress(Exception):  # the job says it to the thread that asked
        rank.run()


def _rendezvous() -> Path:
    """The folder that all ranks of this launch share, agreed on once."""
    if _meeting_point:
        return _meeting_point[0]
    from accelerate.utils import broadcast_object_list

    runtime = start_runtime(device="auto")
    agreed: list[str | None] = [None]
    if runtime.rank == 0:
        folder = writable_directory("work") / f"together-{secrets.token_hex(6)}"
        folder.mkdir()
        agreed = [folder.name]
        atexit.register(_leave, folder)
    broadcast_object_list(agreed)
    found = writable_directory("work") / str(agreed[0])
    if not found.exists():
        raise AdcliError(
            f"Process {runtime.rank + 1} of {runtime.processes} does not see the cache folder of the first.",
            fix="Set ADCLI_CACHE to a folder on a file system that all machines share.",
        )
    _meeting_point.append(found)
    return found


def _leave(folder: Path) -> None:
    """Tell the others that the command is over, and leave them a moment to hear it."""
    (folder / OVER).touch()
    time.sleep(20 * POLL_S)
    gone = folder.rename(folder.with_name(f"{folder.name}.gone"))  # at once, so that nobody finds half of it
    shutil.rmtree(gone, ignore_errors=True)
