"""The receding-horizon pacer: each step it bids at the multiplier that would spend what is left by the end.

What a multiplier spends is read off a Kaplan-Meier curve over price per predicted click: a lost auction says
only that its price lay above the bid. The curve forgets, and starts as the log has it.
"""

from __future__ import annotations

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.bidding.market import Market
from adcli.bidding.replay import BidRequests, EpisodeState, Outcome
from adcli.bidding.shading import ShadedSpend

STEP = 25
BINS = 400
SHORTEST_HALF_LIFE = 200.0
HALF_LIVES = 40  # in an episode
PRIOR_AUCTIONS = (100.0, 500.0)  # at least and at most; a tenth of the episode between them
LARGEST_MOVE = 0.7  # of the log multiplier, in a step
FEWEST_FOR_TREND = 1_000
TREND_ODDS, TREND_MEMORY, LARGEST_TREND = 0.05, 0.2, 0.3  # that there is one; in episodes; of the log
FUTURE = (np.arange(20) + 0.5) / 20  # points of the time that is left


def prior_of(auctions: int) -> float:
    """How many auctions of an episode of so many the log counts for."""
    return float(np.clip(auctions / 10, *PRIOR_AUCTIONS))


class SpendCurve:
    """What bids of m x predicted click spend per auction, as a function of log m."""

    def __init__(self, market: Market) -> None:
        ratio = np.log(np.maximum(market.price, 1e-9) / market.pctr)
        centre = float(np.median(ratio))
        self.grid = np.linspace(centre - 9, centre + 9, BINS + 1)
        bins = self._bin(ratio)
        self._prior_won = np.bincount(bins, minlength=BINS) / ratio.size
        self._prior_paid = np.bincount(bins, market.price, minlength=BINS) / ratio.size
        self._won, self._paid, self._lost = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS)

    def _bin(self, ratio: Floats) -> Integers:
        step = self.grid[1] - self.grid[0]
        return np.asarray(np.clip((ratio - self.grid[0]) / step, 0, BINS - 1), dtype=np.int64)

    def observe(self, pctr: Floats, outcome: Outcome, half_life: float) -> None:
        """Auctions that were won at their price, or lost at their bid; what was seen before counts less."""
        for kept in (self._won, self._paid, self._lost):
            kept *= 0.5 ** (pctr.size / half_life)
        level = np.where(outcome.won, outcome.paid, outcome.bid)
        bins = self._bin(np.log(np.maximum(level, 1e-9) / np.maximum(pctr, 1e-12)))
        self._won += np.bincount(bins, outcome.won, minlength=BINS)
        self._paid += np.bincount(bins, outcome.paid, minlength=BINS)
        self._lost += np.bincount(bins, ~outcome.won, minlength=BINS)

    def spend(self, prior: float) -> Floats:
        """At each point of the grid, by the product-limit estimate; `prior` is what the log counts for.

        Source: Kaplan and Meier (1958).
        """
        won, paid = self._prior_won * prior + self._won, self._prior_paid * prior + self._paid
        at_risk = np.cumsum((won + self._lost)[::-1])[::-1]
        hazard = won / np.maximum(at_risk, 1e-12)
        survival = np.concatenate([[1.0], np.cumprod(1 - hazard)[:-1]])
        mean_price = paid / np.maximum(won, 1e-12)
        return np.concatenate([[0.0], np.cumsum(survival * hazard * mean_price)])


class ValueTrend:
    """Where the log of the predicted click goes over an episode: a line behind a Bayes gate, and damped.

    Before anything is seen, slopes have a standard deviation of 1.
    """

    def __init__(self) -> None:
        self.sums = np.zeros(6)

    def observe(self, progress: Floats, pctr: Floats, auctions: int) -> None:
        """The predicted clicks at some points of the episode (0 to 1)."""
        y = np.log(np.maximum(pctr, 1e-12))
        age = np.arange(y.size)[::-1] / (TREND_MEMORY * auctions)
        terms = np.stack([np.ones_like(y), progress, progress**2, y, progress * y, y**2])
        self.sums = self.sums * 0.5 ** (y.size / (TREND_MEMORY * auctions)) + terms @ 0.5**age

    def ahead(self, left: float) -> Floats:
        """The change to expect at each point of `FUTURE`, the part `left` of the episode before us."""
        n, x, xx, y, xy, yy = self.sums
        if n < FEWEST_FOR_TREND:
            return np.zeros_like(FUTURE)
        spread, together = xx - x * x / n, xy - x * y / n
        noise = max(yy / n - (y / n) ** 2, 1e-6)
        error2 = noise / max(spread, 1e-9)
        raw = together / max(spread, 1e-9)
        log_odds = np.log(TREND_ODDS) + 0.5 * (
            np.log(error2 / (error2 + 1)) + raw**2 * (1 / error2 - 1 / (error2 + 1))
        )
        slope = together / (spread + noise) / (1 + np.exp(-np.clip(log_odds, -50, 50)))
        return np.asarray(LARGEST_TREND * np.tanh(slope * FUTURE * left / LARGEST_TREND), dtype=np.float64)


class Pacer:
    """Bids a multiplier of the predicted click, chosen anew each step."""

    step: int | None = STEP

    def __init__(self, market: Market, curve: ShadedSpend | None = None) -> None:
        self._curve = curve or SpendCurve(market)
        self._trend = ValueTrend()
        self._state = EpisodeState(0, 0, 1, 0.0, 0.0)
        self._log_multiplier = 0.0

    def bid(self, requests: BidRequests, state: EpisodeState) -> Floats:
        """Multiplier x predicted click."""
        self._state = state
        if state.seen == 0:
            self._trend = ValueTrend()
            self._log_multiplier = self._solve(state, *self._curve.grid[[0, -1]])
        else:
            near = self._log_multiplier
            self._log_multiplier = self._solve(state, near - LARGEST_MOVE, near + LARGEST_MOVE)
        return np.asarray(requests.pctr * np.exp(self._log_multiplier), dtype=np.float64)

    def _solve(self, state: EpisodeState, low: float, high: float) -> float:
        """The log multiplier between two at which the rest of the budget lasts to the end."""
        auctions_left = state.auctions - state.seen
        tried = np.linspace(low, high, 200)
        ahead = self._trend.ahead(auctions_left / state.auctions)
        curve = self._curve.spend(prior_of(state.auctions))
        spend = np.interp(tried[:, None] + ahead, self._curve.grid, curve).mean(axis=1)
        return float(np.interp(state.left / auctions_left, spend, tried))

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """Learn of what was won, at which price, and of what was bid on."""
        auctions = self._state.auctions
        self._curve.observe(requests.pctr, outcome, max(auctions / HALF_LIVES, SHORTEST_HALF_LIFE))
        progress = (self._state.seen + np.arange(requests.pctr.size)) / auctions
        self._trend.observe(progress, requests.pctr, auctions)
