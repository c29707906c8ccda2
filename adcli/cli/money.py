"""What counts as revenue: the options of the commands that add up purchases, and the sales that follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.option_rules import Needs
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

_PANEL = "Money"


@dataclass(frozen=True)
class Money:
    """What counts as revenue."""

    net: Annotated[
        bool, typer.Option("--net", help="Subtract refunds from revenue.", rich_help_panel=_PANEL)
    ] = False
    amount: Annotated[
        Literal["unit", "line", "order"] | None,
        typer.Option(
            help="What an amount belongs to.",
            show_default="found from names and numbers",
            rich_help_panel=_PANEL,
        ),
    ] = None
    currency: Annotated[
        str | None,
        typer.Option(help="Currency to convert all money to, with --rates.", rich_help_panel=_PANEL),
        Needs("rates"),
    ] = None
    rates: Annotated[
        Path | None,
        typer.Option(
            help="Table of exchange rates: currency, rate (worth of one unit), and date if daily.",
            rich_help_panel=_PANEL,
        ),
        Needs("currency"),
    ] = None


def settled(run: Run, log: pl.DataFrame, money: Money) -> pl.DataFrame:
    """The log with its purchases settled, and its money in the currency that is wanted.

    Raises:
        UsageError: If an option has nothing that it could change.
    """
    from adcli.behaviour.currencies import converted
    from adcli.behaviour.sales import settle_sales

    if "event_type" in log.columns:
        log, said = settle_sales(log, net=money.net, level=money.amount)
        run.facts["sales"] = said
        for clause in said:
            run.note(f"{clause}.")
    elif money.net or money.amount is not None:
        raise UsageError("--net and --amount are for purchases, and the input is no log of events.")
    if money.currency is None:
        return log
    if "currency" not in log.columns:
        raise UsageError(
            "--currency: no column says what currency the amounts are in.", fix="Say it: --set currency=EUR."
        )
    rates = run.read([str(money.rates)], tables=["exchange_rates"], secondary=True)
    return converted(log, money.currency, rates)


def settled_in_one_currency(run: Run, events: pl.DataFrame, money: Money) -> pl.DataFrame:
    """The same of a log of events whose money is to be added up.

    Raises:
        DataError: If it is in several currencies.
    """
    from adcli.behaviour.currencies import require_one_currency

    sales = settled(run, events, money)
    require_one_currency(sales)
    return sales
