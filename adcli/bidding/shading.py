"""First price: the bid below what an auction is worth that gains most, and what such bids spend.

A bid b on what is worth v gains (v - b) F(b); F is the log's, moved to the level of prices that recent wins
and losses show.
"""

from __future__ import annotations

import numpy as np

from adcli.arrays import Flags, Floats, Integers
from adcli.bidding.market import Market
from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome

BIDS = 400
WORTHS = 2_000
BINS = 200
LEVELS = np.linspace(-2, 2, 161)  # of the log price above the log's
HALF_LIFE = 500.0
PRIOR_AUCTIONS = 200.0
SAMPLE = 2_000
ROUNDING = 1 + 1e-9


class Shading:
    """The gainful bid for each worth, and where prices are now.

    Source: the surplus of Zhou et al. (2021), with an empirical win curve in place of a parametric one.
    """

    def __init__(self, market: Market) -> None:
        price, level = np.log(np.maximum(market.price, 1e-9)), np.log(market.pctr)
        centred = level - level.mean()
        spread = float(centred @ centred)
        self.slope = float(centred @ price) / spread if spread > 1e-9 else 0.0
        ordered = np.sort(price - self.slope * level)
        self._bids = np.unique(np.quantile(ordered, np.linspace(0, 1, BIDS), method="higher"))
        self._chance = np.searchsorted(ordered, self._bids, side="right") / ordered.size
        self._worths = np.linspace(self._bids[0] - 1, self._bids[-1] + 7, WORTHS)
        gain = (np.exp(self._worths)[:, None] - np.exp(self._bids)) * self._chance
        self._best = np.argmax(gain, axis=1)
        self._bins = np.linspace(self._bids[0] - 3, self._bids[-1] + 3, BINS + 1)
        centres = (self._bins[1:] + self._bins[:-1]) / 2
        self._expected = np.stack(
            [np.interp(centres - at, self._bids, self._chance, left=0) for at in LEVELS]
        )
        self._seen, self._won = np.zeros(BINS), np.zeros(BINS)
        self.level = 0.0

    def _scale(self, pctr: Floats) -> Floats:
        return np.asarray(np.exp(self.slope * np.log(np.maximum(pctr, 1e-12)) + self.level))

    def _place(self, worth: Floats) -> tuple[Integers, Flags]:
        """Which bid is best for worths at the log's level of prices, and whether there is one."""
        at = np.searchsorted(self._worths, np.log(np.maximum(worth, 1e-300)), side="right") - 1
        return self._best[np.maximum(at, 0)], np.log(np.maximum(worth, 1e-300)) > self._bids[0]

    def bid(self, worth: Floats, pctr: Floats) -> Floats:
        """The bids that gain most on auctions of some worth, never above it."""
        scale = self._scale(pctr)
        best, is_gainful = self._place(worth / scale)
        bids = np.minimum(np.exp(self._bids[best]) * scale * ROUNDING, worth)
        return np.asarray(np.where(is_gainful, bids, 0.0))

    def spend(self, worth: Floats, pctr: Floats) -> Floats:
        """What the bids for each worth spend on average."""
        scale = self._scale(pctr)
        best, is_gainful = self._place(worth / scale)
        return np.asarray(np.where(is_gainful, np.exp(self._bids[best]) * self._chance[best] * scale, 0.0))

    def observe(self, pctr: Floats, outcome: Outcome) -> None:
        """Prices are where as many of the recent bids would have won as did."""
        kept = 0.5 ** (pctr.size / HALF_LIFE)
        at = np.log(np.maximum(outcome.bid, 1e-12)) - self.slope * np.log(np.maximum(pctr, 1e-12))
        bins = np.clip(np.digitize(at, self._bins) - 1, 0, BINS - 1)
        is_bid = (outcome.bid > 0).astype(float)
        self._seen = self._seen * kept + np.bincount(bins, is_bid, minlength=BINS)
        self._won = self._won * kept + np.bincount(bins, is_bid * outcome.won, minlength=BINS)
        seen = float(self._seen.sum())
        if not seen:
            return
        likely = self._expected @ self._seen
        at_log_level = likely[LEVELS.size // 2]
        shrunk = likely + PRIOR_AUCTIONS * (likely / seen)
        target = float(self._won.sum()) + PRIOR_AUCTIONS * at_log_level / seen
        self.level = float(np.interp(-target, -shrunk, LEVELS))


class Shaded:
    """A bidder whose bids say what an auction is worth to it, shaded for first price."""

    def __init__(self, bidder: Bidder, shading: Shading) -> None:
        self._bidder, self._shading = bidder, shading
        self.step = bidder.step or 25

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """Below the worth."""
        return self._shading.bid(self._bidder.bid(requests, state), requests.pctr)

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """The level of prices, and what the bidder itself learns."""
        self._shading.observe(requests.pctr, outcome)
        self._bidder.observe(requests, outcome)


class ShadedSpend:
    """What shaded bids for a worth of m x predicted click spend per auction, as a function of log m."""

    def __init__(self, market: Market, shading: Shading) -> None:
        chosen = np.linspace(0, market.pctr.size - 1, min(market.pctr.size, SAMPLE)).astype(int)
        pctr = market.pctr[chosen]
        centre = float(np.median(np.log(np.maximum(market.price, 1e-9) / market.pctr)))
        self.grid = np.linspace(centre - 9, centre + 9, 401)
        self._shading = shading
        self._log_level = float(np.log(pctr).mean())
        self._recent, self._weight = 0.0, 0.0
        self._spend = np.array([shading.spend(np.exp(at) * pctr, pctr).mean() for at in self.grid])

    def observe(self, pctr: Floats, outcome: Outcome, half_life: float) -> None:
        """The recent level of predictions."""
        kept = 0.5 ** (pctr.size / half_life)
        self._weight = self._weight * kept + pctr.size
        self._recent = self._recent * kept + float((np.log(np.maximum(pctr, 1e-12)) - self._log_level).sum())

    def spend(self, prior: float) -> Floats:
        """At each point of the grid, at the present level of prices and predictions."""
        value, price = self._recent / (self._weight + prior), self._shading.level
        slope = self._shading.slope
        moved = self.grid + (1 - slope) * value - price
        return np.asarray(np.exp(price + slope * value) * np.interp(moved, self.grid, self._spend))
