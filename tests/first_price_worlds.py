"""First-price logs of bids that won or lost, for tests of win curves and shading."""

import numpy as np
import polars as pl

SHAPES = ("lognormal", "floor and two modes")


def prices(shape, n, rng):
    if shape == "lognormal":
        return rng.lognormal(0, 0.6, n)
    modes = np.where(rng.random(n) < 0.6, rng.lognormal(-0.1, 0.15, n), rng.lognormal(0.8, 0.25, n))
    return np.where(rng.random(n) < 0.35, 0.5, modes)


def win_lose_log(shape, seed, n=10_000, **also):
    """Bids of 30 to 100 % of the value, whether each won, and prices beside them (not a logged column)."""
    rng = np.random.default_rng(seed)
    price, value = prices(shape, n, rng), rng.lognormal(0.4, 0.5, n)
    bid = value * rng.uniform(0.3, 1, n)
    won = bid >= price
    click = np.where(won, rng.random(n) < value / 100, 0).astype(int)
    columns = {"bid": bid, "won": won.astype(int), "pctr": value / 100, "click": click}
    return pl.DataFrame(columns | also), price


def share_of_oracle(bids_of, shape, seed):
    """The surplus of bids over that of one who knows how prices are distributed."""
    known = np.sort(prices(shape, 200_000, np.random.default_rng(99)))
    value = np.random.default_rng(seed + 500).lognormal(0.4, 0.5, 2_000)
    grid = np.exp(np.linspace(np.log(0.05), np.log(8), 500))

    def surplus(bids):
        return float(np.mean((value - bids) * np.searchsorted(known, bids, side="right") / known.size))

    gain = (value[:, None] - grid) * np.searchsorted(known, grid, side="right") / known.size
    return surplus(bids_of(value)) / surplus(grid[np.argmax(gain, axis=1)])
