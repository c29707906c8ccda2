"""What a worker process can be asked to do with a unit's rows.

A task is made from its settings once and then called with the rows of each unit; it gives back bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from adcli.core.processes.runtime import start_runtime
from adcli.errors import AdcliError

Compute = Callable[[list[str]], bytes]

OTHERWISE = "This process's device computes otherwise than the first one's."
SAME_FOR_ALL = "Give --precision and --device, the same for all."


def encode_task(settings: Mapping[str, Any], processes: int) -> Compute:
    """Rows are texts, results their vectors as little-endian fp32, row after row.

    Raises:
        AdcliError: If this process would compute other vectors than the one that shares out the work.
    """
    from adcli.core.encoding.engine import gather_ready
    from adcli.core.encoding.loading import load_engine
    from adcli.core.encoding.settings import Chosen, EncoderRequest
    from adcli.core.models.resolution import resolve_model

    request, expected = EncoderRequest(**settings["request"]), Chosen.from_json(settings["chosen"])
    start_runtime(device=request.device, precision=request.precision, processes=processes)
    engine, chosen = load_engine(request, resolve_model(request.model, task="embed"), remembered=expected)
    if chosen.settings != expected.settings:
        raise AdcliError(OTHERWISE, fix=SAME_FOR_ALL)
    return lambda texts: gather_ready(engine, texts, chosen.dimension).astype("<f4").tobytes()


def write_task(settings: Mapping[str, Any], processes: int) -> Compute:
    """The first row says how to write, the others are [row number, prompt]; results are lists of texts.

    Raises:
        AdcliError: If this process would write otherwise than the one that shares out the work.
    """
    from adcli.core.models.resolution import resolve_model
    from adcli.core.writing.engine import LocalWriting
    from adcli.core.writing.settings import WritingSettings

    runtime = start_runtime(device=settings["device"], precision=settings["precision"], processes=processes)
    source = resolve_model(settings["model"], task="generate")
    writing = LocalWriting.load(source, runtime, adapter=settings["adapter"], exact=settings["exact"])
    if [writing.model.name, writing.precision] != settings["expected"]:
        raise AdcliError(OTHERWISE, fix=SAME_FOR_ALL)

    def compute(rows: list[str]) -> bytes:
        how = WritingSettings(**json.loads(rows[0]))
        asked = [(int(number), prompt) for number, prompt in map(json.loads, rows[1:])]
        texts = dict(writing.write(asked, how))
        return json.dumps([texts[position] for position in range(len(asked))]).encode()

    return compute


def train_task(settings: Mapping[str, Any], processes: int) -> Compute:
    """A unit is a seat in the training: it says nothing, and each process takes one of as many as there are.

    The result of the first process is what came of training, as JSON; of the others nothing.
    """
    from adcli.core.training.run import run_from_json, train_here

    run, evaluate = run_from_json(settings)
    runtime = start_runtime(device=run.settings.device, precision=run.settings.precision, processes=processes)

    def compute(_rows: list[str]) -> bytes:
        trained = train_here(run, evaluate, rank=runtime.rank, processes=processes)
        return json.dumps(trained._asdict()).encode() if runtime.is_main else b""

    return compute


TASKS: Mapping[str, Callable[[Mapping[str, Any], int], Compute]] = {
    "encode": encode_task,
    "write": write_task,
    "train": train_task,
}
