"""`adcli clean --features`: what is known of each user and item, in tables beside the output."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.clean_rows import spilled
from adcli.cli.option_rules import Needs
from adcli.cli.options import moment_of
from adcli.cli.run import Run
from adcli.cli.targets import is_stream
from adcli.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

_PANEL = "Features"
_TABLES = {"user_id": "users", "item_id": "items"}


@dataclass(frozen=True)
class Features:
    """What is known of users and items."""

    features: Annotated[
        bool,
        typer.Option(
            "--features",
            help="Write OUTPUT.users.parquet and OUTPUT.items.parquet: recency, frequency, revenue, tenure, "
            "CTR and more, as of each event, from what came before it.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    cutoff: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Features as of this time (UTC) instead, a row a user and item.",
            rich_help_panel=_PANEL,
        ),
        Needs("features"),
    ] = None


def require_features(run: Run, table: str, options: Features) -> None:
    """Make sure that the features can be computed and written.

    Raises:
        UsageError: If the input is no log, or there is no output to write them beside.
    """
    if options.features and table != "events":
        raise UsageError(f"--features needs events, and the input is read as {table}.")
    if options.features and (run.output is None or is_stream(run.output)):
        raise UsageError("--features writes files beside the output.", fix="Name the output with -o FILE.")


def with_features(run: Run, frames: Iterator[pl.DataFrame], options: Features) -> Iterator[pl.DataFrame]:
    """The frames as they are, once the features of all are written; the log is in memory meanwhile."""
    import polars as pl

    from adcli.behaviour.currencies import require_one_currency
    from adcli.behaviour.features import features, with_sales

    paths = spilled(run, frames)
    at = moment_of(options.cutoff) if options.cutoff else None
    with run.step("features"):
        log = pl.concat(pl.read_parquet(path) for path in paths)
        require_one_currency(log)
        events = with_sales(log)
        for key, name in _TABLES.items():
            if key in events.columns:
                found = features(events, key, at=at)
                content = io.BytesIO()
                found.write_parquet(content)
                run.attach(Path(f"{run.output}.{name}.parquet"), content.getvalue())
                run.note(f"{run.output}.{name}.parquet: {found.height:,} rows of features.")
        del log, events
    for path in paths:
        yield pl.read_parquet(path)
