"""Auctions whose prices and values change within an episode, for tests of pacing."""

import numpy as np

from adcli.bidding.auctions import Auctions

AUCTIONS = 20_000
BUDGET_SHARE = 0.15


def pacing_world(kind, seed, *, auctions=AUCTIONS):
    """One episode: values are lognormal, prices rise with them; what changes is in `kind`."""
    rng = np.random.default_rng(seed)
    place = np.arange(auctions) / auctions
    value = rng.lognormal(0, 1, auctions)
    price = rng.lognormal(0, 0.7, auctions) * value**0.3
    if kind == "daily cycle":
        price *= 1 + 0.6 * np.sin(4 * np.pi * place)
    elif kind == "price doubling":
        price[auctions // 2 :] *= 2
    elif kind == "value drift":
        value *= np.linspace(0.5, 2, auctions)
    elif kind == "price bursts":
        price *= 1 + 1.5 * (np.abs(place - 0.7) < 0.08)
        value *= 1 + 0.8 * np.sin(2 * np.pi * place)
    unknown = np.full(auctions, np.nan)
    return Auctions(
        price=price,
        click=np.zeros(auctions),
        value=value,
        pctr=value / 1_000,
        bid=unknown,
        predicted_value=value,
        episode=np.zeros(auctions, dtype=np.int64),
        budget=np.array([BUDGET_SHARE * price.sum()]),
    )
