"""`adcli optimize policy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.logged import Logged, attributes_of, question_of, tell_undrawn, with_propensities
from adcli.cli.option_rules import Needs
from adcli.cli.options import Inputs, Models, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.cli.text_model import TextModel, with_text_scores
from adcli.cli.users import beside_users
from adcli.errors import UsageError
from adcli.policies.constraints import KEYS

if TYPE_CHECKING:
    from adcli.optimize.continual import Change, Earlier
    from adcli.optimize.policy_learning import LearnedPolicy

_KEYS = "; ".join(f"{name} ({key.meaning})" for name, key in KEYS.items())


@command
def policy(
    run: Run,
    reporting: Reporting,
    logged: Logged,
    models: Annotated[Models, Needs("text_model")],
    inputs: Inputs = None,
    reward: str = typer.Option(
        "click", help="Reward: click, conversion, revenue or profit (revenue less cost)."
    ),
    action: list[str] = typer.Option(
        [],
        help="Column of the action: item_id, placement, hour (of event_time); repeat for a product.",
        show_default="item_id or ad_id",
    ),
    text_model: TextModel = None,
    constraints: Path | None = typer.Option(
        None, metavar="FILE", help=f"What the policy must obey, in TOML: {_KEYS}"
    ),
    no_ad: str | None = typer.Option(
        None,
        metavar="ACTION",
        help="The action that shows no ad: who gains by one is learned (uplift), and refused if none is.",
        show_default="recognised by its name",
    ),
    treatment_cost: float = typer.Option(
        0.0, min=0.0, help="What showing an ad costs, in units of the reward."
    ),
    start_from: Path | None = typer.Option(
        None,
        "--from",
        metavar="POLICY",
        help="Policy directory to learn on from; a sample of its impressions is replayed.",
    ),
    epsilon: float = typer.Option(
        0.02, min=0.0, max=1.0, help="Exploration rate: share of choices made uniformly."
    ),
    folds: int = typer.Option(3, min=2, max=20, help="Folds of cross-fitting."),
    confidence: float = typer.Option(
        0.95, min=0.5, max=0.999, help="Confidence level of the intervals and verdicts."
    ),
) -> None:
    """Learn whom to show what from logged impressions with their propensities.

    \b
    Examples:
      adcli optimize policy impressions.parquet -o policy --report policy.html
      adcli optimize policy impressions.parquet --items vectors.parquet --reward conversion -o policy
      adcli optimize policy impressions.parquet --users customers.csv -o policy
      adcli optimize policy log.parquet --action item_id --action placement --action hour -o policy
      adcli optimize policy today.parquet --from policy -o policy-today
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.optimize.continual import learn_on, replay_sample
    from adcli.optimize.policy_page import answer_of, policy_page
    from adcli.policies.actions import action_set
    from adcli.policies.constraints import read_constraints
    from adcli.policies.logged import PROFIT
    from adcli.policies.store import save_policy

    if text_model and start_from:
        raise UsageError(
            "--text-model: what --from replays has no texts.", fix="Learn from both logs at once."
        )
    rules = read_constraints(constraints) if constraints else None
    folder = run.directory()
    log = run.spool(inputs, tables=["impressions"])
    outcomes = ["revenue", "cost"] if reward == PROFIT else [reward]
    run.require_whole(["propensity", *outcomes], "what is learned without them would be of another log")
    impressions = beside_users(run, log, logged.users, logged.profiles, logged.context).mapped()
    attributes = attributes_of(run, logged.items)
    question = question_of(
        run, logged, reward, action, folds=folds, no_ad=no_ad, treatment_cost=treatment_cost
    )
    if text_model:
        actions = action_set(impressions, question.action)
        impressions = with_text_scores(run, impressions, actions, attributes, text_model, models)
    impressions, question = with_propensities(
        run, impressions, question, estimate=logged.estimate_propensities
    )
    earlier = _earlier(run, start_from) if start_from else None
    with run.step("learn"):
        learned, changes = learn_on(
            impressions,
            earlier,
            question,
            items=attributes,
            epsilon=epsilon,
            confidence=confidence,
            constraints=rules,
        )
    about = {
        "chosen": learned.chosen,
        "reason": learned.reason,
        "reward": reward,
        "context": learned.context,
        "propensities": "estimated" if learned.log.estimated else "logged",
        "settings": {"epsilon": epsilon, "folds": folds, "confidence": confidence, "seed": run.seed},
        "reward_model": {
            "form": learned.reward_model.form,
            "weights": learned.reward_model.weights,
            "learned_from": learned.reward_model.learned_from,
            "normalised_entropy": learned.reward_model.normalised_entropy,
            "calibration_error": learned.reward_model.calibration_error,
        },
        "obeyed": [] if learned.obeyed is None else learned.obeyed.to_dicts(),
        "candidates": learned.candidates.to_dicts(),
        "learned_on": {name: change._asdict() for name, change in changes.items()},
        "learned_from": [record._asdict() for record in run.input_records()],
    }
    save_policy(learned.policy, folder, about, replay_sample(learned.log))
    tell_undrawn(run, learned.log)
    if learned.log.no_ad.any():
        _tell_uplift(run, learned, folder)
    for note in [*learned.notes, *map(_told, changes.items())]:
        run.note(note)
    if reporting.report is not None or reporting.plots is not None:
        with run.step("report"):
            page = policy_page(learned, confidence=confidence, currency=one_currency(impressions))
            publish(run, page, reporting)
    run.answer([answer_of(learned)])


def _tell_uplift(run: Run, learned: LearnedPolicy, folder: Path) -> None:
    """Say which action shows no ad, and leave the ranking by uplift in the policy's directory."""
    import polars as pl

    from adcli.optimize.uplift import RANKING, uplift_ranking

    log = learned.log
    names = ", ".join(log.actions.frame.filter(pl.Series(log.no_ad))[log.actions.columns[0]].unique().sort())
    how = "" if log.question.no_ad else ", by its name (--no-ad names another)"
    run.note(f"'{names}' shows no ad{how}: what the others add to it is learned.")
    uplift_ranking(log, learned.fitted).write_parquet(folder / RANKING)
    run.note(
        f"{RANKING}, in the policy's directory, ranks by expected uplift: adcli evaluate uplift reads it."
    )


def _earlier(run: Run, directory: Path) -> Earlier:
    from adcli.optimize.continual import Earlier
    from adcli.policies.store import load_policy, read_replay

    found = run.learned(directory)
    return Earlier(load_policy(found), read_replay(found))


def _told(named: tuple[str, Change]) -> str:
    name, change = named
    where = "the new impressions" if name == "gained" else "those replayed"
    return (
        f"{name}: {change.difference:+.4g} [{change.low:+.4g}, {change.high:+.4g}] per impression, on "
        f"{change.rows:,} of {where} that were not learned from."
    )
