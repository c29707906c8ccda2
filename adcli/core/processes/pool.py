"""Processes that compute units of work: a queue that each takes from, and no gather.

    pool = WorkerPool("adcli.core.encoding.worker_pool:encode_units", settings, processes=2)
    for number, result in pool.run(units):          # the bytes of each unit, as they come
        ...

The parent puts units into a queue, each rank claims one after another, computes it and hands in the result;
the parent takes each result once. Nothing waits for anything but its own work, so uneven units can not hang,
drop or double a row, and a process that dies is reported.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from adcli.core.processes.job import POLL_S, Rank, load_function
from adcli.core.processes.ranks import Ranks, start_ranks
from adcli.core.processes.unit_queue import UnitQueue
from adcli.errors import AdcliError

QUEUE = "queue"
UNITS_AHEAD = 3  # for each process: enough to keep it busy, few enough to bound what lies on disk

Compute = Callable[[list[str]], bytes]


class WorkerPool:
    """Processes that compute units of one task, until they are closed or forgotten.

    `task`: "module:function" of adcli: from settings and the number of processes to what computes a unit;
    `settings`: what the task needs to know, as JSON; `processes`: how many.
    """

    def __init__(self, task: str, settings: Mapping[str, object], *, processes: int) -> None:
        self._processes = processes
        self._units = 0
        asked = {"task": task, "settings": dict(settings)}
        self._ranks = start_ranks("adcli.core.processes.pool:work", asked, processes)
        self._queue = UnitQueue.create(self._ranks.job.folder / QUEUE)
        self.close: Callable[[], object] = weakref.finalize(self, _close, self._ranks, self._queue)

    def run(self, units: Iterable[list[str]]) -> Iterator[tuple[int, bytes]]:
        """The position of each unit and its result, each once, as they come.

        Raises AdcliError if a process fails.
        """
        first, waiting, source = self._units, set[int](), iter(units)
        unit = next(source, None)
        while waiting or unit is not None:
            while unit is not None and len(waiting) < UNITS_AHEAD * self._processes:
                self._queue.put(self._units, unit)
                waiting.add(self._units)
                self._units += 1
                unit = next(source, None)
            done = [number for number in sorted(waiting) if self._queue.is_done(number)]
            for number in done:
                waiting.remove(number)
                yield number - first, self._queue.take(number)
            if not done:
                self._ranks.check()
                time.sleep(POLL_S)


def check_same(found: object, expected: object) -> None:
    """Make sure that this process computes what the one that shares out the work would.

    Raises AdcliError if not.
    """
    if found != expected:
        raise AdcliError(
            "This process's device computes differently from the first one's.",
            fix="Give --precision and --device, the same for all.",
        )


def work(settings: Mapping[str, Any], rank: Rank) -> None:
    """Compute units of the pool's queue until there are no more, or the process that put them is gone."""
    compute = load_function(settings["task"])(settings["settings"], rank.processes)
    compute_units(UnitQueue(rank.job.folder / QUEUE), compute, rank.job.is_abandoned)


def compute_units(queue: UnitQueue, compute: Compute, is_abandoned: Callable[[], bool]) -> None:
    """Claim units, compute them and hand in results, until there are no more."""
    number = 0
    while not queue.is_over(number):
        if (rows := queue.claim(number)) is not None:
            queue.finish(number, compute(rows))
        elif queue.is_claimed(number):
            number += 1
        elif is_abandoned():
            return
        else:
            time.sleep(POLL_S)


def _close(ranks: Ranks, queue: UnitQueue) -> None:
    queue.end(0)
    ranks.close()
