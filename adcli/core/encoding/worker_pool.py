"""Several processes as one encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from adcli.arrays import Floats32, Integers
from adcli.core.encoding.settings import Chosen, EncoderRequest
from adcli.core.processes.pool import Compute, WorkerPool, check_same
from adcli.core.processes.runtime import start_runtime
from adcli.errors import AdcliError

UNIT_CHARACTERS = 64_000  # about half a second of work for a small model on one core
UNIT_TEXTS = 2_048


class EncoderPool:
    """Processes that each hold the model, run in the same way, and take units of texts of similar length."""

    def __init__(self, request: EncoderRequest, chosen: Chosen, processes: int) -> None:
        settings = {"request": asdict(request), "chosen": chosen.to_json()}
        self._pool = WorkerPool(f"{__name__}:encode_units", settings, processes=processes)
        self._dimension = chosen.dimension

    def encode_as_ready(self, texts: Sequence[str]) -> Iterator[tuple[Integers, Floats32]]:
        """Positions of texts and their unit vectors, each text once, as units are done."""
        units = list(length_units(texts))
        for number, result in self._pool.run([texts[i] for i in unit] for unit in units):
            vectors = np.frombuffer(result, "<f4").reshape(-1, self._dimension)
            if len(vectors) != len(units[number]):
                raise AdcliError(f"A process computed {len(vectors)} vectors for {len(units[number])} texts.")
            yield units[number], vectors


def length_units(texts: Sequence[str]) -> Iterator[Integers]:
    """Positions of texts in units of similar length and work, longest first; each position is in one unit."""
    sizes = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    order = np.argsort(-sizes, kind="stable")
    work = np.cumsum(sizes[order] + 8)
    start = 0
    while start < len(order):
        done = work[start - 1] if start else 0
        end = int(np.searchsorted(work, done + UNIT_CHARACTERS, side="right"))
        end = min(max(end, start + 1), start + UNIT_TEXTS)
        yield order[start:end]
        start = end


def encode_units(settings: Mapping[str, Any], processes: int) -> Compute:
    """What one of the processes computes: rows are texts, results their vectors as little-endian fp32.

    Raises AdcliError if this process would compute other vectors than the one that shares out the work.
    """
    from adcli.core.encoding.engine import gather_ready
    from adcli.core.encoding.loading import load_engine
    from adcli.core.models.resolution import resolve_model

    request, expected = EncoderRequest(**settings["request"]), Chosen.from_json(settings["chosen"])
    start_runtime(device=request.device, precision=request.precision, processes=processes)
    engine, chosen = load_engine(request, resolve_model(request.model, task="embed"), known=expected)
    check_same(chosen.settings, expected.settings)
    return lambda texts: gather_ready(engine, texts, chosen.dimension).astype("<f4").tobytes()
