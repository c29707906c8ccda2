"""`adcli evaluate policy`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.command import command
from adcli.cli.evaluate.policy_targets import check_names, read_targets
from adcli.cli.logged import Logged, attributes_of, question_of, tell_undrawn, with_propensities
from adcli.cli.option_rules import Needs
from adcli.cli.options import Confidence, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run
from adcli.cli.users import beside_users
from adcli.errors import GateError, UsageError

if TYPE_CHECKING:
    from adcli.evaluate.off_policy.table import PolicyValues, Target


@command
def policy(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    logged: Logged,
    policy_and_inputs: list[str] = typer.Argument(
        [],
        metavar="POLICY INPUT",
        help="The policy (a directory of `adcli optimize policy`, a table of probabilities, uniform, or "
        "logged), then the log.",
        show_default=False,
    ),
    target_column: list[str] = typer.Option(
        [], help="In place of POLICY: column with the policy's probability of each logged action; repeat."
    ),
    expected_policy: list[str] = typer.Option(
        [],
        help="Your own reward model: column with what it expects of the policy; one per --target-column.",
        metavar="COLUMN",
    ),
    expected_logged: str | None = typer.Option(
        None,
        help="Your own reward model: column with what it expects of the logged action.",
        metavar="COLUMN",
    ),
    also: list[str] = typer.Option(
        [], help="Further policy to compare, with measures of risk; repeat for more."
    ),
    estimator: list[str] = typer.Option(
        [],
        help="ips, snips, dm, dr, sndr, clipped-ips, switch-dr, dros, log-smoothing; mips, offcem "
        "(with --action-groups); iips, rips, cascade-dr, sips (of slates). Repeat for more. switch-dr=9 "
        "sets the parameter, which is chosen by SLOPE otherwise; so for clipped-ips, dros.",
        show_default="ips, snips, dm, dr",
    ),
    reward: str = typer.Option("click", help="Reward: click, conversion or revenue."),
    action: list[str] = typer.Option(
        [], help="Column of the action; repeat for joint actions.", show_default="the policy's own"
    ),
    by: list[str] = typer.Option(
        [], help="Column of the log or of --items: value or exposure in its groups; repeat."
    ),
    min_users: Annotated[int, Needs("by")] = typer.Option(
        50, min=0, help="With --by: put smaller groups together."
    ),
    action_groups: str | None = typer.Option(
        None,
        help="Groups of actions for mips and offcem: a column of --items, or a number of clusters.",
        metavar="COLUMN|NUMBER",
    ),
    slate: str | None = typer.Option(
        None, help="Column of the slate (what was seen at once): value whole slates.", show_default="slate_id"
    ),
    position: str | None = typer.Option(
        None, help="Column of the position in the slate.", show_default="placement"
    ),
    interval: Literal["skew", "normal", "bootstrap", "bernstein", "clopper-pearson"] = typer.Option(
        "skew",
        help="Method of the intervals: skew is Student's t with Hall's skewness correction; bernstein "
        "holds at any size and is wide; normal is for audit.",
    ),
    confidence: Confidence = 0.95,
    fail_under: float | None = typer.Option(
        None, help="Exit with code 4 unless the lower confidence bound of the value is above this."
    ),
) -> None:
    """Value a policy from the log of another, before it is ever live (off-policy evaluation).

    \b
    Examples:
      adcli evaluate policy policy impressions.parquet --report value.html
      adcli evaluate policy uniform obd_bts_men.csv.gz
      adcli evaluate policy policy log.parquet --also other --also uniform --by device
      adcli evaluate policy --target-column new_policy log.csv --estimator ips --estimator switch-dr=100
      adcli evaluate policy probabilities.csv log.parquet --items products.parquet --by brand
      adcli evaluate policy policy log.parquet --slate request_id --position rank --estimator rips
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.evaluate.off_policy.breakdowns import breakdown_table, standing_gaps, with_breakdown
    from adcli.evaluate.off_policy.estimates import DEFAULT, NEEDS_GROUPS
    from adcli.evaluate.off_policy.page import policy_page
    from adcli.evaluate.off_policy.slate_table import SLATE_ESTIMATORS, slate_value_table
    from adcli.evaluate.off_policy.table import policy_value_table
    from adcli.evaluate.off_policy.targets import asked_of

    names, inputs = _policies(policy_and_inputs, also, target_column)
    if expected_logged or expected_policy:
        _check_own_model(expected_logged, expected_policy, target_column, names)
    of_slates = bool(slate or position or set(estimator) & set(SLATE_ESTIMATORS))
    if of_slates:
        _check_slates(estimator, [by, action_groups, logged.eligible_by, expected_logged])
    record = recorder(run, tracking)
    spool = run.spool(inputs, tables=["impressions"], columns=_slate_columns(slate, position))
    if "slate_id" in spool.schema and not of_slates:
        run.note("The log holds slates: single impressions are valued; --estimator rips values whole slates.")
    run.require_whole(["propensity", reward], "a value without them would be another log's")
    impressions = beside_users(run, spool, logged.users, logged.profiles, logged.context).mapped()
    attributes = attributes_of(run, logged.items)
    question = question_of(run, logged, reward, action)
    targets = _target_columns(run, target_column, expected_policy)
    targets += read_targets(run, names, question.action, impressions)
    impressions, question = with_propensities(
        run, impressions, asked_of(question, targets), estimate=logged.estimate_propensities
    )
    value = (
        partial(slate_value_table, estimators=estimator or SLATE_ESTIMATORS)
        if of_slates
        else partial(
            policy_value_table,
            estimators=estimator or (*DEFAULT, *(NEEDS_GROUPS if action_groups else ())),
            action_groups=_groups(run, action_groups),
            expected=run.column(expected_logged) if expected_logged else "",
        )
    )
    with run.step("value"):
        values = value(
            impressions, targets, question, items=attributes, method=interval, confidence=confidence
        )
    _tell(run, values)
    table, groups = values.table, None
    if by:
        with run.step("groups"):
            groups = breakdown_table(
                values.valuation,
                targets,
                run.columns(by),
                items=attributes,
                min_users=min_users,
                confidence=confidence,
            )
        table = with_breakdown(values.table, groups)
    page = policy_page(values, groups, currency=one_currency(impressions))
    deliver(run, Answer(table, page), reporting, record)
    for sentence in [] if groups is None else standing_gaps(groups):
        run.note(sentence)
    _hold(values, fail_under)


