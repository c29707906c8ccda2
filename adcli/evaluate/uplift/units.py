"""The units of an experiment in the order of a score."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from adcli.arrays import Floats
from adcli.errors import DataError, require_known
from adcli.evaluate.ab.units import check_repeats, choose_control
from adcli.evaluate.columns import check_columns, finite_numbers


class ScoredUnits(NamedTuple):
    """Units by score, highest first."""

    score: Floats  # (n,) predicted uplift
    treated: Floats  # (n,) 1 or 0
    outcome: Floats  # (n,) what came of it


def scored_units(
    units: pl.DataFrame, *, score: str, outcome: str, control: str | None = None, treated: str | None = None
) -> ScoredUnits:
    """Units of the two arms, sorted by score.

    Args:
        units: One row per unit of a randomised experiment; `variant` names its arm.
        score: Column of the predicted uplift.
        outcome: Column of what came of it.
        control: The arm without the treatment; None chooses as in `ab_table`.
        treated: The arm with it; needed only if there are several.

    Raises:
        DataError: If a column is missing, no number or not finite, a unit occurs twice, or it is unclear
            which two arms are meant.
    """
    check_columns([score, outcome, "variant"], units.columns)
    if "unit_id" in units.columns:
        check_repeats(units.height, units["unit_id"].n_unique(), "unit_id")
    names = [str(name) for name in units["variant"].drop_nulls().unique().sort()]
    against = choose_control(names, control)
    others = [name for name in names if name != against]
    if treated is None and len(others) > 1:
        raise DataError(
            f"Beside '{against}' there are the arms {', '.join(others)}.",
            fix="Say which is the treated one: --treated ARM.",
        )
    if treated is not None:
        require_known(treated, others, f"There is no treated arm '{treated}'.")
    label = pl.col("variant").cast(pl.String)
    kept = units.filter(label.is_in([against, treated or others[0]]))
    ranked = finite_numbers(kept, [score, outcome]).sort(score, descending=True, maintain_order=True)
    is_treated = ranked.select((label != against).cast(pl.Float64)).to_series()
    return ScoredUnits(ranked[score].to_numpy(), is_treated.to_numpy(), ranked[outcome].to_numpy())
