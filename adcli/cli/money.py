"""What counts as revenue: the options of the commands that add up purchases, and the sales that follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl


@option_group("Money")
class Money:
    """What counts as revenue."""

    net: bool = typer.Option(False, "--net", help="Subtract refunds from revenue.")
    amount: Literal["unit", "line", "order"] | None = typer.Option(
        None, help="What an amount belongs to.", show_default="found from names and numbers"
    )
    currency: Annotated[str | None, Needs("rates")] = typer.Option(
        None, help="Currency to convert all money to, with --rates."
    )
    rates: Annotated[Path | None, Needs("currency")] = typer.Option(
        None, help="Table of exchange rates: currency, rate (worth of one unit), and date if daily."
    )


def settled(run: Run, log: pl.DataFrame, money: Money, rates: pl.DataFrame | None = None) -> pl.DataFrame:
    """The log with its purchases settled, and its money in the currency that is wanted, at known `rates`.

    Raises UsageError if an option has nothing that it could change.
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
    return converted(log, money.currency, exchange_rates(run, money) if rates is None else rates)


def exchange_rates(run: Run, money: Money) -> pl.DataFrame:
    """The table of `--rates`."""
    return run.read([str(money.rates)], tables=["exchange_rates"], secondary=True)


def settled_in_one_currency(run: Run, events: pl.DataFrame, money: Money) -> pl.DataFrame:
    """The same of a log of events whose money is to be added up.

    Raises DataError if it is in several currencies.
    """
    from adcli.behaviour.currencies import require_one_currency

    sales = settled(run, events, money)
    require_one_currency(sales)
    return sales
