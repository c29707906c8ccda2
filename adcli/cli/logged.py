"""A log of impressions: what is asked of it, what stands beside it, how likely each ad was to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from adcli.cli.option_rules import option_group
from adcli.cli.run import Run
from adcli.cli.users import Profiles, Users

if TYPE_CHECKING:
    import polars as pl

    from adcli.policies.prepared import PreparedLog, Question


@option_group()
class Logged:
    """How a log is read by those who learn policies from it or value them on it."""

    context: list[str] = typer.Option(
        [], help="Context feature, known before the choice; repeat for more.", show_default="all that can be"
    )
    items: str | None = typer.Option(
        None, help="Attributes or vectors of the items: products, or what `adcli embed` wrote."
    )
    users: Users = None
    profiles: Profiles = None
    eligible_by: str | None = typer.Option(
        None, help="Column whose value decides which actions may be shown."
    )
    estimate_propensities: bool = typer.Option(
        False,
        "--estimate-propensities",
        help="Where the log states none: estimate them from the context. Gives no verdict.",
    )
    propensity_of: list[str] = typer.Option(
        [],
        help="Part of the action that propensity is of; repeat for more. Others are estimated.",
        metavar="COLUMN",
        show_default="found from the log",
    )


def question_of(run: Run, logged: Logged, reward: str, action: Sequence[str], **more: Any) -> Question:
    """What is asked of a log."""
    from adcli.policies.prepared import Question

    return Question(
        reward=reward,
        action=tuple(run.columns(action)),
        context=tuple(run.columns(logged.context)),
        eligible_by=run.column(logged.eligible_by) if logged.eligible_by else None,
        seed=run.seed,
        propensity_of=tuple(run.columns(logged.propensity_of)),
        **more,
    )


def attributes_of(run: Run, items: str | None) -> pl.DataFrame | None:
    """The attributes or vectors of the items, if there is a table of them."""
    tables = ["vectors", "products", "item_features"]
    return run.read([items], tables=tables, secondary=True) if items else None


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
