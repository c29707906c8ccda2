"""Robots: declared by their user agent, or told by what no person does; each with a score and a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.behaviour.partitions import by_key
from adcli.privacy.hash_numbers import HashNumbers


class Signal(NamedTuple):
    """One sign of a robot: a figure of a user or an address, and where people end and robots begin."""

    name: str  # the figure's name
    limit: float  # from here on it is a robot's; the score is then .5 or more
    words: str  # what it says of the user, with the figure in place of `{}`


SIGNALS: Final = (
    Signal("rate", 120, "events within a minute: {}"),
    Signal("steadiness", 20, "intervals between events that vary by less than 5 %"),
    Signal("addresses", 50, "addresses of one user: {}"),
    Signal("haste", 1, "a purchase less than a second after a click"),
)
USERS_OF_ADDRESS: Final = Signal("users", 200, "users of one address: {}")
_WANTED: Final = ("user_id", "event_time", "event_type", "ip")
_ENOUGH_EVENTS: Final = 20
AGENT: Final = "user agent of a robot: "
COLUMNS: Final = ("is_bot", "bot_score", "bot_reason")


class BotSignals:
    """What is known of the users and addresses of a whole log, to flag its rows with.

    `log`: rows of a table with `user_id` and `event_time`, `event_type`, `ip` and `user_agent` as they are.
    """

    def __init__(self, log: pl.LazyFrame) -> None:
        names = log.collect_schema().names()
        log = log.with_columns(_hashed(name) for name in ("user_id", "ip") if name in names)
        wanted = [name for name in _WANTED if name in names]
        parts = [_scored(_figures(part), SIGNALS, "user_id") for part in by_key(log, wanted)]
        self._known = {"user_id": _Known(pl.concat(parts), "user_id")}
        if "ip" in names:
            users = log.drop_nulls("ip").group_by("ip").agg(users=pl.col("user_id").n_unique())
            scored = _scored(users.collect(engine="streaming"), [USERS_OF_ADDRESS], "ip")
            self._known["ip"] = _Known(scored, "ip")
        self._agents: dict[str, bool] = {}

    def flag(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows with `is_bot`, `bot_score` from 0 to 1 (.5 and more is a robot) and `bot_reason` in words."""
        found = [known.of(frame) for name, known in self._known.items() if name in frame.columns]
        if "user_agent" in frame.columns:
            found.append(self._by_agent(frame["user_agent"]))
        scores = [one["score"].fill_null(0.0).rename(str(place)) for place, one in enumerate(found)]
        reasons = [one["reason"].rename(f"reason {place}") for place, one in enumerate(found)]
        both = pl.DataFrame([*scores, *reasons]).select(
            bot_score=pl.max_horizontal([one.name for one in scores]),
            bot_reason=pl.concat_str(
                [one.name for one in reversed(reasons)], separator="; ", ignore_nulls=True
            ),
        )
        is_bot = both["bot_score"] >= 0.5
        reason = both.select(pl.when(pl.lit(is_bot)).then("bot_reason")).to_series()
        return frame.with_columns(is_bot.alias("is_bot"), both["bot_score"], reason)

    def _by_agent(self, agents: pl.Series) -> pl.DataFrame:
        """Score and reason of each row by the list of crawlers, asked once for each distinct agent."""
        from crawleruseragents import is_crawler

        for agent in agents.drop_nulls().unique().to_list():
            if agent not in self._agents:
                self._agents[agent] = bool(is_crawler(agent))
        robots = [agent for agent, is_robot in self._agents.items() if is_robot]
        is_robot = agents.is_in(robots).fill_null(value=False).rename("is_robot")
        return pl.DataFrame([agents.rename("agent"), is_robot]).select(
            score=pl.when("is_robot").then(1.0).otherwise(0.0),
            reason=pl.when("is_robot").then(pl.lit(AGENT) + pl.col("agent").str.slice(0, 80)),
        )


