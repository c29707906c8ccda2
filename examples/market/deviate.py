"""How much one bidder could gain by bidding otherwise than its pacer while the others keep to theirs.

    python deviate.py --out out

The best response is searched for among bids `base x e^level x predicted click^bend x e^(trend x time of day)`
whose base is either the bidder's own pacer or the predicted click alone, in days that are then forgotten, and
its gain is told in days that the search never saw. The others pace, and answer. A deviation keeps to the same
budget. Pacing is an equilibrium as far as no such bidder gains.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from market import BIDDERS, BUDGET_SHARE, STEP, Numbers, play, predictions

from adcli.bidding.learned import load_bidders
from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome
from adcli.statistics.intervals import student_quantile

TYPICAL = 0.02  # predicted click
SMALLEST_STEP = 0.04  # of the search


class Deviation(NamedTuple):
    """How bids differ from those of a base."""

    is_paced: bool
    level: float = 0.0
    bend: float = 0.0
    trend: float = 0.0


class Deviating:
    """A bidder that deviates; without a pacer its base is the predicted click."""

    step: int | None = STEP

    def __init__(self, by: Deviation, pacer: Bidder | None) -> None:
        self._by, self._pacer = by, pacer

    def bid(self, requests: BidRequests, state: EpisodeState) -> Numbers:
        """The base's bids, bent."""
        base = self._pacer.bid(requests, state) if self._pacer else requests.pctr
        time = (state.seen + np.arange(requests.pctr.size)) / state.auctions - 0.5
        bent = self._by.bend * np.log(requests.pctr / TYPICAL)
        return np.asarray(base * np.exp(self._by.level + bent + self._by.trend * time), dtype=np.float64)

    def observe(self, requests: BidRequests, outcome: Outcome) -> None:
        """The pacer, if any, learns."""
        if self._pacer:
            self._pacer.observe(requests, outcome)


class Market(NamedTuple):
    """The pacers' directory and what each may spend in a day of so many auctions."""

    directory: Path
    budgets: Numbers
    auctions: int

    def values(self, days: range, deviating: int = -1, by: Deviation | None = None) -> Numbers:
        """What one bidder (or, without, each) wins in some days, (days,) or (days, bidders)."""
        learned = load_bidders(self.directory)
        found = []
        for day in days:
            pctr = predictions(np.random.default_rng(day), self.auctions)
            bidders: list[Bidder] = [learned[name].bidder() for name in BIDDERS]
            if by is not None:
                bidders[deviating] = Deviating(by, bidders[deviating] if by.is_paced else None)
            found.append(play(bidders, pctr, self.budgets))
        won = np.array(found)
        return won if by is None else won[:, deviating]


def best_response(market: Market, bidder: int, days: range, level: float) -> Deviation:
    """The better of both bases, each by compass search."""
    found = [climb(market, bidder, days, start) for start in (Deviation(True), Deviation(False, level))]
    return max(found, key=lambda pair: pair[1])[0]


def climb(market: Market, bidder: int, days: range, best: Deviation) -> tuple[Deviation, float]:
    """One number at a time, in steps that are halved where none helps; the deviation and its value."""
    value = float(market.values(days, bidder, best).mean())
    size = 0.32
    while size >= SMALLEST_STEP:
        tried = [
            best._replace(**{name: getattr(best, name) + sign * size})
            for name in ("level", "bend", "trend")
            for sign in (-1, 1)
        ]
        values = [float(market.values(days, bidder, one).mean()) for one in tried]
        if max(values) > value:
            best, value = tried[int(np.argmax(values))], max(values)
        else:
            size /= 2
    return best, value


def main() -> None:
    """Print what the best response of each bidder gains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--days", type=int, default=30, help="days that the gain is told in")
    parser.add_argument("--search-days", type=int, default=6)
    options = parser.parse_args()
    log = np.genfromtxt(options.out / "auctions.csv", delimiter=",", skip_header=1, usecols=(1, 2))
    prices, pctr = (log[:, column].reshape(len(BIDDERS), -1) for column in (0, 1))
    market = Market(options.out / "bidders", BUDGET_SHARE * prices.sum(axis=1), prices.shape[1])
    unseen = range(10_000, 10_000 + options.days)
    pacing = market.values(unseen)
    found = {}
    for number, name in enumerate(BIDDERS):
        start = float(np.log(np.median(prices[number] / pctr[number])))
        response = best_response(market, number, range(options.search_days), start)
        gain = market.values(unseen, number, response) / pacing[:, number] - 1
        half = student_quantile(0.95, gain.size - 1) * gain.std(ddof=1) / np.sqrt(gain.size)
        found[name] = {"gain": gain.mean(), "gain_low": gain.mean() - half, "gain_high": gain.mean() + half}
        how = "its pacer's bids" if response.is_paced else "bids by the predicted click alone"
        print(
            f"{name}: the best response gains {gain.mean():+.2%} [{gain.mean() - half:+.2%}, "
            f"{gain.mean() + half:+.2%}] (95 % interval over {gain.size} days): {how}, times the predicted "
            f"click to the power {response.bend:+.2f}, changing by {np.expm1(response.trend):+.0%} over a day"
        )
    (options.out / "gains.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
