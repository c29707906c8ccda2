"""`adcli optimize policy`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs
from adcli.cli.run import Run


@command
def policy(
    run: Run,
    inputs: Inputs = None,
    reward: Annotated[str, typer.Option(help="Reward: click, conversion or revenue.")] = "click",
    action: Annotated[
        list[str],
        typer.Option(help="Column of the action; repeat for joint actions.", show_default="item_id or ad_id"),
    ] = [],  # noqa: B006
    context: Annotated[
        list[str],
        typer.Option(
            help="Context feature, known before the choice; repeat for more.", show_default="all that can be"
        ),
    ] = [],  # noqa: B006
    items: Annotated[
        str | None,
        typer.Option(help="Attributes or vectors of the items: products, or what `adcli embed` wrote."),
    ] = None,
    eligible_by: Annotated[
        str | None, typer.Option(help="Column whose value decides which actions may be shown.")
    ] = None,
    epsilon: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Exploration rate: share of choices made uniformly.")
    ] = 0.1,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Folds of cross-fitting.")] = 3,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Confidence level of the intervals and verdicts.")
    ] = 0.95,
) -> None:
    """Learn whom to show what from logged impressions with their propensities.

    \b
    Examples:
      adcli optimize policy impressions.parquet -o policy
      adcli optimize policy impressions.parquet --items vectors.parquet --reward conversion -o policy
    """
    from adcli.optimize.policy_learning import LOGGED, learn_policy
    from adcli.policies.prepared import Question
    from adcli.policies.store import save_policy
    from adcli.statistics.verdicts import BETTER, NOT_ENOUGH, Verdict

    folder = run.directory()
    impressions = run.read(inputs, tables=["impressions"])
    run.require_whole(["propensity", reward], "what is learned without them would be of another log")
    attributes = (
        run.read([items], tables=["vectors", "products", "item_features"], secondary=True) if items else None
    )
    with run.step("learn"):
        question = Question(
            reward=reward,
            action=tuple(run.columns(action)),
            context=tuple(run.columns(context)),
            eligible_by=run.column(eligible_by) if eligible_by else None,
            folds=folds,
            seed=run.seed,
        )
        learned = learn_policy(
            impressions, question, items=attributes, epsilon=epsilon, confidence=confidence
        )
    about = {
        "chosen": learned.chosen,
        "reason": learned.reason,
        "reward": reward,
        "context": learned.context,
        "settings": {"epsilon": epsilon, "folds": folds, "confidence": confidence, "seed": run.seed},
        "reward_model": {"form": learned.reward_form, "normalised_entropy": learned.normalised_entropy},
        "candidates": learned.candidates.to_dicts(),
        "learned_from": [record._asdict() for record in run.input_records()],
    }
    save_policy(learned.policy, folder, about)
    for note in learned.notes:
        run.note(note)
    word = NOT_ENOUGH if learned.chosen == LOGGED else BETTER
    run.answer([Verdict(word, sentence=learned.reason)])
