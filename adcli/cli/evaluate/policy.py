"""`adcli evaluate policy`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from adcli.cli.command import command
from adcli.cli.options import Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import GateError, UsageError, did_you_mean

if TYPE_CHECKING:
    from adcli.evaluate.off_policy.table import Target

WORDS = ("uniform", "logged")


@command
def policy(
    run: Run,
    reporting: Reporting,
    policy_and_inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="POLICY INPUT...",
            help="The policy (a directory of `adcli optimize policy`, uniform, or logged), then the log.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    target_column: Annotated[
        str | None,
        typer.Option(
            help="In place of POLICY: column with the target policy's probability of each logged action."
        ),
    ] = None,
    also: Annotated[list[str], typer.Option(help="A further policy to value; repeat for more.")] = [],  # noqa: B006
    estimator: Annotated[
        list[str], typer.Option(help="Estimator; repeat for more.", show_default="ips, snips, dr and more")
    ] = [],  # noqa: B006
    reward: Annotated[str, typer.Option(help="What is earned: click, conversion or revenue.")] = "click",
    action: Annotated[
        list[str], typer.Option(help="Column that makes an action; repeat.", show_default="the policy's own")
    ] = [],  # noqa: B006
    context: Annotated[
        list[str],
        typer.Option(help="Column that the reward model may use; repeat.", show_default="all that can be"),
    ] = [],  # noqa: B006
    items: Annotated[str | None, typer.Option(help="Attributes or vectors of the items.")] = None,
    eligible_by: Annotated[
        str | None, typer.Option(help="Column whose value decides what the uniform policy may show.")
    ] = None,
    interval: Annotated[str, typer.Option(help="Method of the intervals.")] = "skew",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    fail_under: Annotated[
        float | None, typer.Option(help="Exit with code 4 if the value is not surely above this.")
    ] = None,
) -> None:
    """Value a policy from the log of another, before it is ever live (off-policy evaluation).

    \b
    Examples:
      adcli evaluate policy policy impressions.parquet --report value.html
      adcli evaluate policy uniform obd_bts_men.csv.gz
    """
    from adcli.evaluate.off_policy.estimates import DEFAULT
    from adcli.evaluate.off_policy.page import policy_page
    from adcli.evaluate.off_policy.table import policy_value_table

    named, inputs = (
        ([], policy_and_inputs) if target_column else (policy_and_inputs[:1], policy_and_inputs[1:])
    )
    if not named and not target_column:
        raise UsageError("Which policy?", fix="Name a directory, uniform or logged; or give --target-column.")
    targets = [_target(run, name) for name in (*named, *also)]
    impressions = run.read(inputs, tables=["impressions"])
    attributes = run.read([items], tables=["vectors", "products", "item_features"]) if items else None
    with run.step("value"):
        values = policy_value_table(
            impressions,
            [*_column(target_column), *targets],
            reward=reward,
            estimators=estimator or DEFAULT,
            action=action,
            context=context,
            items=attributes,
            eligible_by=eligible_by,
            method=interval,  # type: ignore[arg-type]
            confidence=confidence,
            seed=run.seed,
        )
    for note in values.notes:
        run.console.detail(note)
    run.write(values.table)
    publish(run, policy_page(values.table, reward=reward), reporting)
    headline = values.table.filter("headline").row(0, named=True)
    run.note(f"{headline['policy']}: {headline['verdict']}. {headline['reason']}")
    if fail_under is not None and not (headline["ci_low"] or 0.0) > fail_under:
        raise GateError(f"The value of {headline['policy']} is not surely above {fail_under:g}.")


def _column(name: str | None) -> list[Target]:
    from adcli.evaluate.off_policy.table import TargetColumn

    return [TargetColumn(name)] if name else []


def _target(run: Run, name: str) -> Target:
    from adcli.policies.store import load_policy

    if name in WORDS:
        return cast("Literal['uniform', 'logged']", name)
    if not Path(name).is_dir():
        raise UsageError(
            f"'{name}' is no policy: not a directory, and neither of the words {' and '.join(WORDS)}.",
            fix=did_you_mean(name, WORDS) or "The policy comes first, then the log.",
        )
    learned = load_policy(run.learned(Path(name)))
    return replace(learned, name=Path(name).resolve().name)  # type: ignore[type-var]
