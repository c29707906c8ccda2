"""A stream's decisions with their rewards, from its journal: a table of impressions, to learn policies on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from adcli.optimize.stream.contexts import as_time
from adcli.optimize.stream.refused import RefusedLine, identifier
from adcli.optimize.stream.state import Recorded, blocks

BLOCKS_AT_ONCE = 256
PLACE = "\nline"  # no key of a context
ASKED: dict[str, Any] = {"id": pl.String, "event_time": pl.Datetime("us", "UTC"), "line": pl.Int64}
CAME: dict[str, Any] = {
    "id": pl.String,
    "line": pl.Int64,
    "reward": pl.Float64,
    "cost": pl.Float64,
    "won": pl.Boolean,
}


def decisions_of(directory: Path, columns: Sequence[str], reward: str, window: float) -> pl.DataFrame:
    """A row for each decision that was shown, in their order; its reward is null while it waits for one.

    Args:
        directory: Of the state.
        columns: Of the action.
        reward: What the reward is called.
        window: Decisions after which one without a reward counts as 0.

    Returns:
        `id event_time`, the columns of the action, `propensity`, the reward, `cost`, the context as asked.
    """
    kinds: dict[str, Any] = {**dict.fromkeys(columns, pl.String), "propensity": pl.Float64}
    lines, recorded = count(), blocks(directory)
    batches = [_batch((), lines, kinds)]
    while own := list(islice(recorded, BLOCKS_AT_ONCE)):
        batches.append(_batch(own, lines, kinds))
    asked, decided, context, came = (
        pl.concat(part, how="diagonal_relaxed") for part in zip(*batches, strict=True)
    )
    made = asked.hstack(decided).with_row_index("number")
    # an id may come again once it is forgotten: what came is of the last decision before it
    of = came.join_asof(made.select("id", "line", "number"), on="line", by="id", check_sortedness=False)
    last = of.group_by("number").agg(pl.last("reward", "cost", "won"))
    silent = pl.col("reward").is_null() & (pl.col("number") < made.height - window)
    whole = made.join(last, on="number", how="left", maintain_order="left").with_columns(
        pl.when(silent).then(0.0).otherwise("reward").alias(reward), pl.col("cost").fill_null(0.0)
    )
    shown = whole.select("id", "event_time", *kinds, reward, "cost")
    table: pl.DataFrame = shown.hstack(context.drop(PLACE, *shown.columns, strict=False))
    return table.filter(whole["won"].fill_null(value=True))


def _batch(
    recorded: Iterable[Recorded], lines: Iterator[int], kinds: dict[str, Any]
) -> tuple[pl.DataFrame, ...]:
    """Some blocks as frames: what was asked, decided, the contexts, and what came of decisions."""
    asked: list[tuple[str, datetime, int]] = []
    decided: list[dict[str, Any]] = []
    contexts: list[dict[str, Any]] = []
    came: list[dict[str, Any]] = []
    for head, used, told in recorded:
        time = datetime.fromtimestamp(head["time"], UTC)
        decided += map(orjson.loads, told)
        for line, message in zip(lines, map(orjson.loads, used), strict=False):
            if "reward" in message or "won" in message:
                own = {"reward": 0.0, "cost": 0.0, "won": True, **message}
                came.append({**own, "id": identifier(message).decode(), "line": line})
            elif "id" in message:
                context = message.get("context") or {}
                asked.append((identifier(message).decode(), _time_of(context) or time, line))
                contexts.append({**context, PLACE: line})
    return (
        pl.DataFrame(asked, schema=ASKED, orient="row"),
        pl.DataFrame(decided, schema=kinds),
        _as_asked(contexts),
        pl.DataFrame(came, schema=CAME),
    )


def _as_asked(contexts: list[dict[str, Any]]) -> pl.DataFrame:
    """A column of what is known by each key: numbers, truth values, vectors or texts."""
    found = pl.DataFrame(contexts or {PLACE: []}, infer_schema_length=None, strict=False)
    nested = [name for name, kind in found.schema.items() if kind == pl.Struct]
    return found.with_columns(pl.col(nested).struct.json_encode()).cast({pl.Null: pl.String})


def _time_of(context: dict[str, Any]) -> datetime | None:
    """The time that a context says it is of, if there is one."""
    with suppress(RefusedLine):
        if context.get("event_time"):
            return as_time("event_time", context["event_time"]).replace(tzinfo=UTC)
    return None
