"""The Qini curve of a score, as points to draw."""

from __future__ import annotations

import numpy as np
import polars as pl

from adcli.evaluate.uplift.curves import curve, rank
from adcli.evaluate.uplift.units import scored_units

POINTS = 101


def qini_points(
    units: pl.DataFrame,
    *,
    score: str,
    outcome: str,
    treatment: str = "variant",
    control: str | None = None,
    treated: str | None = None,
) -> pl.DataFrame:
    """What treating the units with the highest scores gains: `share gained random`, 101 points from 0 to 1.

    Args:
        units: One row per unit of a randomised experiment.
        score: Column of the predicted uplift.
        outcome: Column of what came of it.
        treatment: Column of the arms.
        control: The arm without the treatment; None chooses as in `ab_table`.
        treated: The arm with it; needed only if there are several.

    Raises:
        DataError: As `uplift_table`.
    """
    arms = scored_units(units, score, outcome, treatment, control, treated)
    targeted, gained = curve(rank(arms.score, arms.treated, arms.outcome), "qini")
    share = np.linspace(0, 1, POINTS)
    return pl.DataFrame(
        {
            "share": share,
            "gained": np.interp(share, targeted / targeted[-1], gained),
            "random": share * gained[-1],
        }
    )
