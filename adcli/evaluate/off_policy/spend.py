"""What a policy would have spent, beside what it would have earned."""

from __future__ import annotations

from adcli.policies.estimators import snips
from adcli.policies.logged import LoggedRows
from adcli.policies.rows import PolicyRows
from adcli.policies.uncertainty import value_mean


def spend_columns(rows: PolicyRows, logged: LoggedRows, confidence: float) -> dict[str, object]:
    """The spend per impression and its interval, and the value per unit spent; nothing without costs.

    Both are self-normalised, so that the weights' error cancels in their ratio.
    """
    if logged.cost is None:
        return {}
    spend, value = snips(logged.cost, rows.weight), snips(logged.reward, rows.weight)
    interval = value_mean(spend.influence, logged.cost, rows.weight, logged).interval(confidence)
    return {
        "spend": spend.value,
        "spend_low": interval.low,
        "spend_high": interval.high,
        "value_per_spend": value.value / spend.value if spend.value else None,
    }
