"""Logged auctions, as a table holds them and as bidders are replayed on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Flags, Floats, Integers
from adcli.bidding.win_curve import current_status_curve, product_limit_curve
from adcli.errors import DataError, require_known

STATED = ("market_price", "minimum_bid_to_win")


class Auctions(NamedTuple):
    """Auctions in the order they came, shape (n,) each; those of an episode stand together.

    `price` is the market price: the highest other bid or the floor, whichever is more, drawn from the win
    curve where the log does not state it; `value` what winning is worth, the predicted value where nothing
    was seen of it; `click`, `pctr`, the predicted click, and `bid`, a logged one, are NaN where the table has
    none; `predicted_value` is the predicted click scaled to all the value there was (calibration in the
    large); `episode` numbers the episodes from 0; `budget` is what may be spent in each, shape (episodes,).
    """

    price: Floats
    click: Floats
    value: Floats
    pctr: Floats
    bid: Floats
    predicted_value: Floats
    episode: Integers
    budget: Floats

    @property
    def starts(self) -> Integers:
        """Where each episode starts, and the end of the last, shape (episodes + 1,)."""
        return np.append(np.flatnonzero(np.diff(self.episode, prepend=-1)), self.episode.size)

    def take(self, episodes: Flags) -> Auctions:
        """Some of the episodes, numbered from 0."""
        rows = episodes[self.episode]
        numbers = np.cumsum(episodes) - 1
        price, click, value, pctr, bid, predicted = (column[rows] for column in self[:6])
        return Auctions(
            price, click, value, pctr, bid, predicted, numbers[self.episode[rows]], self.budget[episodes]
        )


def read_auctions(
    frame: pl.DataFrame, *, budget_per_auction: float, value: str = "click", episode: str | int = "episode"
) -> Auctions:
    """The auctions of a table.

    Args:
        frame: `market_price`, or `minimum_bid_to_win`, or `bid` and `won`; the value's column; and where
            there are `click pctr bid floor_price campaign_id event_time` and the episode's column. Without
            episodes, a campaign's day is one, or all of it.
        budget_per_auction: What may be spent per auction; an episode's budget is that times its auctions.
        value: The column that says what winning is worth.
        episode: The column that numbers the episodes of a campaign, or how many auctions make one.

    Raises:
        DataError: If a column is missing, or holds anything but numbers of at least 0.
    """
    if frame.is_empty():
        raise DataError("There are no auctions.")
    if not budget_per_auction > 0:
        raise DataError(f"A budget of {budget_per_auction:g} per auction buys nothing.")
    ordered, numbers = _episodes(frame, episode)
    won, pctr = _won(ordered), _optional(ordered, "pctr")
    click, worth = (_seen(ordered, name, won) for name in ("click", value))
    if value != "click" or np.isnan(pctr).any():
        _amounts(ordered.filter(won), value)
    is_seen = ~np.isnan(worth)
    scale = 1.0
    if is_seen.any():
        scale = float(worth[is_seen].sum()) / max(float(pctr[is_seen].sum()), 1e-300)
    elif np.isnan(pctr).any():
        raise DataError("No auction was won, and without 'pctr' none says what it is worth.")
    if not is_seen.all() and np.isnan(pctr).any():
        raise DataError(
            "What lost auctions are worth is known by their 'pctr' alone, and the auctions have none.",
            fix="Name the column with --map pctr=...",
        )
    return Auctions(
        price=np.fmax(_prices(ordered, won, pctr), _optional(ordered, "floor_price")),
        click=click,
        value=np.where(is_seen, worth, pctr * scale),
        pctr=pctr,
        bid=_optional(ordered, "bid"),
        predicted_value=pctr * scale,
        episode=numbers,
        budget=np.asarray(np.bincount(numbers) * budget_per_auction, dtype=np.float64),
    )


def unstated_prices(frame: pl.DataFrame) -> int:
    """How many auctions state no market price, so that it is drawn from the win curve."""
    names = [name for name in STATED if name in frame.columns]
    return (
        frame.height
        if not names
        else int(frame.select(pl.all_horizontal(pl.col(names).is_null())).sum().item())
    )


def _won(frame: pl.DataFrame) -> Flags:
    """Which auctions were won; all of them where the log does not say."""
    if "won" not in frame.columns:
        return np.ones(frame.height, dtype=bool)
    return _amounts(frame, "won") > 0


def _seen(frame: pl.DataFrame, name: str, won: Flags) -> Floats:
    """What came of auctions that were won, NaN of the others.

    Raises DataError if something came of one that was lost, or it is not known of one that was won.
    """
    if name not in frame.columns:
        return np.full(frame.height, np.nan)
    is_lost = pl.lit(pl.Series(~won))
    amounts = _amounts(
        frame.with_columns(pl.when(is_lost).then(pl.col(name).fill_null(0)).otherwise(name).alias(name)), name
    )
    impossible = (amounts > 0) & ~won
    if impossible.any():
        raise DataError(
            f"{int(impossible.sum()):,} auctions that were lost have a '{name}', the first in row "
            f"{int(np.argmax(impossible)) + 1}: what was not shown earns nothing.",
            fix=f"Name the columns with --map won=... and --map {name}=...",
        )
    return np.where(won, amounts, np.nan)


def _prices(frame: pl.DataFrame, won: Flags, pctr: Floats) -> Floats:
    """Market prices, drawn from the win curve where the log states none."""
    stated = [name for name in STATED if name in frame.columns]
    if stated and not (unstated_prices(frame) and {"won", "bid"} <= set(frame.columns)):
        return _amounts(frame.with_columns(pl.coalesce(stated).alias(stated[0])), stated[0])
    if not {"won", "bid"} <= set(frame.columns):
        raise DataError(
            "The auctions have no column 'market_price' or 'minimum_bid_to_win', nor 'bid' and 'won'.",
            fix="Name them with --map.",
        )
    bid = _amounts(frame, "bid")
    price = np.full(frame.height, np.nan)
    if stated:
        known = pl.coalesce(stated).is_not_null()
        given = frame.with_columns(pl.coalesce(stated).alias(stated[0]))
        price[frame.select(known).to_series().to_numpy()] = _amounts(given.filter(known), stated[0])
    level = np.log(np.maximum(pctr, 1e-12)) if not np.isnan(pctr).any() else np.zeros(bid.size)
    is_known = ~np.isnan(price)
    curve = (
        product_limit_curve(price, bid)
        if is_known[won].all() and is_known.any()
        else current_status_curve(bid, won, level)
    )
    return np.where(is_known, price, curve.draw(bid, won, level, np.random.default_rng(0)))


def _episodes(frame: pl.DataFrame, episode: str | int) -> tuple[pl.DataFrame, Integers]:
    """The frame with each episode's rows together, in order, and the number of each row's episode."""
    if isinstance(episode, int):
        if "event_time" in frame.columns:
            frame = frame.sort("event_time", maintain_order=True)
        place = pl.int_range(pl.len())
        within = place.over("campaign_id") if "campaign_id" in frame.columns else place
        return _episodes(frame.with_columns(__run=within // episode), "__run")
    keys = [name for name in ("campaign_id", episode) if name in frame.columns]
    dated = frame
    if episode not in frame.columns and "event_time" in frame.columns:
        dated = frame.with_columns(__day=pl.col("event_time").dt.date()).sort(
            "event_time", maintain_order=True
        )
        keys.append("__day")
    if not keys:
        return frame, np.zeros(frame.height, dtype=np.int64)
    first = dated.select(*keys).unique(maintain_order=True).with_row_index("__episode")
    numbered = dated.join(first, on=keys, how="left", maintain_order="left", nulls_equal=True)
    ordered = numbered.sort("__episode", maintain_order=True)
    return ordered, ordered["__episode"].cast(pl.Int64).to_numpy()


def _optional(frame: pl.DataFrame, name: str) -> Floats:
    """A column's amounts, NaN where it is not there or, for a floor price, not given."""
    if name not in frame.columns or frame[name].null_count() == frame.height:
        return np.full(frame.height, np.nan)
    if name == "floor_price":
        return _amounts(frame.with_columns(pl.col(name).fill_null(0)), name)
    return _amounts(frame, name)


def _amounts(frame: pl.DataFrame, name: str) -> Floats:
    require_known(name, frame.columns, f"The auctions have no column '{name}'.", "Name it with --map.")
    numbers = frame[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    wrong = ~(numbers >= 0) | ~np.isfinite(numbers)
    if wrong.any():
        raise DataError(
            f"'{name}' is missing, negative or not a number in {int(wrong.sum()):,} auctions, "
            f"the first in row {int(np.argmax(wrong)) + 1}."
        )
    return numbers
