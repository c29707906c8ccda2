"""`adcli clean --attribute`: the impressions of a log with what they earned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adcli.cli.money import Money, settled_in_one_currency
from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.behaviour.attribution import AttributionRule

_DAY = timedelta(days=1)
_SET = ("conversion", "revenue", "attributed_share")


@option_group("Attribution")
class Attribution:
    """Which impressions earned the conversions."""

    attribute: Annotated[
        Literal["last", "first", "linear", "position", "decay"] | None, Needs("impressions")
    ] = typer.Option(
        None,
        help="Write the impressions with what they earned: conversions go to the last touch, the first, "
        "all alike, .4 to each end, or by how recent they are.",
    )
    impressions: Annotated[str | None, Needs("attribute")] = typer.Option(
        None, metavar="FILE", help="Table of ads shown: user_id, event_time."
    )
    window_days: Annotated[float, Needs("attribute")] = typer.Option(
        7.0, min=0.0, max=36_500.0, help="How long a touch can earn."
    )
    half_life_days: Annotated[float | None, Needs("attribute")] = typer.Option(
        None,
        min=0.001,
        max=36_500.0,
        help="By how many days a touch is earlier that earns half, for decay.",
        show_default="7",
    )


def require_attribution(table: str, flags: str | None, options: Attribution) -> None:
    """Make sure that the options have an effect.

    `table`: the standard table that the input is; `flags`: an option that adds columns to the events, which
    are not written. Raises UsageError if one has none.
    """
    if options.attribute is None:
        return
    if table != "events":
        raise UsageError(f"--attribute needs events, and the input is read as {table}.")
    if flags is not None:
        raise UsageError(f"{flags} has no effect with --attribute, which writes the impressions.")
    if options.half_life_days is not None and options.attribute != "decay":
        raise UsageError("--half-life-days has an effect only with --attribute decay.")


def attributed(
    run: Run, frames: Iterable[pl.DataFrame], rule: AttributionRule, options: Attribution, money: Money
) -> Iterator[pl.DataFrame]:
    """The impressions, in the order of their file, with click, conversion, revenue and attributed_share.

    Of the log only clicks and what money came of stay in memory, of the impressions what tells their user,
    time and ad.
    """
    import polars as pl

    from adcli.behaviour.attribution import attribute, clicked

    clicks, conversions = _outcomes(run, frames, money)
    stream = run.stream(
        [str(options.impressions)],
        tables=["impressions", "events", "touches"],
        needs=["user_id", "event_time"],
        secondary=True,
    )
    folder = run.scratch()
    paths, keys = [], []
    for number, frame in enumerate(run.frames(stream)):
        shown = frame.filter(pl.col("event_type") == "impression") if stream.table.name == "events" else frame
        paths.append(folder / f"{number:06}.parquet")
        shown.write_parquet(paths[-1], compression="lz4")
        names = ("user_id", "event_time", "ad_id", "item_id", "click")
        keys.append(shown.select(name for name in names if name in shown.columns))
    impressions = pl.concat(keys)
    if impressions.is_empty():
        raise DataError(f"{options.impressions}: has no impressions.", fix="Name the table of ads shown.")
    window = options.window_days * _DAY
    with run.step("attribution"):
        earned = attribute(
            impressions, conversions, rule, window=window, half_life=(options.half_life_days or 7.0) * _DAY
        )
        is_clicked = None if "click" in impressions.columns else clicked(impressions, clicks, window=window)
    if is_clicked is not None:
        _tell(run, "clicks", clicks.height, int(is_clicked.has_touch.sum()))
    sales = conversions["conversions"].to_numpy()
    _tell(run, "conversions", int(sales.sum()), int(sales[earned.has_touch].sum()))
    replaced = [name for name in _SET if name in stream.names]
    if replaced:
        run.note(f"{options.impressions}: {', '.join(replaced)} of its own replaced.")
    columns = [pl.Series("attributed_share", earned.shares), pl.Series("revenue", earned.revenue)]
    if is_clicked is not None:
        columns.append(pl.Series("click", (is_clicked.shares > 0).astype("int8")))
    has_money = bool(conversions["revenue"].is_not_null().any())
    yield from _joined(paths, pl.DataFrame(columns), has_money=has_money)


def _joined(paths: Iterable[Path], earned: pl.DataFrame, *, has_money: bool) -> Iterator[pl.DataFrame]:
    """The impressions of all files, each with its row of what was earned."""
    import polars as pl

    from adcli.tables.numerals import computed_money

    begin = 0
    for path in paths:
        frame = pl.read_parquet(path)
        own = earned.slice(begin, frame.height).with_columns(
            conversion=(pl.col("attributed_share") > 0).cast(pl.Int8),
            revenue=computed_money(pl.col("revenue")),
        )
        wanted = ["click"] * ("click" in own.columns) + ["conversion"] + ["revenue"] * has_money
        begin += frame.height
        yield frame.drop(_SET, strict=False).with_columns(own.select(*wanted, "attributed_share"))


def _outcomes(run: Run, frames: Iterable[pl.DataFrame], money: Money) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The clicks of a log and its conversions."""
    import polars as pl

    from adcli.behaviour.attribution import conversions_of, earns
    from adcli.tables.unify import concatenated

    clicks, sold = [], []
    for frame in frames:
        keys = [name for name in ("user_id", "event_time", "ad_id", "item_id") if name in frame.columns]
        clicks.append(frame.filter(pl.col("event_type") == "click").select(keys))
        sold.append(frame.filter(earns(frame.columns)))
    sales = settled_in_one_currency(run, concatenated(sold), money)
    return concatenated(clicks), conversions_of(sales, net=money.net)


def _tell(run: Run, what: str, count: int, found: int) -> None:
    run.note(f"{found:,} of {count:,} {what} have an impression within the window.")
    run.facts.setdefault("attribution", {})[what] = {"all": count, "attributed": found}