def _figures(events: pl.DataFrame) -> pl.DataFrame:
    """One row per user with the figures of `SIGNALS`; null where there are too few events to say."""
    time, by = pl.col("event_time"), "user_id"
    addresses = (
        [pl.col("ip").n_unique().cast(pl.Float64).alias("addresses")] if "ip" in events.columns else []
    )
    users = events.group_by(by).agg(pl.len().alias("events"), *addresses)
    gaps = time.diff().dt.total_microseconds().drop_nulls()
    steadiness = pl.when(gaps.mean() >= 1_000_000).then(gaps.mean() / gaps.std().clip(1.0))
    busy = _of_users(events, users.filter(pl.col("events") >= _ENOUGH_EVENTS))
    found = [busy.group_by(by).agg(steadiness=steadiness)]
    actions = events
    if "event_type" in events.columns:
        found.append(_haste(events))
        # one page shows many ads, one order has many lines
        actions = events.filter(~pl.col("event_type").is_in(["impression", "purchase", "other"]))
    figures = users.drop("events")
    for one in found:
        figures = figures.join(one, on=by, how="left", nulls_equal=True)
    minutes = actions.group_by(by, time.dt.truncate("1m")).len()
    rate = minutes.group_by(by).agg(rate=pl.col("len").max().cast(pl.Float64))
    return figures.with_columns(pl.selectors.by_name("haste", require_all=False).fill_null(0.0)).join(
        rate, on=by, how="left"
    )


def _haste(events: pl.DataFrame) -> pl.DataFrame:
    """One row per user who clicks and buys: 1 where a purchase comes less than a second after a click."""
    time, event_type = pl.col("event_time"), pl.col("event_type")
    clicks, purchases = (events.filter(event_type == one).select("user_id") for one in ("click", "purchase"))
    both = events.filter(event_type.is_in(["click", "purchase"]))
    both = _of_users(_of_users(both, clicks), purchases)
    click = pl.when(event_type == "click").then(time).forward_fill()
    since_click = (time - click).filter(event_type == "purchase").dt.total_microseconds()
    return both.group_by("user_id").agg(haste=(since_click < 1_000_000).any().cast(pl.Float64))


def _of_users(events: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """The events of some users, in their order; asking all groups takes long where most are small."""
    return events.join(users, on="user_id", how="semi", nulls_equal=True, maintain_order="left")


def _scored(figures: pl.DataFrame, signals: Sequence[Signal], key: str) -> pl.DataFrame:
    """Key, score and reason: the strongest signal's share x / (x + limit), and all that reach their limit."""
    known = [signal for signal in signals if signal.name in figures.columns]
    shares = [pl.col(signal.name) / (pl.col(signal.name) + signal.limit) for signal in known]
    reasons = [
        pl.when(pl.col(signal.name) >= signal.limit).then(
            pl.format(signal.words, pl.col(signal.name).round().cast(pl.Int64))
            if "{}" in signal.words
            else pl.lit(signal.words)
        )
        for signal in known
    ]
    return figures.select(
        key, score=pl.max_horizontal(shares), reason=pl.concat_str(reasons, separator="; ", ignore_nulls=True)
    ).with_columns(pl.when(pl.col("reason") != "").then("reason"))


def _hashed(name: str) -> pl.Expr:
    """A column as hashes, in half the time; two of ten million are alike with 3 chances in a million."""
    return pl.when(pl.col(name).is_not_null()).then(pl.col(name).hash(seed=0)).alias(name)


class _Known:
    """Score and reason by the hash of a user or an address."""

    def __init__(self, scored: pl.DataFrame, key: str) -> None:
        self._key = key
        scored = scored.drop_nulls(key)
        self._numbers = HashNumbers()
        self._numbers.add(scored[key].to_numpy())
        nothing = pl.DataFrame(
            {"score": [None], "reason": [None]}, {"score": pl.Float64, "reason": pl.String}
        )
        self._told = pl.concat([nothing, scored.select("score", "reason")], rechunk=True)

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Of each row; null where nothing is known."""
        hashes = frame.select(_hashed(self._key).fill_null(0)).to_series().to_numpy()
        return self._told[self._numbers.of(hashes)]
