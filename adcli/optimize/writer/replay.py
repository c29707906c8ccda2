"""A sample of the ads that a writer learned from, learned again beside new ones to keep it from forgetting.

Source: Rolnick et al., "Experience Replay for Continual Learning" (2019).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.errors import DataError

SAMPLE = "replay.ndjson"
KEPT, KEPT_HELD_OUT = 400, 100

PromptsWithTexts = list[tuple[str, str]]


class Replay(NamedTuple):
    """Prompts with their ads: those learned from, and others that show what is forgotten."""

    learned: PromptsWithTexts
    held_out: PromptsWithTexts


def read_replay(directory: Path) -> Replay:
    """The sample that a writer's directory keeps; empty if it keeps none.

    Raises:
        DataError: If it can not be read.
    """
    path = directory / SAMPLE
    if not path.is_file():
        return Replay([], [])
    try:
        rows = pl.read_ndjson(path, schema={"prompt": pl.String, "text": pl.String, "held_out": pl.Boolean})
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} can not be read.", fix="Train the writer again.") from error
    learned, held_out = (
        rows.filter(pl.col("held_out") == apart).select("prompt", "text").rows() for apart in (False, True)
    )
    return Replay(learned, held_out)


def write_replay(directory: Path, replay: Replay, *, seed: int) -> None:
    """Keep at most 500 of the ads in a writer's directory."""
    kept = Replay(_drawn(replay.learned, KEPT, seed), _drawn(replay.held_out, KEPT_HELD_OUT, seed))
    rows = [(*pair, apart) for apart, pairs in zip((False, True), kept, strict=True) for pair in pairs]
    pl.DataFrame(rows, ["prompt", "text", "held_out"], orient="row").write_ndjson(directory / SAMPLE)


def replayed(replay: Replay, new: int, share: float, *, seed: int) -> PromptsWithTexts:
    """Earlier ads that are a share of all that is learned, beside so many new ones; few come repeatedly."""
    wanted = round(new * share / (1 - share)) if replay.learned else 0
    order = _drawn(replay.learned, len(replay.learned), seed)
    return [order[place % len(order)] for place in range(wanted)]


def _drawn(pairs: PromptsWithTexts, most: int, seed: int) -> PromptsWithTexts:
    return [pairs[place] for place in np.random.default_rng(seed).permutation(len(pairs))[:most]]
