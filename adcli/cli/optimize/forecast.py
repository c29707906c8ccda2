"""`adcli optimize forecast`."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.money import Money, settled_in_one_currency
from adcli.cli.options import Inputs
from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

    from adcli.optimize.forecast import Backtest
    from adcli.statistics.verdicts import Verdict


@command
def forecast(
    run: Run,
    money: Money,
    inputs: Inputs = None,
    days: Annotated[int, typer.Option(min=1, help="How many days the forecast reaches.")] = 90,
    cutoff: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="First day not to learn from: what came from it on is compared with the forecast.",
            show_default="none: learn from the whole log",
        ),
    ] = None,
) -> None:
    """Forecast who comes back: each customer's chance to be active, purchases and value to expect.

    \b
    Examples:
      adcli optimize forecast events.parquet -o customers.parquet
      adcli optimize forecast events.parquet --cutoff 2026-06-01 --days 60 -o customers.parquet
    """
    from adcli.behaviour.currencies import one_currency
    from adcli.numbers import in_currency
    from adcli.optimize.forecast import forecast_customers

    sales = settled_in_one_currency(run, run.read(inputs, tables=["events"]), money)
    with run.step("forecast"):
        made = forecast_customers(sales, days=days, cutoff=_day(cutoff))
    run.facts["forecast"] = {
        "bg_nbd": made.purchases._asdict(),
        "gamma_gamma": made.values._asdict() if made.values else None,
        "backtest": made.backtest._asdict() if made.backtest else None,
    }
    model = ", ".join(f"{name} {value:.4g}" for name, value in made.purchases._asdict().items())
    run.note(f"BG/NBD, in weeks: {model}.")
    if made.values is None:
        run.note("Too few repeated purchases have an amount, so expected_value is left empty.")
    if made.backtest:
        run.note(_told(made.backtest))
    kind = in_currency("money", one_currency(sales))
    kinds = {"p_active": "probability", "expected_purchases": "number", "expected_value": kind}
    run.write(made.customers, kinds=kinds)
    run.answer(_answer(made.customers, days, kind))


def _answer(customers: pl.DataFrame, days: int, money: str) -> list[Verdict]:
    """How many customers are still active, and what all of them will buy."""
    from adcli.numbers import show
    from adcli.statistics.verdicts import Verdict

    active, purchases, value = (
        float(customers[name].sum()) for name in ("p_active", "expected_purchases", "expected_value")
    )
    worth = f", worth {show(value, money)}" if customers["expected_value"].count() else ""
    return [
        Verdict("", sentence=f"Of {customers.height:,} customers {active:,.0f} are expected to be active."),
        Verdict("", sentence=f"In {days} days they are expected to buy {purchases:,.0f} times{worth}."),
    ]


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _told(backtest: Backtest) -> str:
    errors = ", ".join(f"{name} {error:.3f}" for name, error in backtest.errors.items())
    return (
        f"In the {backtest.days} days after the cutoff {backtest.expected:,.0f} purchases were expected and "
        f"{backtest.observed:,} came. Mean absolute error of a customer's purchases: {errors}."
    )
