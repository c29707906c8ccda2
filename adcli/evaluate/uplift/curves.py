"""Qini and gain curves, and their areas in the two definitions that are in use."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.evaluate.uplift.units import ScoredUnits

Kind = Literal["qini", "gain"]
POINTS = 101  # of a curve that is drawn


class Ranked(NamedTuple):
    """Sums over units in blocks of equal score, highest score first; (blocks,) or (samples, blocks) each."""

    treated: Floats  # treated units
    control: Floats  # control units
    treated_outcome: Floats  # sum of their outcomes
    control_outcome: Floats  # sum of their outcomes


class Areas(NamedTuple):
    """What ranks a model; each a number, or one for each sample."""

    # area between the Qini curve and the random line, over n + 1 times the curve's end
    qini_causalml: Floats
    # the same area over that of the perfect ranking; NaN unless outcomes are 0 and 1
    qini_scikit_uplift: Floats
    # area under the gain curve over n + 1 times its end; about .5 for a random ranking
    auuc_causalml: Floats
    auuc_scikit_uplift: Floats  # area between gain curve and random line over that of the perfect ranking


def rank(score: Floats, treated: Floats, outcome: Floats) -> Ranked:
    """The units sorted by score and summed over ties.

    `score` (n,) predicted uplift; `treated` (n,) 1 or 0; `outcome` (n,) what came of it.
    """
    order = np.argsort(-score, kind="stable")
    return sum_ties(score[order], treated[order], outcome[order])


def sum_ties(score: Floats, treated: Floats, outcome: Floats) -> Ranked:
    """The same of units already sorted by score, highest first."""
    starts = tie_starts(score)
    units = np.diff(starts, append=len(score)).astype(np.float64)
    of_treated = np.add.reduceat(treated, starts)
    gained = np.add.reduceat(outcome * treated, starts)
    return Ranked(of_treated, units - of_treated, gained, np.add.reduceat(outcome, starts) - gained)


def tie_starts(score: Floats) -> Integers:
    """Where each run of equal scores begins."""
    return np.flatnonzero(np.diff(score, prepend=np.nan) != 0)


def qini_curve(ranked: Ranked) -> tuple[Floats, Floats]:
    """Units targeted, from 0 on, and the Qini curve's value there, as causalml draws it."""
    so_far = Ranked(*(np.cumsum(part, axis=-1) for part in ranked))
    units = so_far.treated + so_far.control
    return _from_zero(units), _from_zero(_height(so_far, units, "qini", empty=np.nan))


def qini_points(units: ScoredUnits) -> pl.DataFrame:
    """What treating the units with the highest scores gains: `share gained random`, points from 0 to 1."""
    targeted, gained = qini_curve(rank(*units))
    share = np.linspace(0, 1, POINTS)
    return pl.DataFrame(
        {
            "share": share,
            "gained": np.interp(share, targeted / targeted[-1], gained),
            "random": share * gained[-1],
        }
    )


def _height(so_far: Ranked, units: Floats, kind: Kind, *, empty: float) -> Floats:
    """Of a curve over cumulated sums; `empty` is the mean of an arm that has no unit yet.

    Qini: treated outcomes less control outcomes scaled to the treated. Gain: the difference of both means,
    times the units targeted. With an `empty` of NaN, it goes from 0 to where both arms have a unit.

    Source: Radcliffe (2007) for Qini; Gutierrez and Gerardy (2016), equation 10, for the gain.
    """
    of_control = _divide(so_far.control_outcome, so_far.control, empty)
    if kind == "qini":
        height = so_far.treated_outcome - so_far.treated * of_control
    else:
        height = _divide(so_far.treated_outcome, so_far.treated, empty) - of_control
    if np.isnan(empty):
        first = np.argmax(np.isfinite(height), axis=-1)[..., None]
        slope = _divide(np.take_along_axis(height, first, -1), np.take_along_axis(units, first, -1), 0.0)
        height = np.where(np.isfinite(height), height, slope * units)
    return height * units if kind == "gain" else height


def _divide(top: Floats, bottom: Floats, empty: float) -> Floats:
    return np.asarray(np.divide(top, bottom, out=np.full(np.shape(top), empty), where=bottom > 0))


def _from_zero(values: Floats) -> Floats:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def areas(ranked: Ranked, *, binary: bool) -> Areas:
    """Both areas in both definitions.

    `ranked`: the units by score; `binary`: whether outcomes are 0 and 1, so that there is a perfect ranking
    to compare with.

    Source: causalml 0.18, `qini_score` and `auuc_score` (normalised); scikit-uplift 0.5.1, `qini_auc_score`
        and `uplift_auc_score`.
    """
    so_far = Ranked(*(np.cumsum(part, axis=-1) for part in ranked))
    n = so_far.treated[..., -1] + so_far.control[..., -1]
    qini, gain = (_area(so_far, kind, empty=np.nan) for kind in ("qini", "gain"))
    best_qini, best_gain = _perfect_areas(so_far) if binary else (np.full_like(n, np.nan),) * 2
    return Areas(
        qini_causalml=_divide(qini.above, (n + 1) * np.abs(qini.end), np.nan),
        qini_scikit_uplift=_divide(_area(so_far, "qini", empty=0.0).above, best_qini, np.nan),
        # the sum of a piecewise line at 0, 1 ... n is its area + half its end
        auuc_causalml=_divide(gain.whole + gain.end / 2, (n + 1) * np.abs(gain.end), np.nan),
        auuc_scikit_uplift=_divide(_area(so_far, "gain", empty=0.0).above, best_gain, np.nan),
    )


class _Area(NamedTuple):
    whole: Floats
    end: Floats
    above: Floats  # the straight line from 0 to the end


def _area(so_far: Ranked, kind: Kind, *, empty: float) -> _Area:
    units = so_far.treated + so_far.control
    height = _height(so_far, units, kind, empty=empty)
    first = units[..., 0] * height[..., 0] / 2  # from 0 to the first block
    whole, end = np.trapezoid(height, units, axis=-1) + first, height[..., -1]
    return _Area(whole, end, whole - units[..., -1] * end / 2)


def _perfect_areas(so_far: Ranked) -> tuple[Floats, Floats]:
    """Areas above the random line of the best rankings of 0/1 outcomes, for the Qini and for the gain curve.

    Source: scikit-uplift 0.5.1, `perfect_qini_curve` (with negative effects) and `perfect_uplift_curve`.
    """
    treated, control, treated_one, control_one = (part[..., -1] for part in so_far)
    none = np.zeros_like(treated)
    treated_zero, control_zero = treated - treated_one, control - control_one
    qini = _stacked((treated_one, treated_zero, none), (none, control_zero, control_one),
                    (treated_one, none, none), (none, none, control_one))  # fmt: skip
    harm_last = control_one <= treated_zero
    third = np.where(harm_last, treated_zero, none), np.where(harm_last, none, control_one)
    fourth = np.where(harm_last, none, treated_zero), np.where(harm_last, control_one, none)
    gain = _stacked((treated_one, none, third[0], fourth[0]), (none, control_zero, third[1], fourth[1]),
                    (treated_one, none, none, none), (none, none, third[1], fourth[1]))  # fmt: skip
    return _area(qini, "qini", empty=0.0).above, _area(gain, "gain", empty=0.0).above


def _stacked(*parts: tuple[Floats, ...]) -> Ranked:
    """Cumulated sums over a few blocks."""
    return Ranked(*(np.cumsum(np.stack(part, axis=-1), axis=-1) for part in parts))
