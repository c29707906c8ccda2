"""The shop's ad server at work: a request comes in, a promoted product is shown, perhaps bought."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import polars as pl
from catalogue import CATEGORIES, Product
from world import (
    DEVICE_SHARE,
    DEVICES,
    HOUR_SHARE,
    PLACEMENT_SHARE,
    PLACEMENTS,
    SEGMENT_SHARE,
    SEGMENTS,
    Promoted,
    Request,
    click_probability,
    draw_effects,
    interest_given_segment,
    logging_probability,
)

HOUR = 3_600_000_000  # microseconds
CONVERSION_CHEAP, CONVERSION_DEAR = 0.13, 0.06
CLICK_COST = np.array([0.22, 0.48, 0.35, 0.30])  # by placement
COLUMNS = {"event_time": "timestamp", "user_id": "customer_id", "propensity": "pscore", "click": "clicked"}


class Shoppers(NamedTuple):
    """The users: ids, the index of their taste, how clicky they are, how often they come."""

    user_id: list[str]
    segment: np.ndarray
    effect: np.ndarray
    activity: np.ndarray


class Arrivals(NamedTuple):
    """n requests in order of time, with their times and users."""

    request: Request
    time: list[dt.datetime]
    user_id: list[str]


def draw_shoppers(count: int, rng: np.random.Generator) -> Shoppers:
    """The users; their ids begin with zeros, as many shops' do."""
    return Shoppers(
        [f"{number:07d}" for number in rng.choice(900_000, size=count, replace=False)],
        rng.choice(len(SEGMENTS), size=count, p=SEGMENT_SHARE),
        np.round(draw_effects(count, rng), 6),
        rng.gamma(2.0, size=count) + 0.2,
    )


def promote(shop: list[Product], rng: np.random.Generator) -> Promoted:
    """The advertised products: the cheapest and the dearest of each category, in order of their ids."""
    chosen = []
    for category in CATEGORIES:
        shelf = [product for product in shop if product.category == category]
        cheapest, *_, dearest = sorted(shelf, key=lambda product: product.price)
        chosen += [(cheapest, True), (dearest, False)]
    chosen.sort(key=lambda pair: pair[0].item_id)
    return Promoted(
        [product.item_id for product, _ in chosen],
        np.array([CATEGORIES.index(product.category) for product, _ in chosen]),
        np.array([is_cheap for _, is_cheap in chosen]),
        np.round(rng.normal(0, 0.25, len(chosen)), 6),
    )


def draw_arrivals(
    shoppers: Shoppers, start: dt.datetime, days: int, count: int, rng: np.random.Generator
) -> Arrivals:
    """Requests over some days, by the hours of the day and the users' activity, with hints at tastes."""
    hours = 24 * rng.integers(days, size=count) + rng.choice(24, size=count, p=HOUR_SHARE)
    since = np.sort(hours * HOUR + rng.integers(HOUR, size=count))
    user = rng.choice(len(shoppers.activity), size=count, p=shoppers.activity / shoppers.activity.sum())
    segment = shoppers.segment[user]
    request = Request(
        segment,
        shoppers.effect[user],
        rng.choice(len(PLACEMENTS), size=count, p=PLACEMENT_SHARE),
        since // HOUR % 24,
        rng.choice(len(DEVICES), size=count, p=DEVICE_SHARE),
        draw_columns(interest_given_segment()[segment], rng),
    )
    times = [start + dt.timedelta(microseconds=int(offset)) for offset in since]
    return Arrivals(request, times, [shoppers.user_id[number] for number in user])


def serve(
    arrivals: Arrivals, shop: list[Product], promoted: Promoted, rng: np.random.Generator
) -> pl.DataFrame:
    """The log of the ad server as text in its own column names, and beside it the true click rate."""
    request = arrivals.request
    rows = np.arange(len(arrivals.time))
    propensity = logging_probability(request, promoted)
    action = draw_columns(propensity, rng)
    true_ctr = click_probability(request, promoted)[rows, action]
    click = rng.random(len(rows)) < true_ctr
    conversion_rate = np.where(promoted.is_cheap, CONVERSION_CHEAP, CONVERSION_DEAR)[action]
    conversion = click & (rng.random(len(rows)) < conversion_rate)
    price = {product.item_id: product.price for product in shop}
    paid = np.array([price[item] for item in promoted.item_id])[action] * conversion
    cost = CLICK_COST[request.placement] * rng.lognormal(-0.02, 0.2, len(rows)) * click
    return pl.DataFrame(
        {
            "timestamp": [time.strftime("%Y-%m-%d %H:%M:%S.%f") for time in arrivals.time],
            "customer_id": arrivals.user_id,
            "sku": [promoted.item_id[index] for index in action],
            "slot": [PLACEMENTS[index] for index in request.placement],
            "device": [DEVICES[index] for index in request.device],
            "interest": [CATEGORIES[index] for index in request.interest],
            "pscore": [f"{chosen:.9f}" for chosen in propensity[rows, action]],
            "clicked": [str(int(value)) for value in click],
            "converted": [str(int(value)) for value in conversion],
            "order_value": [f"{value:.2f}" for value in paid],
            "ad_cost": [f"{value:.4f}" for value in cost],
            "true_ctr": true_ctr,
        }
    )


def draw_columns(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One column a row, drawn with the row's probabilities: shape (n,)."""
    luck = rng.random(len(probabilities))[:, None]
    return (luck > probabilities.cumsum(axis=1)).sum(axis=1).clip(max=probabilities.shape[1] - 1)
