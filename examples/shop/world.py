"""The truth about the simulated shop: who likes what, where and when, and how its ad server chose.

Everything here is known exactly, so that what a method estimates can be held against it. A request is one
chance to show one of twelve promoted products: it has a user (whose taste nobody sees), a placement, an hour,
a device, and the category the user looked at last (`interest`), which hints at the taste.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from catalogue import CATEGORIES
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEGMENTS = ("cooks", "hikers", "gardeners", "desk workers", "parents", "self-carers")
SEGMENT_SHARE = np.array([0.22, 0.16, 0.13, 0.21, 0.17, 0.11])
SECOND_TASTE = np.array([2, 3, 5, 0, 5, 0])  # the category that each segment likes second
PLACEMENTS = ("home", "search", "product", "cart")
DEVICES = ("mobile", "desktop", "tablet")
DEVICE_SHARE = np.array([0.58, 0.33, 0.09])
HOUR_SHARE = (
    np.array([2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 10, 11, 13, 11, 10, 10, 11, 13, 16, 19, 20, 17, 10, 5]) / 213
)
PLACEMENT_SHARE = np.array([0.34, 0.27, 0.27, 0.12])

_BASE = -4.05
_LIKED, _LIKED_SECOND = 1.75, 0.75
_PLACEMENT = np.array([-0.35, 0.45, 0.1, -0.1])
_DEVICE = np.array([-0.1, 0.15, 0.0])
_CHEAP_IN_PLACEMENT = np.array(
    [-0.25, 0.0, 0.05, 0.75]
)  # what is cheap goes in the cart, what is dear on the home page
_HOUR = 0.25 * np.cos((np.arange(24) - 20) / 24 * 2 * np.pi)
_PEAK_HOUR = np.array([18, 7, 10, 13, 20, 22])  # of each category's appeal
_PEAK = 0.45
_USER_DEVIATION = 0.35
_FLOOR = 0.35  # share of requests that the logging policy answers at random


class Request(NamedTuple):
    """n requests, each column an index into the names above; `effect` is how clicky the user is."""

    segment: NDArray[np.int64]
    effect: Floats
    placement: NDArray[np.int64]
    hour: NDArray[np.int64]
    device: NDArray[np.int64]
    interest: NDArray[np.int64]

    def of(self, rows: Any) -> Request:
        """Some of the requests."""
        return Request(*(column[rows] for column in self))


class Promoted(NamedTuple):
    """The K products that are advertised: ids, category, whether cheap, appeal."""

    item_id: list[str]
    category: NDArray[np.int64]
    is_cheap: NDArray[np.bool_]
    appeal: Floats


def interest_given_segment() -> Floats:
    """The probability of the category looked at last, by taste: shape (segments, categories)."""
    chance = np.full((len(SEGMENTS), len(CATEGORIES)), 0.05)
    rows = np.arange(len(SEGMENTS))
    chance[rows, rows] += 0.5
    chance[rows, SECOND_TASTE] += 0.2
    return chance / chance.sum(axis=1, keepdims=True)


def click_probability(request: Request, promoted: Promoted) -> Floats:
    """The true probability that each promoted product is clicked in each request: shape (n, K)."""
    segment, category = request.segment[:, None], promoted.category[None, :]
    taste = np.where(
        category == segment, _LIKED, np.where(category == SECOND_TASTE[segment], _LIKED_SECOND, 0.0)
    )
    hour = request.hour[:, None]
    peak = _PEAK * np.cos((hour - _PEAK_HOUR[category]) / 24 * 2 * np.pi)
    cheap = _CHEAP_IN_PLACEMENT[request.placement][:, None] * np.where(promoted.is_cheap, 1.0, -1.0)
    common = (
        _BASE + _PLACEMENT[request.placement] + _DEVICE[request.device] + _HOUR[request.hour] + request.effect
    )
    return 1 / (1 + np.exp(-(common[:, None] + taste + peak + cheap + promoted.appeal)))


def logging_probability(request: Request, promoted: Promoted) -> Floats:
    """The probability with which the shop's ad server shows each product: shape (n, K).

    It leans to the category looked at last and to what appeals to everyone, knows nothing of placement and
    hour, and answers a third of the requests at random.
    """
    leaning = 0.9 * (promoted.category[None, :] == request.interest[:, None]) + 0.8 * promoted.appeal
    weight = np.exp(leaning)
    return _FLOOR / len(promoted.item_id) + (1 - _FLOOR) * weight / weight.sum(axis=1, keepdims=True)


def best_seen(request: Request, promoted: Promoted) -> NDArray[np.int64]:
    """The product that earns most clicks given what a log shows of a request, not the taste: shape (n,)."""
    posterior = (SEGMENT_SHARE[:, None] * interest_given_segment())[:, request.interest]
    posterior /= posterior.sum(axis=0)
    nobody = np.zeros(len(request.hour))
    expected = sum(
        posterior[segment][:, None]
        * click_probability(
            request._replace(segment=np.full_like(request.segment, segment), effect=nobody), promoted
        )
        for segment in range(len(SEGMENTS))
    )
    return np.asarray(expected).argmax(axis=1)


def policy_values(request: Request, promoted: Promoted) -> dict[str, float]:
    """The exact clicks per impression of four policies on these requests.

    `best` knows what the log shows, `clairvoyant` also each user's taste.
    """
    chance = click_probability(request, promoted)
    rows = np.arange(len(chance))
    values = {
        "uniform": chance.mean(),
        "logging": (chance * logging_probability(request, promoted)).sum(axis=1).mean(),
        "best": chance[rows, best_seen(request, promoted)].mean(),
        "clairvoyant": chance.max(axis=1).mean(),
    }
    return {name: round(float(value), 9) for name, value in values.items()}


def draw_effects(count: int, rng: np.random.Generator) -> Floats:
    """How much more or less each user clicks than others of the same taste, on the logit scale."""
    return rng.normal(0, _USER_DEVIATION, count)


def requests_of(log: pl.DataFrame, truth: Mapping[str, Any]) -> Request:
    """The requests behind the rows of a log: `user_id placement event_time device interest`."""
    users = truth["users"]
    known = [users[user] for user in log["user_id"]]
    return Request(
        np.array([SEGMENTS.index(user["segment"]) for user in known]),
        np.array([user["effect"] for user in known]),
        _indices(log["placement"], PLACEMENTS),
        log["event_time"].dt.hour().to_numpy().astype(np.int64),
        _indices(log["device"], DEVICES),
        _indices(log["interest"], CATEGORIES),
    )


def promoted_of(truth: Mapping[str, Any]) -> Promoted:
    """The promoted products, from the truth file."""
    rows = truth["promoted"]
    return Promoted(
        [row["item_id"] for row in rows],
        np.array([CATEGORIES.index(row["category"]) for row in rows]),
        np.array([row["is_cheap"] for row in rows]),
        np.array([row["appeal"] for row in rows]),
    )


def _indices(values: pl.Series, names: tuple[str, ...]) -> NDArray[np.int64]:
    return values.cast(pl.String).replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
