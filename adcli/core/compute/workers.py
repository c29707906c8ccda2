"""Single-threaded workers on one queue.

Threads inside a matrix product wait for each other at its end; on a machine that does something else beside,
all wait for the one that was interrupted. Workers that each compute a batch of their own do not. torch gives
up the interpreter's lock while it computes, so threads of this process do, and share one set of weights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch  # noqa: TID253 - this module is reached only once a model is loaded

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2  # items waiting for each worker: enough to keep it busy, few enough to bound memory


def run_on_workers(
    compute: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Iterator[Result]:
    """The results in the order of the items, computed by `workers` threads without gradients.

    `compute`: called in a worker thread; with one worker, in this one, with all of torch's threads; `items`:
    taken as workers become free; `workers`: how many threads, each single-threaded inside torch.
    """
    yield from map_on_workers(torch.inference_mode()(compute), items, workers=workers)


def map_on_workers(
    compute: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Iterator[Result]:
    """The same as `run_on_workers`, with gradients where `compute` makes them."""
    if workers == 1:
        yield from map(compute, items)
        return
    with ThreadPoolExecutor(workers, "adcli-worker", initializer=_single_threaded) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(compute, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _single_threaded() -> None:
    torch.set_num_threads(1)
