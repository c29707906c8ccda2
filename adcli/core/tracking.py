"""What a run measures, logged to TensorBoard or Weights & Biases through Accelerate's trackers.

A run is a context in which a function logs values by name:

with tracked("tensorboard", run="encoder", directory=Path("runs"), settings={"steps": 300}) as log:
    log({"loss": 0.31}, 10)
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adcli.errors import AdcliError, UsageError, require_known

Log = Callable[[Mapping[str, float | str], int | None], None]

PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb"}
PROJECT = "adcli"


def check_tracker(tracker: str | None) -> None:
    """Make sure that a tracker can be used, if there is one, before anything is computed for it.

    Raises UsageError if there is no such tracker, or its package is not installed.
    """
    if tracker is None:
        return
    sentence = f"--track {tracker} is none of {', '.join(PACKAGES)}."
    require_known(tracker, PACKAGES, sentence, error=UsageError)
    if importlib.util.find_spec(PACKAGES[tracker]) is None:
        raise UsageError(
            f"--track {tracker} needs the package {PACKAGES[tracker]}, which is not installed.",
            fix=f"pip install {PACKAGES[tracker]}",
        )


@contextmanager
def tracked(
    tracker: str | None, *, run: str, directory: Path, settings: Mapping[str, object]
) -> Iterator[Log]:
    """A function that logs values by name, at a step or at none.

    Args:
        tracker: "tensorboard" or "wandb"; None logs nothing.
        run: Name of this run among others; a run of the same name is added to.
        directory: Where the tracker keeps its files: `directory/run` for TensorBoard.
        settings: What the run was asked for; what is no number, text or truth value is logged as text.

    Raises:
        UsageError: If there is no such tracker, or its package is not installed.
        AdcliError: If it can not be started.
    """
    if tracker is None:
        yield lambda values, step: None
        return
    check_tracker(tracker)
    its = _started(tracker, run, directory, settings)
    try:
        yield lambda values, step: its.log(dict(values), step=step)
    finally:
        its.finish()


def _started(tracker: str, run: str, directory: Path, settings: Mapping[str, object]) -> Any:
    from accelerate import PartialState
    from accelerate.tracking import TensorBoardTracker, WandBTracker

    PartialState()
    os.environ.setdefault("WANDB_SILENT", "true")  # only the command line speaks
    try:
        directory.mkdir(parents=True, exist_ok=True)
        its = (
            TensorBoardTracker(run, directory)
            if tracker == "tensorboard"
            else WandBTracker(PROJECT, name=run, dir=str(directory))
        )
        its.start()
        its.store_init_configuration({name: _plain(value) for name, value in settings.items()})
    except Exception as error:
        raise AdcliError(
            f"--track {tracker} could not be started in {directory}: {error}",
            fix="Name a folder that can be written with --track-dir, or leave --track out.",
        ) from error
    return its


def _plain(value: object) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
