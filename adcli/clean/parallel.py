"""Parts of the inputs that several processes read at once, or that an interrupted run has read before."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from pathlib import Path

from adcli import __version__
from adcli.clean.parts import TOLD, Advance, Reading, ReadParts, load_part, read_part
from adcli.errors import AdcliError
from adcli.tables.parts import Part

_LOOKS_EVERY_S = 1.0


def reader(processes: int, kept: Path | None = None) -> ReadParts:
    """What reads the parts of inputs.

    `processes`: how many are read at once; `kept`: a folder that outlives the run, what it holds of the same
    inputs, read alike, is not read again.
    """

    def read(reading: Reading, parts: Sequence[Part], folder: Path, advance: Advance) -> Iterator[Path]:
        folders = [
            folder / f"part-{number:06}" if kept is None else kept / f"part-{_key(reading, part)}"
            for number, part in enumerate(parts)
        ]
        missing = {
            own: reading._replace(stream=reading.stream.part(part))
            for part, own in zip(parts, folders, strict=True)
            if kept is None or not _is_read(reading, part, own)
        }
        made = _by_processes(missing, processes, advance) if processes > 1 else _one_by_one(missing, advance)
        for own in folders:
            if own in missing:
                next(made)
            yield own
        made.close()

    return read


def _one_by_one(missing: dict[Path, Reading], advance: Advance) -> Generator[None]:
    for folder, reading in missing.items():
        read_part(reading, folder, advance)
        yield


def _by_processes(missing: dict[Path, Reading], processes: int, advance: Advance) -> Generator[None]:
    """Read parts in several processes, each told in its turn."""
    with ProcessPoolExecutor(
        min(processes, max(len(missing), 1)),
        get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(),),
    ) as pool:
        waiting = [(folder, pool.submit(read_part, reading, folder)) for folder, reading in missing.items()]
        try:
            for folder, future in waiting:
                future.result()
                advance(load_part(folder).told.read.rows_read)
                yield
        except BrokenProcessPool:
            raise AdcliError(
                "A process that read inputs was ended, perhaps as memory was short.",
                fix="Give fewer --processes.",
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if any(not future.done() for _, future in waiting):
                for child in active_children():
                    child.terminate()


def _begin(parent: int) -> None:
    """A process leaves interrupts to the one that started it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _key(reading: Reading, part: Part) -> str:
    """What tells how a part is read, except what is in it."""
    rules = [] if reading.rules is None else [tuple(rule) for rule in reading.rules.rules]
    said = (__version__, part, reading.stream.part(part).described(), rules, reading.routes)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def _is_read(reading: Reading, part: Part, folder: Path) -> bool:
    """Whether a folder holds this part, whose inputs have the same bytes as then."""
    if not (folder / TOLD).exists():
        return False
    read = load_part(folder).told.read
    return [record.sha256 for record in read.inputs] == reading.stream.part(part).hashes()
