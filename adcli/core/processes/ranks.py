"""One function run by several processes at once, each of which knows its rank.

    result = run_ranks("adcli.core.training.encoder.tuning:tune_rank", settings, processes=2)

The ranks are started here, or were started together with this process by `torchrun` or `accelerate launch`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from adcli.core.processes.job import POLL_S
from adcli.core.processes.launch import LaunchedRanks
from adcli.core.processes.rendezvous import JoinedRanks
from adcli.core.processes.runtime import started_from_outside

Ranks = LaunchedRanks | JoinedRanks


def start_ranks(function: str, settings: Mapping[str, object], processes: int) -> Ranks:
    """Let processes run a function, as `run_ranks` does, without waiting for them."""
    return (JoinedRanks if started_from_outside() else LaunchedRanks)(function, settings, processes)


def run_ranks(
    function: str,
    settings: Mapping[str, object],
    *,
    processes: int,
    on_message: Callable[[Any], None] = lambda message: None,
) -> Any:
    """What rank 0 gives back.

    Args:
        function: "module:function" of adcli; is called with the settings and a `Rank`.
        settings: What the function needs to know, as JSON.
        processes: How many.
        on_message: Called with the messages of rank 0.

    Raises:
        AdcliError: If a rank fails.
    """
    ranks = start_ranks(function, settings, processes)
    heard, is_finished = 0, False
    try:
        while not is_finished:
            ranks.check()
            time.sleep(POLL_S)
            is_finished = ranks.job.is_finished()
            messages, heard = ranks.job.messages(heard)
            for message in messages:
                on_message(message)
        result = ranks.job.result()
        ranks.close()
    finally:
        ranks.stop()
    return result
