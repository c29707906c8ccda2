"""The page of `optimize forecast`: who is worth keeping, and how such forecasts fared."""

from __future__ import annotations

import numpy as np
import polars as pl

from adcli.numbers import in_currency, show
from adcli.optimize.forecast import Forecast
from adcli.report import Curve, Page, Passage, Plot, Table, cumulative_plot
from adcli.report.table import kinds_in
from adcli.statistics.verdicts import Verdict

_SHOWN = 20
_TOP = 0.1
_KINDS = {"p_active": "probability", "expected_purchases": "number"}
_METHOD = (
    Passage(
        "Purchases",
        "BG/NBD (Fader, Hardie and Lee, 2005): each customer buys at an own rate until leaving for good, "
        "which may be after any purchase; purchases of one day are one. Where LightGBM upon it, by purchases "
        "lately and other events of each type, forecast the last days of the log better (Poisson deviance, "
        "out of time), its forecast is taken. The chance to be active is BG/NBD's.",
    ),
    Passage(
        "Value",
        "Expected purchases times what a purchase of the customer is expected to be worth (Gamma-Gamma; "
        "Fader and Hardie, 2013).",
    ),
    Passage(
        "Worth keeping",
        "What is at stake is the value that a customer would bring if surely active less what is expected "
        "now: most with those who bought much and often, and have been quiet for longer than is usual with "
        "them.",
    ),
)


def forecast_page(found: Forecast, *, days: int, currency: str = "") -> Page:
    """The page for a forecast."""
    ranked = found.customers
    by = "expected_purchases" if found.values is None else "expected_value"
    keep = at_stake(ranked, by).head(_SHOWN)
    money = in_currency("money", currency)
    kinds = _KINDS | kinds_in(currency) | dict.fromkeys(("expected_value", "at_stake"), money)
    if found.values is None:
        kinds["at_stake"] = "number"
    told = found.backtest or found.choice
    tenths = pl.DataFrame(told.calibration if told else [])
    return Page(
        title=f"Customers in the next {days} days",
        verdicts=[
            *_overall(ranked, by, days, money),
            *([Verdict("", sentence=_worth_keeping(keep))] if keep.height else []),
            *([Verdict("", sentence=_fared(found))] if told else []),
        ],
        tables=[
            Table("Worth keeping", keep, kinds=kinds, note=f"The {keep.height} with most at stake."),
            Table("Most to expect from", ranked.head(_SHOWN).drop("model"), kinds=kinds),
        ],
        details=[Table("Forecast and what came, by tenth of the customers", tenths)] if told else [],
        plots=[_concentration(ranked, by)],
        method=_METHOD,
    )


def at_stake(customers: pl.DataFrame, by: str = "expected_value") -> pl.DataFrame:
    """Customers by what they would bring if surely active above what is expected now, the most first."""
    if_active = pl.col(by) / pl.col("p_active").clip(1e-9)
    return (
        customers.with_columns(at_stake=if_active - pl.col(by))
        .filter(pl.col("at_stake") > 0)
        .sort("at_stake", descending=True, maintain_order=True)
        .drop("model")
    )


def _overall(ranked: pl.DataFrame, by: str, days: int, money: str) -> list[Verdict]:
    """How many customers are still active, and what all of them will buy."""
    worth = np.sort(ranked[by].fill_null(0.0).to_numpy())[::-1]
    top = worth[: max(1, round(_TOP * worth.size))].sum() / max(worth.sum(), 1e-12)
    active, purchases = (float(ranked[name].sum()) for name in ("p_active", "expected_purchases"))
    valued = f", worth {show(float(worth.sum()), money)}" if by == "expected_value" else ""
    return [
        Verdict("", sentence=f"Of {ranked.height:,} customers {active:,.0f} are expected to be active."),
        Verdict(
            "",
            sentence=f"In {days} days they are expected to buy {purchases:,.0f} times{valued}; the tenth "
            f"with the best prospects stands for {show(top, 'rate')} of it.",
        ),
    ]


def _worth_keeping(keep: pl.DataFrame) -> str:
    names = ", ".join(keep["user_id"].head(3))
    return f"Most is at stake with {names}: they brought much and have been quiet for long."


def _fared(found: Forecast) -> str:
    if found.backtest:
        seen = found.backtest
        return (
            f"In the {seen.days} days after the cutoff {seen.expected:,.0f} purchases were expected and "
            f"{seen.observed:,} came."
        )
    if found.choice is None:
        return ""
    told = ", ".join(f"{name} {value:.4f}" for name, value in found.choice.deviance.items())
    return f"The last {found.choice.days} days were forecast with a Poisson deviance of {told}."


def _concentration(ranked: pl.DataFrame, by: str) -> Plot:
    worth = np.sort(ranked[by].fill_null(0.0).to_numpy())[::-1]
    shares = np.linspace(0, 1, 101)
    total = np.append(0.0, np.cumsum(worth)) / max(worth.sum(), 1e-12)
    reached = np.interp(shares * worth.size, np.arange(total.size), total)
    return cumulative_plot(
        "concentration",
        "How much the best customers stand for",
        [Curve("expected", shares.tolist(), reached.tolist())],
        x_axis="Share of the customers, the best first",
        y_axis="Share of what is expected",
        kind="rate",
        reference=Curve("all alike", [0.0, 1.0], [0.0, 1.0]),
    )
