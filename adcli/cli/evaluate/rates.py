"""`adcli evaluate rates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.command import command
from adcli.cli.engines import Engine, cluster_of, refuse
from adcli.cli.evaluate.privacy import Privacy, spend
from adcli.cli.money import Money, exchange_rates, settled
from adcli.cli.option_rules import Excludes, Needs
from adcli.cli.options import Comparing, Inputs, MinUsers, Reporting, Tracking
from adcli.cli.reporting import Answer, deliver, recorder
from adcli.cli.run import Run
from adcli.errors import UsageError
from adcli.progress import part

if TYPE_CHECKING:
    import polars as pl

    from adcli.evaluate.rates.counts import SummedLog
    from adcli.tables.spark import Cluster


TABLES = ("impressions", "report", "events")


@command
def rates(
    run: Run,
    reporting: Reporting,
    tracking: Tracking,
    comparing: Comparing,
    money: Annotated[Money, Excludes("funnel")],
    privacy: Privacy,
    inputs: Inputs = None,
    table: Annotated[Literal["impressions", "report", "events"] | None, Excludes("funnel")] = typer.Option(
        None, help="Table of the input.", show_default="recognised", rich_help_panel="Input"
    ),
    by: list[str] = typer.Option(
        [], help="Break down by this column, or by hour, weekday, day, week, month; repeat for more."
    ),
    metric: Annotated[list[str], Excludes("funnel")] = typer.Option(
        [],
        help="Only this rate, such as ctr or roas; repeat for more.",
        show_default="all that the log allows",
    ),
    trend: Annotated[bool, Needs("by")] = typer.Option(
        False, "--trend", help="With a part of time in --by: whether rates rise, fall, or follow the hour."
    ),
    compare: Annotated[bool, Needs("by"), Excludes("trend", "funnel")] = typer.Option(
        False, "--compare", help="Compare the groups of --by: each gap, with a plain sentence."
    ),
    funnel: Annotated[bool, Excludes("trend")] = typer.Option(
        False,
        "--funnel",
        help="Conversion funnel of an event log: the share of each step that reaches the next.",
    ),
    step: Annotated[list[str], Needs("funnel")] = typer.Option(
        [],
        help="With --funnel: an event type, in order; repeat.",
        show_default="impression click cart purchase",
    ),
    window_days: Annotated[float, Needs("funnel")] = typer.Option(
        7.0, min=0.0, help="With --funnel: conversion window, most days from one step to the next."
    ),
    min_users: Annotated[MinUsers, Excludes("private")] = 50,
    engine: Engine = "local",
) -> None:
    """CTR, CVR, CPC, CPA, CPM, RPM, ROAS, revenue per user and order, with intervals; by any column or time.

    \b
    Examples:
      adcli evaluate rates impressions.parquet --by placement --report rates.html
      adcli evaluate rates impressions.parquet --by device --compare --metric ctr --metric rpm
      adcli evaluate rates impressions.parquet --by day --trend --report days.html
      adcli evaluate rates events.parquet --funnel --window-days 1
      adcli evaluate rates events.parquet --funnel --step view --step cart --step purchase
      adcli evaluate rates impressions.parquet --metric ctr --private 1 --by device --group device=mobile
      zcat log.csv.gz | adcli clean - | adcli evaluate rates -
    """
    from adcli.evaluate.rates.counts import SummedLog

    over = _part_of_time(by) if trend else ""
    record = recorder(run, tracking)
    refuse(engine, {"--funnel": funnel}, "it looks at the order of each user's events, and sums have none")
    refuse(engine, {"--private": privacy.private}, "it draws the rows of each user that count")
    cluster = cluster_of(run, engine)
    if funnel or privacy.private is not None:
        whole, by = _read(run, inputs, by, tables=["events"] if funnel else TABLES, table=table)
        with run.step("rates"):
            answer = (
                _funnel(whole, by, step, window_days, min_users=min_users, confidence=comparing.confidence)
                if funnel
                else _private(run, whole, by, metric, privacy, comparing.confidence)
            )
        deliver(run, answer, reporting, record)
        return
    if cluster is not None:
        log, by = _added_up(run, cluster, inputs, by, table=table, money=money)
    else:
        whole, by = _read(run, inputs, by, tables=TABLES, table=table)
        log = SummedLog(settled(run, whole, money))
    by = _with_currency(run, log, by, metric)
    with run.step("rates"):
        if compare:
            answer = _comparison(log, by, metric, comparing, min_users=min_users)
        elif trend:
            answer = _trends(log, by, over, metric, comparing, min_users=min_users)
        else:
            answer = _rates(log, by, metric, min_users=min_users, confidence=comparing.confidence)
    deliver(run, answer, reporting, record)


def _read(
    run: Run, inputs: Inputs, by: list[str], *, tables: Sequence[str], table: str | None
) -> tuple[pl.DataFrame, list[str]]:
    """The log, and the columns to break it down by as they are called in it."""
    log = run.read(inputs, tables=tables, table=table)
    missing = {name: log[name].null_count() for name in log.columns if name in ("cost", "revenue")}
    _tell_missing_money(run, log.columns, missing, log.height)
    return log, run.columns(by)


def _added_up(
    run: Run, cluster: Cluster, inputs: Inputs, by: list[str], *, table: str | None, money: Money
) -> tuple[SummedLog, list[str]]:
    """The log as executors add it up, and the columns to break it down by as they are called in it."""
    from adcli.evaluate.rates.distributed import add_up_on

    stream = run.stream(inputs, tables=TABLES, table=table)
    by = run.columns(by)
    rates = None if money.currency is None else exchange_rates(run, money)
    with run.step("read"), run.console.progress("reading", share=stream.share) as advance:
        log, missing = add_up_on(
            cluster, stream, by=by, to=money.currency, rates=rates, reject=run.reject, advance=advance
        )
    _tell_missing_money(run, log.rows.columns, missing, stream.rows_read - stream.rows_rejected)
    return log._replace(rows=settled(run, log.rows, money, rates)), by


def _rates(
    log: SummedLog, by: Sequence[str], metrics: Sequence[str], *, min_users: int, confidence: float
) -> Answer:
    from adcli.behaviour.currencies import one_currency
    from adcli.evaluate.rates.page import rates_page
    from adcli.evaluate.rates.table import rate_table

    table = rate_table(log, by=by, metrics=metrics, min_users=min_users, confidence=confidence)
    page = rates_page(table, by=by, confidence=confidence, currency=one_currency(*log))
    return Answer(table, page)


def _private(
    run: Run,
    log: pl.DataFrame,
    by: Sequence[str],
    metrics: Sequence[str],
    privacy: Privacy,
    confidence: float,
) -> Answer:
    from adcli.evaluate.rates.page import rates_page
    from adcli.evaluate.rates.private import METHOD, Bounds, check_opendp, private_rate_table

    check_opendp()
    epsilon = float(privacy.private or 0)
    bounds = Bounds(privacy.max_rows_per_user, privacy.clips())
    groups = {run.column(name): values for name, values in privacy.groups().items()}
    table = private_rate_table(
        log, epsilon=epsilon, bounds=bounds, metrics=metrics, by=by, groups=groups, confidence=confidence
    )
    spend(run, epsilon, privacy.privacy_budget)
    page = rates_page(table, by=by, confidence=confidence)
    return Answer(table, replace(page, method=[*METHOD, page.method[-1]]), is_private=True)


def _trends(
    log: SummedLog,
    by: Sequence[str],
    over: str,
    metrics: Sequence[str],
    comparing: Comparing,
    *,
    min_users: int,
) -> Answer:
    """The rates, then their trends, which stand for no single point of time."""
    import polars as pl

    from adcli.behaviour.currencies import one_currency
    from adcli.evaluate.rates.page import rates_page
    from adcli.evaluate.rates.table import rate_table
    from adcli.evaluate.rates.trends import trend_table

    cells = [name for name in by if name != over]
    with part(0, 0.3):
        rates = rate_table(log, by=by, metrics=metrics, min_users=min_users, confidence=comparing.confidence)
    with part(0.3, 1):
        trends = trend_table(
            log, over=over, by=cells, metrics=metrics, min_users=min_users, **vars(comparing)
        )
    wide = pl.concat([rates, trends], how="diagonal_relaxed")
    last = ("definition", "verdict", "reason")
    table = wide.select(*(name for name in wide.columns if name not in last), *last)
    page = rates_page(
        rates, by=by, confidence=comparing.confidence, trends=trends, over=over, currency=one_currency(*log)
    )
    return Answer(table, page)


def _comparison(
    log: SummedLog, by: Sequence[str], metrics: Sequence[str], comparing: Comparing, *, min_users: int
) -> Answer:
    from adcli.behaviour.currencies import one_currency
    from adcli.evaluate.rates.fairness import fairness_table
    from adcli.evaluate.rates.page import comparison_page

    table = fairness_table(log, by=by, metrics=metrics, min_users=min_users, **vars(comparing))
    return Answer(table, comparison_page(table, by=by, currency=one_currency(*log)))


def _funnel(
    log: pl.DataFrame,
    by: Sequence[str],
    steps: Sequence[str],
    window_days: float,
    *,
    min_users: int,
    confidence: float,
) -> Answer:
    from adcli.evaluate.rates.funnel import STEPS, funnel_table
    from adcli.evaluate.rates.page import funnel_page

    table = funnel_table(
        log,
        steps=steps or STEPS,
        window=timedelta(days=window_days),
        by=by,
        min_users=min_users,
        confidence=confidence,
    )
    return Answer(table, funnel_page(table, by=by))


def _tell_missing_money(run: Run, columns: Sequence[str], missing: Mapping[str, int], rows: int) -> None:
    """Say what is counted as 0; most events have no money of their own, and a report's reader says it."""
    if {"event_type", "impressions"} & set(columns):
        return
    for name, count in missing.items():
        if 0 < count < rows:
            run.note(f"'{name}' is missing in {count:,} of {rows:,} rows, which count as 0.")


def _with_currency(run: Run, log: SummedLog, by: list[str], metrics: Sequence[str]) -> list[str]:
    """The columns to break down by: the currency too where amounts are in several."""
    from adcli.behaviour.currencies import currencies

    found = currencies(*log)
    is_money = not metrics or bool(set(metrics) - {"ctr", "cvr"})
    if len(found) < 2 or "currency" in by or not is_money:
        return by
    run.note(
        f"amounts are in {', '.join(found)}, which have no sum: one result a currency; --currency and "
        "--rates convert them."
    )
    return [*by, "currency"]


def _part_of_time(by: Sequence[str]) -> str:
    """The part of time among the columns of a breakdown."""
    from adcli.evaluate.rates.counts import PARTS

    parts = [name for name in by if name in PARTS]
    if len(parts) != 1:
        raise UsageError(
            f"--trend goes over one part of time, and --by names {len(parts)}.",
            fix=f"Give one of {', '.join(PARTS)}.",
        )
    return parts[0]
