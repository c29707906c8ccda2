"""What a stream's state holds, for people and programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson

from adcli.optimize.stream.journal import Position
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.state import read_about


def described(directory: Path, live: LivePolicy, end: Position, refused: int) -> str:
    """One JSON object, with a line's end."""
    columns, spending = live.decisions, live.spending
    reward, _ = live.rewards.outcomes()
    counted = ~np.isnan(reward)
    action = columns["action"][: columns.size]
    count = live.decided.size
    rewards = np.bincount(action[counted], minlength=count)
    earned = np.bincount(action[counted], reward[counted], minlength=count)
    budget, spent, lasts, made = spending.numbers[:4].tolist()
    held = {
        **read_about(directory),
        "decisions": columns.size,
        "rewards_counted": int(counted.sum()),
        "mean_reward": float(reward[counted].mean()) if counted.any() else None,
        "lines_refused": refused,
        "unknown_keys": int(live.contexts.unknown_keys[0]),
        "drifts": int(live.rewards.counters[1]),
        "budget": None
        if np.isinf(budget)
        else {"budget": budget, "spent": spent, "decisions": lasts or None, "made": made},
        "price": spending.price,
        "rules": live.rules.given,
        "journal_bytes": end.offset,
        "actions": [
            {
                **(text if isinstance(text, dict) else {live.names.columns[0]: text}),
                "decisions": int(live.decided[number]),
                "rewards": int(rewards[number]),
                "mean_reward": float(earned[number] / rewards[number]) if rewards[number] else None,
            }
            for number, text in enumerate(live.names.texts)
        ],
    }
    return orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
