"""Why rows are anomalies, in words: the features that lie far out in their tails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from adcli.arrays import Floats

TAIL: Final = 0.025  # share of rows in a tail from which a feature is a reason
MAX_REASONS: Final = 3
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))


class FeatureWording(NamedTuple):
    """Wording of a feature: when its value is high, when it is low (empty: no reason), and the value."""

    high: str
    low: str
    value: str = "{:.3g}"


FEATURES: Final[Mapping[str, FeatureWording]] = {
    "events": FeatureWording("many events", "few events", "{:,.0f}"),
    "gap": FeatureWording("long gaps between events", "events close upon each other"),
    "unevenness": FeatureWording(
        "bursts of events", "events at even intervals", "coefficient of variation {:.2f}"
    ),
    "distinct": FeatureWording("hardly any item twice", "the same items over and over", "{:.0%} distinct"),
    "bought": FeatureWording("many purchases for so few other events", "few purchases", "{:.0%} of events"),
    "night": FeatureWording("active at night", "hardly active at night", "{:.0%} of events before 6:00 UTC"),
    "rate": FeatureWording("many events a minute", "few events a minute", "{:.3g} a minute"),
    "addresses": FeatureWording("many addresses", "", "{:,.0f}"),
    "price": FeatureWording("a high price", "a low price", "{:,.2f}"),
    "price_mean": FeatureWording("high prices", "low prices", "typically {:,.2f}"),
    "revenue": FeatureWording("large revenue", "small revenue", "{:,.2f}"),
    "similarity": FeatureWording(
        "near copies of others", "unlike anything else", "cosine {:.2f} with the nearest"
    ),
    "position": FeatureWording("a vector far from all others", "", ""),
}


def reason(names: Sequence[str], lower: Floats, upper: Floats, values: Sequence[float | None]) -> str:
    """Why one row is an anomaly.

    `names` (f) of `FEATURES`; `lower` (f,) share of rows with a value as low; `upper` (f,) share of rows with
    a value as high; `values` (f) the row's, None where not known.
    """
    share = np.minimum(lower, upper)
    out = [place for place in np.argsort(share, kind="stable") if share[place] <= TAIL]
    wordings = [
        _worded(names[place], upper[place] < lower[place], values[place]) for place in out[:MAX_REASONS]
    ]
    return "; ".join(text for text in wordings if text) or "an unusual combination of ordinary traits"


def _worded(name: str, is_high: bool, value: float | None) -> str:
    feature = FEATURES[name]
    wording = feature.high if is_high else feature.low
    if not feature.value or not wording:
        return wording
    if value is None:
        return ""
    shown = f"median {_duration(value)}" if name == "gap" else feature.value.format(value)
    return f"{wording} ({shown})"


def _duration(seconds: float) -> str:
    """A duration in the unit that suits it: 0.3 s, 12 min, 4.5 h, 98 days."""
    unit, name = next((unit, name) for unit, name in _UNITS if seconds >= unit or unit == 1)
    return f"{seconds / unit:.3g} {name}"
