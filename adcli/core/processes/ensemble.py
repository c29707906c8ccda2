"""Processes that somebody else started together: below `torchrun` or `accelerate launch`.

    if started_from_outside() and join():
        return                   # ranks above 0 have worked for rank 0 until it was done

Rank 0 runs the command as if it were alone, and shares out what a model computes. All processes, on however
many machines, must see one cache folder.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from adcli.core.cache import cache_directory
from adcli.core.processes.runtime import start_runtime
from adcli.core.processes.units import UnitFolder
from adcli.core.processes.worker import POLL_S, work_off
from adcli.errors import AdcliError

OVER = "over"
_place: list[Path] = []


def join() -> bool:
    """Whether this process was one of the helpers, whose work is done by now.

    To be called once, before anything else, where `started_from_outside`.

    Raises:
        AdcliError: If the processes do not see one cache folder, or a task fails.
    """
    place, rank = _meet(), int(os.environ["RANK"])
    if rank == 0:
        return False
    task = 0
    while place.exists() and not (place / OVER).exists():
        folder = UnitFolder(place / f"task-{task:04}")
        if folder.path.exists():
            work_off(folder, rank)
            task += 1
        else:
            time.sleep(POLL_S)
    return True


def open_task(
    task: str, settings: Mapping[str, object], processes: int
) -> tuple[UnitFolder, Callable[[], None], Callable[[], None]]:
    """A folder that all processes work off, this one in a thread beside; how to check and how to stop it."""
    place = _meet()
    number = sum(1 for _ in place.glob("task-*"))
    folder = UnitFolder.create(place / f"task-{number:04}", task, settings, processes)
    thread = threading.Thread(target=_work_beside, args=(folder,), name="adcli-rank-0", daemon=True)
    thread.start()

    def check() -> None:
        if (failed := folder.failure()) is not None:
            raise AdcliError(f"Process {failed[0] + 1} of {processes} failed: {failed[1]}")

    return folder, check, thread.join


def _work_beside(folder: UnitFolder) -> None:
    try:
        work_off(folder, 0)
    except Exception:  # noqa: BLE001 - the folder says it to the thread that shares out
        return


def _meet() -> Path:
    """The folder that all processes of this run share, agreed on once."""
    if _place:
        return _place[0]
    from accelerate.utils import broadcast_object_list

    runtime = start_runtime(device="auto")
    agreed: list[str | None] = [None]
    if runtime.is_main:
        folder = cache_directory("work") / f"together-{secrets.token_hex(6)}"
        folder.mkdir()
        agreed = [folder.name]
        atexit.register(_part, folder)
    broadcast_object_list(agreed)
    place = cache_directory("work") / str(agreed[0])
    if not place.exists():
        raise AdcliError(
            f"Process {runtime.rank + 1} of {runtime.processes} does not see the cache folder of the first.",
            fix="Set ADCLI_CACHE to a folder on a file system that all machines share.",
        )
    _place.append(place)
    return place


def _part(folder: Path) -> None:
    """Tell the others that the command is over, and leave them a moment to hear it."""
    (folder / OVER).touch()
    time.sleep(20 * POLL_S)
    gone = folder.rename(folder.with_name(f"{folder.name}.gone"))  # at once, so that nobody meets half of it
    shutil.rmtree(gone, ignore_errors=True)
