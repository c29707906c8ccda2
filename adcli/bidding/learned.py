"""Bidders learned from a log: what each kind needs to know, and their directory.

`bidder.json` says what it is and what it scored; `bidder.safetensors` holds the auctions that it knows the
market by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from adcli.bidding.bidders import Linear
from adcli.bidding.dynamic_program import DynamicProgram
from adcli.bidding.limits import Limited, Limits
from adcli.bidding.market import Market
from adcli.bidding.pacer import Pacer
from adcli.bidding.pacing_rules import DualDescent, Pid
from adcli.bidding.replay import Bidder
from adcli.bidding.shading import Shaded, ShadedSpend, Shading
from adcli.errors import DataError

FORMAT = "bidder/2"
JSON_NAME = "bidder.json"
TENSORS_NAME = "bidder.safetensors"
KINDS: Final = ("pacer", "dp", "linear", "mcpc", "dual", "pid")


class LearnedBidder(NamedTuple):
    """What a bidder of a campaign was made from."""

    kind: str  # one of `KINDS`
    market: Market  # what auctions have cost
    rate: float = 0.0  # of the kinds `linear` and `mcpc`: the bid per predicted click
    first_price: bool = False  # whether bids are shaded, because a won auction costs the bid
    limits: Limits = Limits()  # what the bids keep to beside the budget
    prediction: str = "pctr"  # the column that stands for the predicted click, or columns to multiply

    def bidder(self) -> Bidder:
        """A bidder at the start of its work."""
        shaded = self.first_price and self.kind not in (
            "linear",
            "mcpc",
        )  # these bid what has earned, as it is
        shading = Shading(self.market) if shaded else None
        bidder = self._bidder(ShadedSpend(self.market, shading) if shading else None)
        bidder = Shaded(bidder, shading) if shading else bidder
        if self.limits == Limits():
            return bidder
        return Limited(bidder, self.limits, self.market, first_price=self.first_price)

    def _bidder(self, curve: ShadedSpend | None) -> Bidder:
        match self.kind:
            case "pacer":
                return Pacer(self.market, curve)
            case "dp":
                return DynamicProgram(self.market)
            case "dual":
                return DualDescent(self.market)
            case "pid":
                return Pid(self.market)
        return Linear(self.rate)


def save_bidders(bidders: Mapping[str, LearnedBidder], directory: Path, about: Mapping[str, Any]) -> None:
    """Write the bidder of each campaign into an existing, empty directory.

    `bidders`: by campaign, the campaign of a log that names none is ""; `directory`: where `bidder.json` and
    `bidder.safetensors` go; `about`: what it is, from what, with what settings, and what it scored: plain
    values.
    """
    from safetensors.numpy import save_file

    described, tensors = [], {}
    for number, (campaign, one) in enumerate(bidders.items()):
        described.append(
            {
                "campaign_id": campaign,
                "bidder": one.kind,
                "rate": one.rate,
                "price": "first" if one.first_price else "second",
                "limits": one.limits._asdict(),
                "prediction": one.prediction,
                "value_per_pctr": one.market.value_per_pctr,
            }
        )
        tensors[f"{number}.price"] = np.ascontiguousarray(one.market.price)
        tensors[f"{number}.pctr"] = np.ascontiguousarray(one.market.pctr)
    document = {"format": FORMAT, **about, "campaigns": described}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (directory / JSON_NAME).write_text(text + "\n", encoding="utf-8")
    save_file(tensors, directory / TENSORS_NAME)


def load_bidders(directory: Path) -> dict[str, LearnedBidder]:
    """The bidders that `save_bidders` wrote, by campaign.

    Raises DataError if the directory holds no bidder, is damaged, or is of another version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = directory / JSON_NAME
    if not path.is_file():
        raise DataError(
            f"{directory} is not a bidder: it has no {JSON_NAME}.", fix="See adcli optimize bids."
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r}; this version of adcli reads {FORMAT!r}")
        tensors = load_file(directory / TENSORS_NAME)
        return {
            str(one["campaign_id"]): _checked(one, tensors[f"{number}.price"], tensors[f"{number}.pctr"])
            for number, one in enumerate(document["campaigns"])
        }
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as damage:
        raise DataError(
            f"{directory} does not hold a whole bidder ({damage}).", fix="Learn it again."
        ) from None


def _checked(described: Mapping[str, Any], price: np.ndarray, pctr: np.ndarray) -> LearnedBidder:
    limits = Limits(**described["limits"])
    if not all(limit is None or limit > 0 for limit in limits):
        raise ValueError("limits that are not above 0")
    kind, rate, value = described["bidder"], float(described["rate"]), float(described["value_per_pctr"])
    is_whole = price.ndim == 1 and price.shape == pctr.shape and price.size and kind in KINDS
    if not is_whole or not np.isfinite([rate, value, *price, *pctr]).all() or rate < 0:
        raise ValueError("something else than finite prices and predictions of a known kind of bidder")
    if (price < 0).any() or (pctr <= 0).any():
        raise ValueError("negative prices or predictions")
    return LearnedBidder(
        kind, Market(price, pctr, value), rate, described["price"] == "first", limits, described["prediction"]
    )
