"""How likely each logged ad was to be shown: what the log says of it, what it is of, or an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

    from adcli.policies.prepared import PreparedLog, Question

EstimatePropensities = Annotated[
    bool,
    typer.Option(
        "--estimate-propensities",
        help="Where the log states none: estimate them from the context. Gives no verdict.",
    ),
]
PropensityOf = Annotated[
    list[str],
    typer.Option(
        help="Part of the action that propensity is of; repeat for more. Others are estimated.",
        metavar="COLUMN",
        show_default="found from the log",
    ),
]


def with_propensities(
    run: Run, impressions: pl.DataFrame, question: Question, *, estimate: bool
) -> tuple[pl.DataFrame, Question]:
    """The log with propensities estimated where that is wanted, and the question that says so."""
    from adcli.policies.prepared import with_estimated_propensities

    if not estimate:
        return impressions, question
    if "propensity" in impressions.columns:
        run.note("The log states propensities: they are used, and none are estimated.")
        return impressions, question
    run.facts["propensities_estimated"] = True
    run.warn(
        "the log states no propensities; they are estimated from its context, which cannot know every reason "
        "for showing an ad: no verdict is spoken."
    )
    with run.step("propensities"):
        return with_estimated_propensities(impressions, question), question._replace(estimated=True)


def tell_undrawn(run: Run, log: PreparedLog) -> None:
    """Warn of the parts of the action that the log did not draw at random."""
    for sentence in log.undrawn:
        run.facts["propensities_estimated"] = True
        run.warn(sentence)
