"""What a stream's state holds, for people and programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import polars as pl

from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.state import read_about


def described(directory: Path, live: LivePolicy, journal_bytes: int, refused: int, made: pl.DataFrame) -> str:
    """One JSON object, with a line's end, of a state and the table of its decisions."""
    spending, reward = live.spending, pl.col(live.offline.reward)
    sums = pl.len().alias("decisions"), reward.count().alias("rewards"), reward.mean().alias("mean_reward")
    (whole,) = made.select(sums).to_dicts()
    names = live.names.columns
    by_action = live.offline.actions.frame.join(
        made.group_by(names).agg(sums), on=names, how="left", maintain_order="left"
    ).with_columns(pl.col("decisions", "rewards").fill_null(0))
    budget: dict[str, Any] | None = None
    if spending.budget != float("inf"):
        budget = {name: getattr(spending, name) for name in ("budget", "spent", "reserved", "made")}
        budget["decisions"] = spending.decisions or None
    held = {
        **read_about(directory),
        "decisions": whole["decisions"],
        "rewards_counted": whole["rewards"],
        "mean_reward": whole["mean_reward"],
        "open_decisions": live.decisions.size - live.decisions.first,
        "lines_refused": refused,
        "unknown_keys": live.contexts.unknown_keys,
        "drifts": live.rewards.drifts,
        "budget": budget,
        "price": spending.price,
        "rules": live.rules.given,
        "constraints": live.offline.constraints.said or None,
        "journal_bytes": journal_bytes,
        "actions": by_action.to_dicts(),
    }
    return orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
