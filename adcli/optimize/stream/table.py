"""A stream's decisions with their rewards: a table of impressions, to value and learn policies on."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from adcli.optimize.stream.contexts import as_time
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.refused import RefusedLine, identifier
from adcli.optimize.stream.state import blocks


def impressions_of(directory: Path, live: LivePolicy) -> pl.DataFrame:
    """A row for each decision with a reward, or whose window for one has passed.

    Returns:
        `id event_time`, the columns of the action, `propensity`, the reward by its name, `cost`, and the
        context as it was asked.
    """
    columns, size = live.decisions, live.decisions.size
    asked, times = _asked(directory, live)
    reward, cost = live.rewards.outcomes()
    reward[np.isnan(reward) & columns["counted"][:size]] = 0.0  # its window has passed
    fixed = pl.DataFrame(
        {
            "id": [name.decode() for name in live.decisions.index],
            "event_time": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            **{
                name: live.offline.actions.frame[name].gather(columns["action"][:size])
                for name in live.names.columns
            },
            "propensity": columns["propensity"][:size],
            live.offline.reward: reward,
            "cost": cost,
        }
    )
    given = {name: [context.get(name) for context in asked] for name in _names(asked)}
    context = [_column(name, values) for name, values in given.items() if name not in fixed.columns]
    return fixed.hstack(context).filter(pl.Series(~np.isnan(reward)))


def _asked(directory: Path, live: LivePolicy) -> tuple[list[dict[str, Any]], list[datetime]]:
    """The context of each decision, in their order, and when it was asked."""
    asked: list[dict[str, Any]] = []
    times: list[datetime] = []
    for head, used, _ in blocks(directory):
        time = datetime.fromtimestamp(head["time"], UTC)
        for line in used:
            message = orjson.loads(line)
            if "id" in message and live.decisions.index.get(identifier(message)) == len(asked):
                context = message.get("context") or {}
                asked.append(context)
                times.append(_time_of(context) or time)
    return asked, times


def _time_of(context: dict[str, Any]) -> datetime | None:
    """The time that a context says it is of, if there is one."""
    with suppress(RefusedLine):
        return (
            as_time("event_time", context["event_time"]).replace(tzinfo=UTC)
            if context.get("event_time")
            else None
        )
    return None


def _names(asked: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for context in asked for name in context))


def _column(name: str, values: list[Any]) -> pl.Series:
    """A column of what is known: numbers, truth values, vectors or texts."""
    given = [value for value in values if value is not None]
    if all(type(value) is bool for value in given):
        return pl.Series(name, values, dtype=pl.Boolean)
    if all(type(value) in (int, float) for value in given):
        is_whole = all(type(value) is int for value in given)
        return pl.Series(name, values, dtype=pl.Int64 if is_whole else pl.Float64)
    if all(type(value) is list for value in given):
        return pl.Series(name, values, strict=False)
    texts = [
        None if value is None else value if type(value) is str else orjson.dumps(value).decode()
        for value in values
    ]
    return pl.Series(name, texts, dtype=pl.String)
