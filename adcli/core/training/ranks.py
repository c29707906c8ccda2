"""A training that several processes share: what rank 0 says while it lasts, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adcli.core.processes.job import Rank
from adcli.core.processes.ranks import run_ranks
from adcli.core.training.settings import Evaluation, Log, Progress, Trained


def train_in_ranks(
    function: str, content: Mapping[str, object], *, processes: int, log: Log, progress: Progress
) -> Trained:
    """What came of a training that each of several processes makes a share of.

    Args:
        function: "module:function" of adcli, called with the content and a `Rank`; gives `Trained._asdict()`.
        content: What it is to do, as JSON.
        processes: How many.
        log: Called with what rank 0 logs.
        progress: Called with the number of further steps that rank 0 has done.
    """

    def hear(message: dict[str, Any]) -> None:
        if "steps" in message:
            progress(message["steps"])
        else:
            log(message["values"], message["step"])

    found = run_ranks(function, content, processes=processes, on_message=hear)
    best = None if found["best"] is None else Evaluation(*found["best"])
    return Trained(**{**found, "best": best, "evaluations": [Evaluation(*e) for e in found["evaluations"]]})


def said_by(rank: Rank) -> tuple[Log, Progress]:
    """The log and the progress of one of the processes, which the one that started it hears."""
    return (
        lambda values, step: rank.say({"values": dict(values), "step": step}),
        lambda steps: rank.say({"steps": steps}),
    )
