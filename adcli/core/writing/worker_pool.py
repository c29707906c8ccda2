"""Several processes as one writer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from adcli.core.compute.batching import chunks
from adcli.core.models.resolution import ModelSource, resolve_model
from adcli.core.processes.pool import Compute, WorkerPool, check_same
from adcli.core.processes.runtime import Runtime, start_runtime
from adcli.core.writing.engine import LocalWriting
from adcli.core.writing.likelihood import Likelihood
from adcli.core.writing.prompts import Prompt, Request
from adcli.core.writing.settings import WritingSettings
from adcli.errors import AdcliError

UNIT_PROMPTS = 16


class WriterPool:
    """Processes that each hold the model and take units of prompts.

    Args:
        source: Where the model was found.
        runtime: Device, precision and how many processes.
        local: This process's own model, which scores texts; scoring is not shared out.
        adapter: A directory of `adcli optimize writer`, or an empty string.
        exact: Whether only fp32 will do.
    """

    def __init__(
        self, source: ModelSource, runtime: Runtime, local: LocalWriting, *, adapter: str, exact: bool
    ) -> None:
        settings = {
            "model": str(source.path),
            "device": runtime.device.split(":")[0],
            "precision": runtime.precision,
            "adapter": adapter,
            "exact": exact,
            "expected": [local.model.name, local.precision],
        }
        self._pool = WorkerPool(f"{__name__}:write_units", settings, processes=runtime.processes)
        self._local = local

    @property
    def has_chat_template(self) -> bool:
        """Whether the model has a chat template."""
        return self._local.has_chat_template

    def write(
        self, requests: Sequence[Request], settings: WritingSettings
    ) -> Iterator[tuple[int, list[str]]]:
        """The position of each request and its texts, as units are done."""
        how = json.dumps(asdict(settings))
        units = list(chunks(range(len(requests)), UNIT_PROMPTS))
        offered = ([how, *(json.dumps(requests[i]) for i in unit)] for unit in units)
        for number, result in self._pool.run(offered):
            texts: list[list[str]] = json.loads(result)
            if len(texts) != len(units[number]):
                raise AdcliError(f"A process wrote for {len(texts)} prompts instead of {len(units[number])}.")
            yield from zip(units[number], texts, strict=True)

    def log_likelihood(self, pairs: Sequence[tuple[Prompt | None, str]]) -> Likelihood:
        """How likely the model finds each text after its prompt, or by itself if that is None."""
        return self._local.log_likelihood(pairs)


def write_units(settings: Mapping[str, Any], processes: int) -> Compute:
    """What one of the processes computes: a unit's first row says how to write, the others what.

    Raises:
        AdcliError: If this process would write otherwise than the one that shares out the work.
    """
    from adcli.core.writing.loading import load_writing

    runtime = start_runtime(device=settings["device"], precision=settings["precision"], processes=processes)
    source = resolve_model(settings["model"], task="generate")
    writing = load_writing(source, runtime, adapter=settings["adapter"], exact=settings["exact"])
    check_same([writing.model.name, writing.precision], settings["expected"])

    def compute(rows: list[str]) -> bytes:
        how = WritingSettings(**json.loads(rows[0]))
        asked = [_request(*json.loads(row)) for row in rows[1:]]
        texts = dict(writing.write(asked, how))
        return json.dumps([texts[position] for position in range(len(asked))]).encode()

    return compute


def _request(row: int, prompt: Prompt, columns: int | None, audience: list[float] | None) -> Request:
    return Request(row, prompt, columns, None if audience is None else tuple(audience))
