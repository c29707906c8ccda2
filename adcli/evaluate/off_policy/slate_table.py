"""The value of policies per slate: several placements that one user sees at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError, UsageError
from adcli.evaluate.off_policy import slates as slates
from adcli.evaluate.off_policy.estimates import NamedEstimate
from adcli.evaluate.off_policy.intervals import Method
from adcli.evaluate.off_policy.risk import with_shortlist
from adcli.evaluate.off_policy.table import QUESTION, PolicyValues, as_table
from adcli.evaluate.off_policy.targets import Target, asked_of, name_of, prepare_valuation
from adcli.evaluate.off_policy.verdicts import Setting, record
from adcli.policies.evidence import Diagnostics, Gates, diagnose
from adcli.policies.logged import LoggedRows
from adcli.policies.prepared import Question
from adcli.policies.rows import PolicyRows

SLATE, POSITION = "slate_id", "placement"
SLATE_ESTIMATORS = ("iips", "rips", "cascade-dr", "sips")
HEADLINES = ("cascade-dr", "rips", "sips", "iips")  # what takes less for granted first, the wide one late


class Grid(NamedTuple):
    """Where each impression stands: its slate and its position, shape (n,) each, and how many there are."""

    slate: Integers
    position: Integers
    slates: int
    positions: int

    def spread(self, values: Floats, empty: float) -> Floats:
        """Values of impressions as (slates, positions), `empty` where a slate has no impression."""
        grid = np.full((self.slates, self.positions), empty)
        grid[self.slate, self.position] = values
        return grid


def slate_grid(impressions: pl.DataFrame) -> Grid:
    """The grid of slates and positions; positions are in numeric order, or that of their names.

    Raises DataError if a column is missing or has gaps, or a slate has two impressions in one position, or
    none in a position above one that it has.
    """
    for name, option in ((SLATE, "--slate"), (POSITION, "--position")):
        if name not in impressions.columns:
            raise DataError(
                f"There is no column '{name}' to identify slates by.", fix=f"Name it with {option}."
            )
        if impressions[name].null_count():
            raise DataError(f"'{name}' is missing in {impressions[name].null_count():,} impressions.")
    if impressions.select(SLATE, POSITION).is_duplicated().any():
        raise DataError(f"A '{SLATE}' has two impressions in one '{POSITION}'.")
    places = impressions[POSITION].cast(pl.String)
    numeric = places.cast(pl.Float64, strict=False)
    ranked = (places if numeric.null_count() else numeric).rank("dense").cast(pl.Int64).to_numpy() - 1
    groups = impressions[SLATE].cast(pl.String).rank("dense").cast(pl.Int64).to_numpy() - 1
    grid = Grid(groups, ranked, int(groups.max()) + 1, int(ranked.max()) + 1)
    _refuse_holes(grid, impressions[SLATE].cast(pl.String), places)
    return grid


def _refuse_holes(grid: Grid, slate: pl.Series, place: pl.Series) -> None:
    """Make sure that a slate has an impression in each position above its last."""
    shown = np.bincount(grid.slate, minlength=grid.slates)
    last = np.zeros(grid.slates, dtype=np.int64)
    np.maximum.at(last, grid.slate, grid.position)
    holed = shown < last + 1
    if holed.any():
        number = int(np.argmax(holed))
        rows = grid.slate == number
        first = int(np.setdiff1d(np.arange(last[number]), grid.position[rows])[0])
        missing = place[int(np.argmax(grid.position == first))]
        raise DataError(
            f"{int(holed.sum()):,} slates miss a position above one that they have: "
            f"'{slate[int(np.argmax(rows))]}' has none at '{missing}'.",
            fix="Add the impressions, without a click, or leave the slates out.",
        )


def slate_value_table(
    impressions: pl.DataFrame,
    targets: Sequence[Target],
    question: Question = QUESTION,
    *,
    estimators: Sequence[str] = SLATE_ESTIMATORS,
    items: pl.DataFrame | None = None,
    method: Method = "skew",
    confidence: float = 0.95,
) -> PolicyValues:
    """The value of each policy per slate, by slate estimators; the columns are those of `policy_value_table`.

    `propensity` is the probability of each position's own action, given those above it.

    Args:
        impressions: The log, one row per `slate_id` and `placement`, which orders a slate's positions.
        targets: The policies.
        question: What is asked of the log; rewards are added up over the slate.
        estimators: Names from `SLATE_ESTIMATORS`.
        items: Attributes or vectors of the items for the reward model.
        method: Of the intervals.
        confidence: Of the intervals.

    Raises:
        UsageError: If an estimator is not known.
        DataError: As `policy_value_table` and `slate_grid`.
    """
    for name in estimators:
        if name not in SLATE_ESTIMATORS:
            raise UsageError(f"'{name}' is none of {', '.join(SLATE_ESTIMATORS)}.")
    grid = slate_grid(impressions)
    valuation = prepare_valuation(
        impressions, asked_of(question, targets), items=items, with_model="cascade-dr" in estimators
    )
    logged = valuation.log.logged
    earned = grid.spread(logged.reward, 0.0)
    setting = Setting(
        _whole_slates(logged, grid, earned),
        method,
        confidence,
        Gates(),
        question.seed,
        valuation.log.estimated,
        "slate",
    )
    records: list[dict[str, object]] = []
    influences: dict[str, Floats] = {}
    for target in targets:
        rows = valuation.rows(target)
        whole = not np.isnan(rows.q_policy).any()
        computed = [name for name in estimators if whole or name != "cascade-dr"]
        headline = next((name for name in HEADLINES if name in computed), "")
        for name in computed:
            named, weight = _estimate(name, earned, grid, rows)
            if name == headline and target != "logged":
                influences[name_of(target)] = named.estimate.influence
            found = _diagnose_slates(earned, weight, float(rows.unsupported.mean()))
            records.append(
                record(name_of(target), named, weight.mean(axis=1), found, setting, headline=name == headline)
            )
    table = as_table(records, targets, estimators)
    with_risk = with_shortlist(table, influences, setting.logged, confidence=confidence, seed=question.seed)
    order = impressions[POSITION].gather([int(np.argmax(grid.position == n)) for n in range(grid.positions)])
    seen = ", ".join(order.cast(pl.String))
    notes = [f"{grid.slates:,} slates of up to {grid.positions} positions, seen in the order {seen}"]
    return PolicyValues(with_risk, [*notes, *valuation.notes], valuation, "slate")


IIPS = "each position by its own weight: right where a click depends on its own position alone"


def _whole_slates(logged: LoggedRows, grid: Grid, earned: Floats) -> LoggedRows:
    """The logged side with one entry per slate, its user that of its impressions."""
    cluster = None
    if logged.cluster is not None:
        cluster = np.zeros(grid.slates, dtype=np.int64)
        cluster[grid.slate] = logged.cluster
    nothing = np.zeros(grid.slates)
    return LoggedRows(nothing.astype(np.int32), earned.sum(axis=1), nothing, cluster, None)


def _estimate(name: str, earned: Floats, grid: Grid, rows: PolicyRows) -> tuple[NamedEstimate, Floats]:
    """The estimate, and the weight it gives each reward, shape (slates, positions)."""
    weight = grid.spread(rows.weight, 1.0)
    so_far = weight.cumprod(axis=1)
    match name:
        case "iips":
            return NamedEstimate(name, slates.iips(earned, weight), IIPS), weight
        case "sips":
            whole = np.repeat(so_far[:, -1:], grid.positions, axis=1)
            return NamedEstimate(name, slates.sips(earned, weight), "by the weight of the whole slate"), whole
        case "rips":
            return NamedEstimate(name, slates.rips(earned, weight), "by the weights from the top"), so_far
        case _:
            q_logged, q_policy = grid.spread(rows.q_logged, 0.0), grid.spread(rows.q_policy, 0.0)
            follows = slates.rewards_to_come(q_policy)
            estimate = slates.cascade_dr(earned, weight, q_logged + follows, q_policy + follows)
            return NamedEstimate(name, estimate, "rips, doubly robust along the positions"), so_far


def _diagnose_slates(earned: Floats, weight: Floats, unsupported: float) -> Diagnostics:
    slates_of, positions = np.indices(weight.shape)
    found = diagnose(earned.ravel(), weight.ravel(), unsupported, slates_of.ravel())
    return found._replace(
        n=weight.shape[0], effective_sample_size=found.effective_sample_size / (positions.max() + 1)
    )
