"""A market of several bidders in second-price auctions, and what each saw of it before they learned to pace.

    python market.py --out out --seed 7

`auctions.csv` is what each bidder, `campaign_id`, knew after a day in which all bid in proportion to their
predicted click: the highest bid of the others.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcli.bidding.replay import Bidder, BidRequests, EpisodeState, Outcome

Numbers = NDArray[np.float64]
BIDDERS = ("amber", "birch", "cedar", "dune")
BUDGET_SHARE = 0.1  # of what winning everything would have cost
FLOOR = 0.2
STEP = 25


def main() -> None:
    """Write the log of the day before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--auctions", type=int, default=4_000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    pctr = predictions(rng, options.auctions)
    prices = highest_of_others(pctr * 100)
    clicks = rng.random(pctr.shape) < pctr
    with (options.out / "auctions.csv").open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file, lineterminator="\n").writerow
        write(["campaign_id", "market_price", "pctr", "click"])
        for number, name in enumerate(BIDDERS):
            columns = (prices[number].round(4), pctr[number].round(6), clicks[number].astype(int))
            for row in zip(*(column.tolist() for column in columns), strict=True):
                write([name, *row])


def predictions(rng: np.random.Generator, auctions: int) -> Numbers:
    """What each bidder expects of each auction, (bidders, auctions): part taste, part the same for all."""
    shared = rng.normal(0, 0.5, auctions)
    own = rng.normal(0, 0.7, (len(BIDDERS), auctions))
    cycle = 0.3 * np.sin(2 * np.pi * np.arange(auctions) / auctions)
    return np.asarray(0.02 * np.exp(shared + own + cycle), dtype=np.float64).clip(0, 0.5)


def highest_of_others(bids: Numbers) -> Numbers:
    """The price of each auction to each bidder: the highest other bid or the floor."""
    return np.stack([np.delete(bids, number, 0).max(axis=0) for number in range(len(bids))]).clip(FLOOR)


def play(bidders: Sequence[Bidder], pctr: Numbers, budgets: Numbers) -> Numbers:
    """The predicted clicks that each bidder wins against the others, all within their budgets, (bidders,)."""
    left, won = budgets.copy(), np.zeros(len(bidders))
    auctions = pctr.shape[1]
    for start, stop in pairwise([*range(0, auctions, STEP), auctions]):
        requests = [BidRequests(own, np.full(own.size, np.nan)) for own in pctr[:, start:stop]]
        bids = np.stack(
            [
                bidder.bid(request, EpisodeState(0, start, auctions, float(budget), float(rest)))
                for bidder, request, budget, rest in zip(bidders, requests, budgets, left, strict=True)
            ]
        )
        paid = np.zeros_like(bids)
        for place in range(stop - start):
            able = np.minimum(bids[:, place], left)
            winner = int(able.argmax())
            if able[winner] >= FLOOR:
                paid[winner, place] = max(np.delete(able, winner).max(), FLOOR)
                left[winner] -= paid[winner, place]
        won += np.where(paid > 0, pctr[:, start:stop], 0).sum(axis=1)
        for bidder, request, bid, cost in zip(bidders, requests, bids, paid, strict=True):
            bidder.observe(request, Outcome(bid, cost > 0, cost))
    return won


if __name__ == "__main__":
    main()