def _policies(
    given: Sequence[str], also: Sequence[str], target_columns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The names of the policies, and the inputs: the first that is given is a policy, unless a column is.

    Raises UsageError if there is no policy, or one is none.
    """
    first = 0 if target_columns else 1
    names = [*given[:first], *also]
    if not names and not target_columns:
        raise UsageError("Which policy?", fix="Name a directory, uniform or logged; or give --target-column.")
    check_names(names)
    return names, list(given[first:])


def _tell(run: Run, values: PolicyValues) -> None:
    """Say what the values rest on."""
    tell_undrawn(run, values.valuation.log)
    for note in values.notes:
        run.console.detail(note)


def _check_slates(estimators: Sequence[str], of_impressions: Sequence[object]) -> None:
    """Make sure that nothing asked for is of single impressions.

    Raises UsageError if an estimator or an option is.
    """
    from adcli.evaluate.off_policy.slate_table import SLATE_ESTIMATORS

    if single := [name for name in estimators if name not in SLATE_ESTIMATORS]:
        raise UsageError(
            f"'{single[0]}' values impressions; slates are valued by {', '.join(SLATE_ESTIMATORS)}.",
            fix="Ask for one kind at a time.",
        )
    if any(of_impressions):
        raise UsageError(
            "--by, --action-groups, --eligible-by and --expected-logged are of impressions, not of slates.",
            fix="Ask for them in a run of their own.",
        )


def _check_own_model(
    logged: str | None, policies: Sequence[str], target_columns: Sequence[str], names: Sequence[str]
) -> None:
    """Make sure that a reward model of the user's own says all that the estimators ask; else UsageError."""
    if names or not logged or len(policies) != len(target_columns):
        raise UsageError(
            "A reward model of your own is --expected-logged and one --expected-policy for each "
            "--target-column, without other policies.",
            fix="Name the columns, or leave the model to adcli.",
        )


def _target_columns(run: Run, columns: Sequence[str], expected: Sequence[str]) -> list[Target]:
    """The policies of `--target-column`, each with what a reward model of the user's own expects of it."""
    from adcli.evaluate.off_policy.targets import TargetColumn

    own = run.columns(expected) or [""] * len(columns)
    return [TargetColumn(*both) for both in zip(run.columns(columns), own, strict=True)]


def _slate_columns(slate: str | None, position: str | None) -> dict[str, str]:
    given = {"slate_id": slate, "placement": position}
    return {standard: source for standard, source in given.items() if source}


def _groups(run: Run, given: str | None) -> str | int | None:
    """A number of clusters, or the column of the items that makes groups."""
    if given is None:
        return None
    return int(given) if given.isdigit() else run.column(given)


def _hold(values: PolicyValues, fail_under: float | None) -> None:
    """Make sure that the lower confidence bound of the first policy's value is above `--fail-under`.

    Raises GateError if it is not.
    """
    if fail_under is None:
        return
    headline = values.table.filter("headline").row(0, named=True)
    of_this_log = not values.valuation.log.estimated and not headline["verdict"].startswith("invalid")
    if not of_this_log or not (headline["ci_low"] or 0.0) > fail_under:
        raise GateError(
            f"The lower confidence bound of the value of {headline['policy']} is not above {fail_under:g}."
        )
