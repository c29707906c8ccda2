"""`adcli optimize forecast`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import typer

from adcli.cli.command import command
from adcli.cli.money import Money, settled_in_one_currency
from adcli.cli.options import Inputs, Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run

if TYPE_CHECKING:
    from adcli.optimize.forecast import Backtest, Choice


@command
def forecast(
    run: Run,
    money: Money,
    reporting: Reporting,
    inputs: Inputs = None,
    days: int = typer.Option(90, min=1, help="How many days the forecast reaches."),
    cutoff: datetime | None = typer.Option(
        None,
        formats=["%Y-%m-%d"],
        help="First day not to learn from: what came from it on is compared with the forecast.",
        show_default="none: learn from the whole log",
    ),
) -> None:
    """Forecast who comes back: each customer's chance to be active, purchases and value to expect.

    \b
    Examples:
      adcli optimize forecast events.parquet -o customers.parquet --report customers.html
      adcli optimize forecast events.parquet --cutoff 2026-06-01 --days 60 -o customers.parquet
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.optimize.forecast import forecast_customers
    from adcli.optimize.forecast_page import forecast_page

    sales = settled_in_one_currency(run, run.read(inputs, tables=["events"]), money)
    with run.step("forecast"):
        made = forecast_customers(sales, days=days, cutoff=_day(cutoff))
    run.facts["forecast"] = {
        "bg_nbd": made.purchases._asdict(),
        "gamma_gamma": made.values._asdict() if made.values else None,
        "choice": made.choice._asdict() if made.choice else None,
        "backtest": made.backtest._asdict() if made.backtest else None,
    }
    model = ", ".join(f"{name} {value:.4g}" for name, value in made.purchases._asdict().items())
    run.note(f"BG/NBD, in weeks: {model}.")
    run.note(_why(made.choice))
    if made.values is None:
        run.note("Too few repeated purchases have an amount, so expected_value is left empty.")
    if made.backtest:
        run.note(_told(made.backtest))
    page = forecast_page(made, days=days, currency=one_currency(sales))
    run.write(made.customers, kinds=page.kinds)
    publish(run, page, reporting)
    run.answer(page.answer[:3])


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _why(choice: Choice | None) -> str:
    if choice is None:
        return "The log is too short, or has too few customers, to try LightGBM out of time: BG/NBD it is."
    told = ", ".join(f"{name} {value:.4f}" for name, value in choice.deviance.items())
    return f"{choice.model} is taken: Poisson deviance in the last {choice.days} days seen: {told}."


def _told(backtest: Backtest) -> str:
    errors = ", ".join(f"{name} {error:.3f}" for name, error in backtest.errors.items())
    return (
        f"In the {backtest.days} days after the cutoff {backtest.expected:,.0f} purchases were expected and "
        f"{backtest.observed:,} came. Mean absolute error of a customer's purchases: {errors}."
    )
