"""The units of an experiment in the order of a score."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from adcli.errors import DataError, did_you_mean
from adcli.evaluate.ab.metrics import check_columns
from adcli.evaluate.ab.units import check_unique, choose_control
from adcli.evaluate.columns import as_numbers
from adcli.statistics.intervals import FloatArray


class ScoredUnits(NamedTuple):
    """Units by score, highest first.

    Attributes:
        score: (n,) predicted uplift.
        treated: (n,) 1 or 0.
        outcome: (n,) what came of it.
    """

    score: FloatArray
    treated: FloatArray
    outcome: FloatArray


def scored_units(
    units: pl.DataFrame, score: str, outcome: str, treatment: str, control: str | None, treated: str | None
) -> ScoredUnits:
    """Units of the two arms, sorted by score; the arguments are those of `uplift_table`.

    Raises:
        DataError: If a column is missing, no number or not finite, a unit occurs twice, or it is unclear
            which two arms are meant.
    """
    check_columns([score, outcome, treatment], units.columns)
    check_unique(units, None)
    frame = as_numbers(units.select(score, outcome, treatment), [score, outcome])
    names = [str(name) for name in frame[treatment].drop_nulls().unique().sort()]
    against = choose_control(names, control)
    others = [name for name in names if name != against]
    if treated is None and len(others) > 1:
        raise DataError(
            f"Beside '{against}' there are the arms {', '.join(others)}.",
            fix="Say which is the treated one: --treated ARM.",
        )
    if treated is not None and treated not in others:
        raise DataError(f"There is no treated arm '{treated}'.", fix=did_you_mean(treated, others))
    label = pl.col(treatment).cast(pl.String)
    kept = frame.filter(label.is_in([against, treated or others[0]])).sort(
        score, descending=True, maintain_order=True
    )
    for name in (score, outcome):
        if not kept[name].cast(pl.Float64).is_finite().fill_null(value=False).all():
            raise DataError(f"Column '{name}' holds missing, NaN or infinite values.")
    return ScoredUnits(
        kept[score].cast(pl.Float64).to_numpy(),
        kept.select(label != against).to_series().cast(pl.Float64).to_numpy(),
        kept[outcome].cast(pl.Float64).to_numpy(),
    )
