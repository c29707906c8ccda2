"""The same rows typed a little differently, with numbers a little off: to be scored once more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ab.metrics import check_columns
from adcli.evaluate.columns import as_numbers

UNCHANGED = "none"
PERTURBATION, PERTURBED_ROW = "perturbation", "perturbed_row"


def perturbed_rows(
    frame: pl.DataFrame,
    *,
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
    noise: float = 0.05,
    seed: int = 0,
) -> pl.DataFrame:
    """All rows, then all of them again under each perturbation, for a model to score.

    Args:
        frame: Rows that can be scored.
        texts: Columns to mistype: one letter swapped, all upper case, doubled spaces.
        numbers: Columns to multiply by 1 + a normal error.
        noise: Standard deviation of that error.
        seed: Of the perturbations.

    Returns:
        The frame's columns, `perturbation` (`none` for the rows as they were) and `perturbed_row`, the number
        of the row from 0 on.

    Raises:
        DataError: If a column is missing, is no text or holds no numbers, or there is nothing to perturb.
    """
    check_columns([*texts, *numbers], frame.columns)
    if not texts and not numbers:
        raise DataError("There is no text and no number to perturb.")
    for name in texts:
        if frame.schema[name] != pl.String:
            raise DataError(f"Column '{name}' is no text that could be mistyped.")
    frame = as_numbers(frame, numbers)
    copies = {UNCHANGED: frame} | _perturbations(frame, texts, numbers, noise, seed)
    return pl.concat(
        [
            copy.with_columns(pl.lit(name).alias(PERTURBATION)).with_row_index(PERTURBED_ROW)
            for name, copy in copies.items()
        ],
        how="vertical_relaxed",
    ).select(*frame.columns, PERTURBATION, PERTURBED_ROW)


def mistype(text: str, rng: np.random.Generator) -> str:
    """The text with two neighbouring letters swapped somewhere."""
    if len(text) < 2:
        return text
    at = int(rng.integers(len(text) - 1))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _perturbations(
    frame: pl.DataFrame, texts: Sequence[str], numbers: Sequence[str], noise: float, seed: int
) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    made = {}
    if texts:
        swapped = [
            pl.Series(name, [None if t is None else mistype(t, rng) for t in frame[name]], pl.String)
            for name in texts
        ]
        made["a letter swapped"] = frame.with_columns(swapped)
        made["upper case"] = frame.with_columns(pl.col(name).str.to_uppercase() for name in texts)
        made["doubled spaces"] = frame.with_columns(pl.col(name).str.replace_all(" ", "  ") for name in texts)
    if numbers:
        made[f"numbers off by {noise:.0%}"] = frame.with_columns(
            pl.col(name).cast(pl.Float64) * pl.lit(pl.Series(1 + noise * rng.standard_normal(frame.height)))
            for name in numbers
        )
    return made
