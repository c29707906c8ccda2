"""The campaigns of a plan: what each spends now, and what of its response is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats
from adcli.numbers import counted, plain, show
from adcli.optimize.budget.days import FEWEST_PERIODS, Days, demand_waves
from adcli.optimize.budget.posterior import Lift, Series, fit_response, shape_at
from adcli.optimize.budget.response import Response, Shape, planned_value

_STEP = 1.1  # by which more spend is asked for, to see whether its return is known
_LEARNED = 0.7  # of the prior's standard deviation of that return: with more left, nothing was learned


class Campaign(NamedTuple):
    """One campaign of a plan of some periods."""

    name: str  # its id
    spend: Floats  # (t,) by period, from the first with any
    now: float  # what a plan's periods cost at the present rate
    highest: float  # what they would cost at the highest spend so far
    value_now: float  # what they bring at the present rate, the spend of earlier periods carried over
    response: Response | None  # what is known of it; None if too little
    reason: str  # why too little is known
    periods: float  # of the plan

    def values(self, amounts: Floats) -> Floats:
        """The value (g, m) of amounts (m,) spent on the plan's periods, by draw."""
        if self.response is None:
            raise TypeError(f"nothing is known of the response of {self.name}")
        whole = max(1, round(self.periods))
        found = planned_value(
            self.response, self.spend, amounts / self.periods, periods=whole, now=self.now / self.periods
        )
        return found * (self.periods / whole)


def study(days: Days, name: str, *, periods: float, recent: int, seed: int, lift: Lift | None) -> Campaign:
    """What is known of a campaign.

    `periods`: of the plan, in the report's; `recent`: how many of the last periods tell what is spent, and
    what demand is, now; `lift`: what a test said of it.
    """
    spend, value = days.spend[name], days.value[name]
    first = int((spend > 0).argmax())
    daily = float(spend[-recent:].mean())
    campaign = Campaign(
        name,
        spend[first:],
        daily * periods,
        float(spend.max()) * periods,
        float(value[-recent:].mean()) * periods,
        None,
        _unknowable(spend[first:], value[first:], days.length),
        periods,
    )
    if campaign.reason:
        return campaign
    demand = demand_waves(days.dates[first:], days.length)
    response = fit_response(Series(spend[first:], value[first:], demand), recent=recent, seed=seed, lift=lift)
    if reason := _unlearned(response):
        return campaign._replace(reason=reason)
    known = campaign._replace(response=response)
    return known._replace(value_now=float(known.values(np.array([known.now])).mean()))


def _unknowable(spend: Floats, value: Floats, length: int) -> str:
    """Why days cannot tell of a response; an empty string if they can."""
    if not spend.any():
        return "it spent nothing"
    if not value.any():
        return "it brought nothing"
    if spend.size < FEWEST_PERIODS:
        return f"it has {counted(spend.size, 'day' if length == 1 else 'week')}, {FEWEST_PERIODS} are needed"
    if np.ptp(spend) <= 1e-6 * spend.max():
        return f"its spend never varied: {spend[0]:g} throughout"
    return ""


def _unlearned(response: Response) -> str:
    """What says that the days left the response as open as it was before them; an empty string if not."""
    prior = shape_at(np.random.default_rng(0).standard_normal((4_096, 4)), response.reference)
    returns = _return_of_more(response.shape, response.reference)
    if returns.std() < _LEARNED * _return_of_more(prior, response.reference).std():
        return ""
    low, high = (plain(show(float(bound), "relative")) for bound in np.quantile(returns, (0.025, 0.975)))
    return (
        "its spend varied too little, or only with demand, to tell what more of it brings: "
        f"10 % more may bring {low} to {high}"
    )


def _return_of_more(shape: Shape, reference: float) -> Floats:
    """The relative gain (g,) of a tenth more spend."""
    more = np.array([[_STEP * reference]])
    return np.asarray(shape.relative_value(more, reference)[:, 0] - 1)
