"""`adcli clean`: raw logs in, one standard table out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.clean.requests import ADDED
from adcli.clean.rules import (
    ACTIONS,
    RULES,
    UNKNOWN_TYPE,
    Rule,
    RuleCheck,
    known_rule,
    rules_of_file,
    with_actions,
)
from adcli.cli.clean_anomalies import Anomalies, require_anomalies
from adcli.cli.clean_attribution import Attribution, attributed, require_attribution
from adcli.cli.clean_behaviour import (
    Behaviour,
    flagging,
    require_behaviour,
    routes_for,
    session_steps,
    with_behaviour,
)
from adcli.cli.clean_duplicates import Duplicates, repeat_steps, require_duplicates, with_near_duplicates
from adcli.cli.clean_features import Features, require_features, with_features
from adcli.cli.clean_privacy import Privacy, Protection
from adcli.cli.clean_quality import Expecting, Watching
from adcli.cli.clean_scale import Scale, Scaling
from adcli.cli.command import command
from adcli.cli.money import Money
from adcli.cli.option_rules import Needs
from adcli.cli.options import Inputs, Reporting
from adcli.cli.run import Run
from adcli.errors import GateError, UsageError, require_known
from adcli.stores import local

if TYPE_CHECKING:
    import polars as pl


CLEANED = ("auctions", "impressions", "report", "events", "reviews", "products", "units", "queries", "users")
_TABLES, _ACTIONS = ", ".join(CLEANED), ", ".join(ACTIONS)
_USUAL_ACTIONS = "; ".join(f"{one.name}={one.default}" for one in RULES)


@command
def clean(
    run: Run,
    duplicates: Duplicates,
    behaviour: Behaviour,
    anomalies: Anomalies,
    attribution: Attribution,
    features: Features,
    money: Annotated[Money, Needs("attribute", "features")],
    privacy: Privacy,
    expecting: Expecting,
    reporting: Reporting,
    scale: Scale,
    inputs: Inputs = None,
    table: str | None = typer.Option(None, help=f"Table of the input: {_TABLES}.", show_default="recognised"),
    rules: Path | None = typer.Option(
        None, help="TOML file of further rules: a table each, with expression, reason, default."
    ),
    rule: list[str] = typer.Option(
        [],
        metavar="NAME=ACTION",
        help=f"What happens to rows that break a rule: {_ACTIONS}.",
        show_default=_USUAL_ACTIONS,
    ),
    fail_on: list[str] = typer.Option(
        [], metavar="RULE", help="Fail with exit code 4 if a row breaks this rule; repeat for more."
    ),
) -> None:
    """Turn raw logs into a standard table: parse, recognise, check, deduplicate, order by time.

    A row is rejected where it cannot be read (too few fields, a quote never closed), where a column that
    the table requires has no value, or where a recognised column holds what it cannot hold (a time that is
    none, a negative price, a propensity of 0). Prices of zero stay, and so do returns and cancelled orders,
    as events of type 'other'. An exact duplicate is dropped only where the row carries an identity (an order,
    a review, a time finer than a second): customers who are alike are not one. Columns that nobody knows are
    carried along.

    A web server's requests become what users did: views, searches, carts, purchases; requests for assets,
    health checks, requests from internal addresses and those answered with an error are rejected.

    \b
    Examples:
      adcli clean logs/*.csv.gz -o events.parquet --rejects rejects.csv
      adcli clean access.log.gz --bots drop --sessions -o events.parquet
      adcli clean events.parquet --attribute linear --impressions shown.csv -o impressions.parquet
      zcat access.log.gz | adcli clean - | head
    """
    from adcli.clean.parts import Reading

    if table is not None:
        sentence = f"--table {table}: there is no such table."
        require_known(table, CLEANED, sentence, f"There are {_TABLES}.", error=UsageError)
    active = _rules(rules, rule, fail_on)
    scaling = Scaling(run, scale, reporting, is_erasing=privacy.erase is not None)
    protection = Protection(run, privacy)
    stream = run.stream(inputs, tables=CLEANED, table=table)
    watching = Watching(run, stream, reporting, expecting.expect)
    check = RuleCheck(active, now=scaling.began(), standard=stream.table.names)
    routes = routes_for(stream, behaviour)
    names = stream.names | (set(ADDED) if routes else set())
    check.require(names, fail_on)
    require_duplicates(stream.table.name, names, duplicates)
    scaling.require(duplicates)
    require_anomalies(anomalies)
    require_behaviour(names, behaviour, anomalies)
    require_features(run, stream.table.name, features)
    require_attribution(stream.table.name, flagging(behaviour, anomalies, features), attribution)
    protection.prepare(None if attribution.attribute else names)
    with run.step("read"), run.console.progress("reading", share=stream.share) as advance:
        steps = [*repeat_steps(duplicates), *session_steps(names, behaviour)]
        cleaned = scaling.cleaned(Reading(stream, routes, check), steps, advance)
        cleaned = with_behaviour(run, stream, names, cleaned, behaviour, anomalies)
        if duplicates.near_duplicates is not None:
            cleaned = with_near_duplicates(run, stream.table.name, cleaned, duplicates)
        if attribution.attribute is not None:
            cleaned = attributed(run, cleaned, attribution.attribute, attribution, money)
        cleaned = protection.applied(cleaned)
        if features.features:
            cleaned = with_features(run, cleaned, features, money)
        cleaned = watching.checked(cleaned)
        first = list(islice(cleaned, 1))  # all is read before the first row is known to be the first
    accepted = stream.rows_read - stream.rows_rejected
    with run.console.progress("writing", accepted) as advance:
        run.write(_counted(watching.watched(chain(first, cleaned)), advance))
    check.counts[UNKNOWN_TYPE] = stream.unknown_event_types.total()
    protection.tell()
    watching.publish(check, protection)
    _tell_rules(run, check, fail_on)


def _counted(frames: Iterable[pl.DataFrame], advance: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for frame in frames:
        yield frame
        advance(frame.height)


def _rules(file: Path | None, actions: list[str], gates: list[str]) -> list[Rule]:
    """The rules of the table and of the user's file, as the options say."""
    own = rules_of_file(local(file).read_text(encoding="utf-8"), str(file)) if file else []
    by_name = {one.name: one for one in (*RULES, *own)}
    chosen = with_actions(list(by_name.values()), actions)
    active = [one for one in chosen if one.default != "off"]
    for name in gates:
        known_rule(name, [one.name for one in active])
    return active


def _tell_rules(run: Run, check: RuleCheck, gates: list[str]) -> None:
    """Say which rules were broken, put it into the manifest, and hold the gates."""
    run.facts["rules"] = [{**one._asdict(), "rows": check.counts[one.name]} for one in check.rules]
    for one in check.rules:
        if one.default == "count" and one.name != UNKNOWN_TYPE and (count := check.counts[one.name]):
            run.note(f"{one.name}: {count:,} row{'s'[: count > 1]} kept with {one.reason}.")
    broken = [f"{name} {check.counts[name]:,}" for name in gates if check.counts[name]]
    if broken:
        raise GateError(f"Rules were broken that --fail-on names: {', '.join(broken)}.")
