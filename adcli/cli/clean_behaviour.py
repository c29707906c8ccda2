"""What `adcli clean` adds to the rows of a log: robots told by their behaviour, and sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.clean_anomalies import Anomalies, with_anomalies
from adcli.cli.clean_features import Features
from adcli.cli.clean_rows import reject, spilled
from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.behaviour.sessions import Sessions
    from adcli.clean.pipeline import Step
    from adcli.clean.routes import Routes
    from adcli.tables.read import TableStream

_BY_MIDNIGHT, _BY_CAMPAIGN = ("midnight", "both"), ("campaign", "both")


@option_group("Behaviour")
class Behaviour:
    """Robots and sessions."""

    routes: Path | None = typer.Option(
        None,
        help="TOML file of a web log's pages: lists of expressions over the path, by product, search, "
        "cart, add_to_cart, checkout, confirmation, other; own_hosts of the shop.",
        show_default="those of Shopify, WooCommerce, Magento, PrestaShop",
    )
    bots: Literal["keep", "flag", "drop"] = typer.Option(
        "keep",
        help="Robots, by user agent, rate, steadiness, addresses, haste: kept without a look; flagged by "
        "is_bot, bot_score, bot_reason; or rejected.",
    )
    sessions: bool = typer.Option(False, "--sessions", help="Add session_id.")
    session_gap: Annotated[float, Needs("sessions")] = typer.Option(
        30.0, min=0.0, help="Minutes without an event that end a session."
    )
    session_split: Annotated[Literal["midnight", "campaign", "both"] | None, Needs("sessions")] = (
        typer.Option(None, help="What else ends a session: midnight (UTC), another campaign.")
    )


def routes_for(stream: TableStream, options: Behaviour) -> Routes | None:
    """What the pages of a web server's log mean; None where the input is none.

    Raises UsageError if routes are given for what is no such log.
    """
    from adcli.clean.requests import is_request_log
    from adcli.clean.routes import routes_of
    from adcli.tables.formats.extended_log import FORM
    from adcli.tables.formats.weblogs import has_referrers

    is_typed = any("event_type" in plan.mapping.sources for plan in stream.plans)
    if stream.table.name == "events" and not is_typed and is_request_log(stream.names):
        text = options.routes.read_text(encoding="utf-8") if options.routes else ""
        forms = stream.log_forms - {FORM}
        is_told = "referrer" in stream.names and all(map(has_referrers, forms))
        return routes_of(text, str(options.routes))._replace(has_referrers=is_told)
    if options.routes:
        raise UsageError("--routes: the input is no log of a web server.")
    return None


def require_behaviour(names: set[str], options: Behaviour, anomalies: Anomalies) -> None:
    """Make sure that the input has what the options ask for.

    Raises DataError if it has no users or times; UsageError if it has sessions, or no campaigns.
    """
    asked = (
        [f"--bots {options.bots}"] * (options.bots != "keep")
        + ["--sessions"] * options.sessions
        + ["--anomalies"] * (anomalies.anomalies != "keep")
    )
    for column in ("user_id", "event_time") if asked else ():
        if column not in names:
            raise DataError(
                f"The input has no {column}, which {asked[0]} needs.", fix=f"Name it: --map {column}=COLUMN."
            )
    if options.sessions and "session_id" in names:
        raise UsageError("--sessions: the input has a session_id of its own.", fix="Leave out --sessions.")
    if options.session_split in _BY_CAMPAIGN and _campaign(names) is None:
        raise UsageError("--session-split campaign: the input has no campaign_id or utm_campaign.")


def session_steps(names: set[str], options: Behaviour) -> list[Step]:
    """What adds sessions, if they are wanted and what robots do is not to be left out before."""
    if not options.sessions or options.bots != "keep":
        return []
    from adcli.behaviour.sessions import with_sessions

    sessions = _sessions(names, options)
    return [lambda frames, _: with_sessions(frames, sessions)]


def with_behaviour(
    run: Run,
    stream: TableStream,
    names: set[str],
    frames: Iterator[pl.DataFrame],
    options: Behaviour,
    anomalies: Anomalies,
) -> Iterator[pl.DataFrame]:
    """The frames, in order of time and with where each row came from, with what the options ask for."""
    from adcli.clean.runs import FILE, LINE

    if options.bots != "keep":
        frames = _without_robots(run, stream, frames, is_flagged=options.bots == "flag")
    is_asked = anomalies.anomalies != "keep"
    is_wanted = options.sessions or (is_asked and "session_id" not in names)
    if is_wanted and not session_steps(names, options):
        from adcli.behaviour.sessions import with_sessions

        frames = with_sessions(frames, _sessions(names, options))
    if is_asked:
        frames = with_anomalies(run, stream, frames, anomalies)
    hidden = [FILE, LINE] if options.sessions or "session_id" in names else [FILE, LINE, "session_id"]
    return (frame.drop(hidden, strict=False) for frame in frames)


def flagging(options: Behaviour, anomalies: Anomalies, features: Features) -> str | None:
    """The option that adds to what is written of the events, if one does."""
    adding = {
        "--sessions": options.sessions,
        "--bots flag": options.bots == "flag",
        "--anomalies flag": anomalies.anomalies == "flag",
        "--features": features.features,
    }
    return next((option for option, is_given in adding.items() if is_given), None)


def _sessions(names: set[str], options: Behaviour) -> Sessions:
    from adcli.behaviour.sessions import Sessions

    campaign = _campaign(names) if options.session_split in _BY_CAMPAIGN else None
    gap = timedelta(minutes=options.session_gap)
    return Sessions(gap=gap, at_midnight=options.session_split in _BY_MIDNIGHT, campaign=campaign)


def _campaign(names: set[str]) -> str | None:
    return next((name for name in ("campaign_id", "utm_campaign") if name in names), None)


def _without_robots(
    run: Run, stream: TableStream, frames: Iterator[pl.DataFrame], *, is_flagged: bool
) -> Iterator[pl.DataFrame]:
    """The rows with their flags, or those of people only; what robots do shows in the whole log alone."""
    import polars as pl

    from adcli.clean.bots import COLUMNS, BotSignals

    paths = spilled(run, frames)
    with run.step("robots"):
        signals = BotSignals(pl.scan_parquet(paths))
    robots = 0
    for path in paths:
        flagged = signals.flag(pl.read_parquet(path))
        robots += int(flagged["is_bot"].sum())
        if not is_flagged:
            found = flagged.filter("is_bot")
            reject(run, stream, found.drop(COLUMNS), "robot: " + found["bot_reason"])
            flagged = flagged.filter(~pl.col("is_bot")).drop(COLUMNS)
        yield flagged
    if is_flagged:
        run.note(f"{robots:,} row{'s'[: robots != 1]} of robots flagged.")
