"""Where tables are computed: on this machine, or by the executors of a Spark cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    from adcli.tables.spark import Cluster

Engine = Annotated[
    str,
    typer.Option(
        metavar="local|spark[=MASTER]",
        help="Where tables are computed: this machine, or Spark, such as spark=local[4] or "
        "spark=spark://host:7077.",
    ),
]


def cluster_of(run: Run, engine: str) -> Cluster | None:
    """The cluster that an engine names, until the run ends; None for this machine.

    Raises UsageError if there is no such engine; AdcliError if Spark is not there, or does not start.
    """
    name, _, master = engine.partition("=")
    if name not in ("local", "spark") or (master and name == "local"):
        raise UsageError(f"--engine {engine}: expected local, spark or spark=MASTER.")
    run.facts["engine"] = name
    if name == "local":
        return None
    from adcli.tables.spark import Cluster

    with run.step("start Spark"):
        cluster = Cluster(master or None)
    run.until_end(cluster)
    return cluster


def refuse(engine: str, given: Mapping[str, object], why: str) -> None:
    """Make sure that no option is given that executors cannot compute.

    Raises UsageError if one is; says `why` it cannot be.
    """
    for option, value in given.items():
        if value and engine != "local":
            raise UsageError(f"{option} is not for --engine spark: {why}.", fix="Leave one of them out.")
