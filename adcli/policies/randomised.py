"""Which parts of a product of actions (item x placement x hour) a log drew: what its propensity is of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import require_known

FEWEST_TOLD = 1.5  # a reading must explain the propensities better than the whole product by this factor


def drawn_parts(parts: pl.DataFrame, propensity: Floats, given: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of a product of actions that `propensity` is of; the others were not drawn, or not by it.

    The inverse propensities of what was drawn average the number of choices there were. So the reading is
    taken that names as many: all combinations of all columns unless another fits clearly better.

    Args:
        parts: The columns of the action of each row.
        propensity: How likely each row's action was to be shown, shape (n,).
        given: The columns, where the user says which they are.

    Raises:
        DataError: If a column that the user names is no part of the action.
    """
    for name in given:
        sentence = f"'{name}' is no part of the action ({', '.join(parts.columns)})."
        require_known(name, parts.columns, sentence)
    if given or parts.width == 1:
        return tuple(given) or tuple(parts.columns)
    inverse = float(np.mean(1 / propensity))
    readings = [drawn for size in range(parts.width, 0, -1) for drawn in combinations(parts.columns, size)]
    missed = {drawn: abs(float(np.log(_choices(parts, drawn) / inverse))) for drawn in readings}
    whole, best = readings[0], min(readings, key=lambda drawn: missed[drawn])
    return best if missed[best] + np.log(FEWEST_TOLD) < missed[whole] else whole


def _choices(parts: pl.DataFrame, drawn: Sequence[str]) -> float:
    """How many combinations of the drawn columns the log shows beside a row's other columns, on average."""
    fixed = [name for name in parts.columns if name not in drawn]
    if not fixed:
        return float(parts.unique().height)
    groups = parts.group_by(fixed).agg(rows=pl.len(), choices=pl.struct(drawn).n_unique())
    return float(np.average(groups["choices"].to_numpy(), weights=groups["rows"].to_numpy()))


def not_drawn(parts: pl.DataFrame, drawn: Sequence[str], users: Integers | None) -> list[str]:
    """What a log can tell of the parts of its actions that were not drawn: a sentence or two on each."""
    said = []
    for name in (name for name in parts.columns if name not in drawn):
        sentence = (
            f"propensity is that of {' x '.join(drawn)}: the {name} was not drawn at random (else say "
            f"--propensity-of). The log tells who came at which {name}, not what they would have done at "
            f"another: its propensities are estimated and no verdict is spoken. Drawing the {name} for a "
            "share of the impressions would tell."
        )
        if users is not None and _one_each(parts[name], users):
            sentence += f" Each user is seen at one {name} only."
        said.append(sentence)
    return said


def _one_each(values: pl.Series, users: Integers) -> bool:
    seen = pl.DataFrame({"user": users, "value": values}).group_by("user").agg(pl.col("value").n_unique())
    return bool((seen["value"] == 1).all())
