"""Intervals of uplift areas: units resampled by Poisson weights, summed by rank, sorted only once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.evaluate.uplift.curves import Areas, Ranked, areas, sum_ties, tie_starts
from adcli.progress import steps
from adcli.statistics.intervals import student_quantile

BLOCKS = 512  # of ranks; areas of resamples are taken over these, the estimate itself over every unit
SAMPLES_AT_A_TIME = 64
FEWEST_SEEN = 5  # units with an outcome, below which no percentile is far enough out
FEW_VALUES = 16  # distinct outcomes that are counted in a dense table


def estimate_areas(
    score: Floats, treated: Floats, outcome: Floats, *, samples: int, confidence: float, seed: int
) -> tuple[Areas, Areas]:
    """Each area, and the two ends of its expanded percentile interval.

    Resampling n units is, but for the total, drawing a Poisson number of copies of each; equal units of one
    block are drawn at once, so that a sample of a million units costs a few thousand draws.

    `score` (n,) predicted uplift; `treated` (n,) 1 or 0; `outcome` (n,) what came of it; `samples`: bootstrap
    samples.

    Source: Efron (1979); Hanley and MacGibbon (2006) for Poisson weights.
    """
    order = np.argsort(-score, kind="stable")
    score, treated, outcome = score[order], treated[order], outcome[order]
    copies = _collapse(score, treated, outcome)
    binary = bool(((outcome == 0) | (outcome == 1)).all())
    rng = np.random.default_rng(seed)
    drawn = []
    for start in steps(range(0, samples, SAMPLES_AT_A_TIME)):
        size = (min(SAMPLES_AT_A_TIME, samples - start), len(copies.times))
        drawn.append(np.stack(areas(_sum(rng.poisson(copies.times, size), copies), binary=binary)))
    estimate = np.stack(areas(sum_ties(score, treated, outcome), binary=binary))
    coarse = np.stack(areas(_sum(copies.times[None], copies), binary=binary))
    resampled = np.concatenate(drawn, axis=1) + (estimate[:, None] - coarse)
    tail = _expanded_tail(confidence, int((outcome != 0).sum()))
    ends = [_quantiles(draws[np.isfinite(draws)], [tail, 1 - tail]) for draws in resampled]
    return Areas(*estimate), Areas(*ends)


def _expanded_tail(confidence: float, seen_in: int) -> float:
    """The level of the lower percentile: a little further out where few units have an outcome to draw.

    Source: Hesterberg (2015), The American Statistician 69, expanded percentile intervals.
    """
    from scipy.special import ndtr

    if seen_in < FEWEST_SEEN:
        return (1 - confidence) / 2
    margin = student_quantile(confidence, seen_in - 1) * math.sqrt(seen_in / (seen_in - 1))
    return float(ndtr(-margin))


def _quantiles(draws: Floats, levels: list[float]) -> Floats:
    """Percentiles at levels of draws + 1, as few draws would otherwise be too sure."""
    if not len(draws):
        return np.full(2, np.nan)
    return np.asarray(np.quantile(draws, levels, method="weibull"))


class _Copies(NamedTuple):
    """Units that are alike, as one: their block and arm, their outcome, how many they are."""

    cell: Integers  # 2 x block + 1 if treated, increasing
    value: Floats
    times: Integers
    blocks: int


def _collapse(score: Floats, treated: Floats, outcome: Floats) -> _Copies:
    starts = tie_starts(score)
    sizes = np.diff(starts, append=len(score))
    block = np.repeat(starts * BLOCKS // len(score), sizes)
    values, code = np.unique(outcome, return_inverse=True)
    kind = (block * 2 + treated.astype(np.int64)) * len(values) + code
    if len(values) <= FEW_VALUES:
        counts = np.bincount(kind)
        kinds = np.flatnonzero(counts)
        counts = counts[kinds]
    else:
        kinds, counts = np.unique(kind, return_counts=True)
    return _Copies(kinds // len(values), values[kinds % len(values)], counts, BLOCKS)


def _sum(weights: Integers, copies: _Copies) -> Ranked:
    """Weighted sums by block and arm; (samples, blocks) each."""
    starts = np.flatnonzero(np.diff(copies.cell, prepend=-1))
    units = np.zeros((len(weights), copies.blocks * 2))
    outcomes = np.zeros_like(units)
    units[:, copies.cell[starts]] = np.add.reduceat(weights, starts, axis=1)
    outcomes[:, copies.cell[starts]] = np.add.reduceat(weights * copies.value, starts, axis=1)
    return Ranked(units[:, 1::2], units[:, ::2], outcomes[:, 1::2], outcomes[:, ::2])
