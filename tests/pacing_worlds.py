"""Auctions whose prices and values change within an episode, for tests of pacing."""

import numpy as np

from adcli.bidding.auctions import Auctions

AUCTIONS = 20_000
BUDGET_SHARE = 0.15


UNSEEN = ("competitor leaves", "price ramp", "dear hours")  # by nobody who tuned a rule


def short_episodes(kind, seed, *, episodes=20, auctions=1_000):
    """Several short episodes as one log."""
    parts = [pacing_world(kind, 1_000 * seed + number, auctions=auctions) for number in range(episodes)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    log = Auctions(*columns)
    return log._replace(episode=np.repeat(np.arange(episodes), auctions))


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
    elif kind == "competitor leaves":
        price[int(0.6 * auctions) :] *= 0.5
    elif kind == "price ramp":
        price *= np.linspace(0.5, 1.5, auctions)
    elif kind == "dear hours":
        price *= rng.lognormal(0, 0.5, 24)[np.minimum((place * 24).astype(int), 23)]
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
