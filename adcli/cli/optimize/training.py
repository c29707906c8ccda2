"""What the commands that train a model share: a bar, the tracker of `--track`, and where checkpoints are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adcli.cli.options import Tracking
from adcli.cli.run import Run


@contextmanager
def training_step(
    run: Run, tracking: Tracking, name: str, settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The step of a run that trains, which gives a training its `log`, `progress` and `checkpoints`.

    `name`: of the run, for the tracker; `settings`: what was asked for, with the number of `steps`.
    """
    from adcli.core.cache import writable_directory
    from adcli.core.tracking import tracked

    with (
        run.step("train"),
        run.console.progress("tuning", settings["steps"], "steps") as bar,
        tracked(tracking.track, run=name, directory=tracking.track_dir, settings=settings) as log,
    ):
        yield {"log": log, "progress": bar, "checkpoints": writable_directory("training")}
