"""The optimal bids of a short episode, by dynamic programming over auctions left and budget left."""

from __future__ import annotations

import math

import numpy as np

from adcli.arrays import Floats, Floats32
from adcli.bidding.market import Market
from adcli.bidding.replay import BidRequests, EpisodeState, Outcome
from adcli.errors import DataError

STEP = 5
BUDGET_UNITS = 1_200
LONGEST_EPISODE = 20_000  # auctions; the table grows with it
DEAREST = 400  # units that a price may have
SURPLUS_POINTS = 4_096
HALF_LIFE = 100.0  # of the level of predictions that the program is scaled by, in auctions
FEWEST_RECENT = 20.0


class DynamicProgram:
    """Bids the price at which an auction's value is that of the budget it costs.

    Prices and predicted clicks are taken to be independent draws of the log's. The predictions are measured
    by their recent level, so that the table serves when all of them rise or fall.

    Source: Cai et al. (2017), eq. 10, with the whole distribution of the value in place of its mean.
    """

    step: int | None = STEP

    def __init__(self, market: Market) -> None:
        self._market = market
        self._log_level = float(np.log(market.pctr).mean())
        self._recent_weight = self._recent_sum = 0.0
        self._unit = 1.0
        self._worth: Floats32 = np.zeros((1, 1), np.float32)
        self._units = np.arange(1.0)

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """The bids on the auctions of a step, each with the auctions that are left after it."""
        affordable = min(state.budget, state.auctions * float(self._market.price.max()))
        if state.auctions > self._worth.shape[0] or affordable / self._unit >= self._worth.shape[1]:
            self._solve(state.auctions, affordable)
        left = min(state.left / self._unit, self._worth.shape[1] - 1.0)
        value = requests.pctr * math.exp(self._log_level - self._level())
        bids = np.empty(value.size)
        for place in range(value.size):
            row = self._worth[state.auctions - state.seen - place - 1]
            enough = np.interp(left, self._units, row) - value[place]
            bids[place] = (left - _first_reaching(row, enough)) * self._unit if value[place] > 0 else 0.0
        return bids

    def _level(self) -> float:
        is_enough = self._recent_weight >= FEWEST_RECENT
        return self._recent_sum / self._recent_weight if is_enough else self._log_level

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """The recent level of predictions."""
        kept = 0.5 ** (requests.pctr.size / HALF_LIFE)
        self._recent_weight = self._recent_weight * kept + requests.pctr.size
        self._recent_sum = self._recent_sum * kept + float(np.log(np.maximum(requests.pctr, 1e-12)).sum())

    def _solve(self, auctions: int, budget: float) -> None:
        """The worth of every budget with every number of auctions left, shape (auctions, units + 1)."""
        if auctions > LONGEST_EPISODE:
            raise DataError(
                f"The dynamic program bids in episodes of at most {LONGEST_EPISODE:,} auctions; "
                f"one has {auctions:,}.",
                fix="Cut them with --episode N, or take the pacer.",
            )
        self._unit = max(budget / BUDGET_UNITS, float(np.quantile(self._market.price, 0.999)) / DEAREST)
        units = int(budget / self._unit)
        dearest = min(units, DEAREST)
        price = np.ceil(self._market.price / self._unit).astype(np.int64)
        share = np.bincount(np.minimum(price, dearest + 1), minlength=dearest + 2)[: dearest + 1] / price.size
        sold = np.flatnonzero(share)
        surplus, scale = _surplus(self._market.pctr)
        worth = np.zeros((auctions, units + 1), np.float32)
        padded = np.full(units + 1 + dearest, -np.inf, np.float32)  # no budget below nothing
        before = np.arange(dearest, dearest + units + 1) - sold[:, None]
        for left in range(1, auctions):
            padded[dearest:] = worth[left - 1]
            given_up = np.clip(worth[left - 1] - padded[before], 0, (surplus.size / scale) ** 2)
            point = np.minimum(np.sqrt(given_up) * scale, surplus.size - 1).astype(np.int32)
            gained = share[sold].astype(np.float32) @ surplus[point]
            worth[left] = np.maximum.accumulate(worth[left - 1] + gained)
        self._worth, self._units = worth, np.arange(units + 1.0)


def _first_reaching(row: Floats32, worth: float) -> float:
    """Where a rising row reaches a worth, between its places; 0 where it always has."""
    place = int(np.searchsorted(row, worth, side="left"))
    if place == 0 or place == row.size:
        return float(place)
    below, above = float(row[place - 1]), float(row[place])
    return place - 1 + (worth - below) / (above - below)


def _surplus(value: Floats) -> tuple[Floats32, float]:
    """E(value - x)+ at the centres of bins that are even in sqrt x, and bins per unit of sqrt x."""
    scale = (SURPLUS_POINTS - 1) / math.sqrt(float(value.max()))
    x = ((np.arange(SURPLUS_POINTS) + 0.5) / scale) ** 2
    ordered = np.sort(value)
    above = np.concatenate([np.cumsum(ordered[::-1])[::-1], [0.0]])
    first = np.searchsorted(ordered, x, side="right")
    surplus = (above[first] - x * (ordered.size - first)) / ordered.size
    surplus[-1] = 0.0
    return surplus.astype(np.float32), scale
