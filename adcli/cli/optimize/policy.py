"""`adcli optimize policy`."""

from __future__ import annotations

from typing import Annotated

import typer

from adcli.cli.command import command
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.cli.users import Users, with_users


@command
def policy(
    run: Run,
    reporting: Reporting,
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
    users: Users = None,
    eligible_by: Annotated[
        str | None, typer.Option(help="Column whose value decides which actions may be shown.")
    ] = None,
    epsilon: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Exploration rate: share of choices made uniformly.")
    ] = 0.02,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Folds of cross-fitting.")] = 3,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Confidence level of the intervals and verdicts.")
    ] = 0.95,
) -> None:
    """Learn whom to show what from logged impressions with their propensities.

    \b
    Examples:
      adcli optimize policy impressions.parquet -o policy --report policy.html
      adcli optimize policy impressions.parquet --items vectors.parquet --reward conversion -o policy
      adcli optimize policy impressions.parquet --users customers.csv -o policy
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.optimize.policy_learning import learn_policy
    from adcli.optimize.policy_page import answer_of, policy_page
    from adcli.policies.prepared import Question
    from adcli.policies.store import save_policy

    folder = run.directory()
    impressions = run.read(inputs, tables=["impressions"])
    run.require_whole(["propensity", reward], "what is learned without them would be of another log")
    impressions = with_users(run, impressions, users, context)
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
        "reward_model": {
            "form": learned.reward_model.form,
            "weights": learned.reward_model.weights,
            "normalised_entropy": learned.reward_model.normalised_entropy,
            "calibration_error": learned.reward_model.calibration_error,
        },
        "candidates": learned.candidates.to_dicts(),
        "learned_from": [record._asdict() for record in run.input_records()],
    }
    save_policy(learned.policy, folder, about)
    for note in learned.notes:
        run.note(note)
    if reporting.report is not None or reporting.plots is not None:
        with run.step("report"):
            page = policy_page(learned, confidence=confidence, currency=one_currency(impressions))
            publish(run, page, reporting)
    run.answer([answer_of(learned)])
