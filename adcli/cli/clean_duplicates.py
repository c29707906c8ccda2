"""What `adcli clean` does with rows that come again: repeats within moments, texts nearly the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.clean_rows import spilled
from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError, require_known
from adcli.numbers import counted

if TYPE_CHECKING:
    import polars as pl

    from adcli.clean.pipeline import Step

_REPEAT_KEY = ("user_id", "event_type", "item_id")
_TEXTS = {"products": ("title", "description"), "reviews": ("title", "text")}
GROUP = "duplicate_group"


@option_group("Duplicates")
class Duplicates:
    """Rows that come again."""

    repeat_window: float | None = typer.Option(
        None, min=0.0, help="Reject an event that follows an equal one within so many seconds."
    )
    repeat_key: Annotated[list[str], Needs("repeat_window")] = typer.Option(
        [],
        help="Column in which repeats are equal; repeat for more.",
        show_default="user_id, event_type, item_id",
    )
    near_duplicates: float | None = typer.Option(
        None,
        min=0.7,
        max=1.0,
        metavar="SHARE",
        help="Add duplicate_group: products or reviews whose texts share at least so much, such as .8.",
    )


def require_duplicates(table: str, names: set[str], options: Duplicates) -> None:
    """Make sure that the input has what the options ask for.

    Raises DataError if it has no users or times; UsageError if it has no such column, or no texts.
    """
    if options.near_duplicates is not None and table not in _TEXTS:
        raise UsageError(f"--near-duplicates needs products or reviews, and the input is read as {table}.")
    if options.repeat_window is None:
        return
    if "event_time" not in names:
        raise DataError(
            "The input has no event_time, which --repeat-window needs.",
            fix="Name it: --map event_time=COLUMN.",
        )
    for column in repeat_key(options):
        sentence = f"--repeat-key: the input has no column '{column}'."
        require_known(column, names, sentence, error=UsageError)


def repeat_key(options: Duplicates) -> Sequence[str]:
    """The columns in which repeats are equal."""
    return options.repeat_key or _REPEAT_KEY


def repeat_steps(options: Duplicates) -> list[Step]:
    """What leaves repeats out, if that is wanted."""
    from adcli.clean.identity import without_repeats

    if options.repeat_window is None:
        return []
    window = timedelta(seconds=options.repeat_window)
    return [partial(without_repeats, window=window, key=repeat_key(options))]


def with_near_duplicates(
    run: Run, table: str, frames: Iterator[pl.DataFrame], options: Duplicates
) -> Iterator[pl.DataFrame]:
    """The frames with `duplicate_group`, which only all texts together tell."""
    import polars as pl

    from adcli.clean.near_duplicates import near_duplicates

    paths = spilled(run, frames)

    def texts() -> Iterator[pl.Series]:
        for path in paths:
            frame = pl.read_parquet(path)
            known = [pl.col(name) for name in _TEXTS[table] if name in frame.columns]
            yield frame.select(pl.concat_str(known, separator=" ", ignore_nulls=True)).to_series()

    with run.step("near-duplicates"):
        groups = near_duplicates(texts(), options.near_duplicates or 0.0, spill=run.scratch()).alias(GROUP)
    found = groups.drop_nulls()
    groups_found = counted(found.n_unique(), "group")
    run.note(f"{len(found):,} {table} are nearly the same as others, in {groups_found}.")
    begin = 0
    for path in paths:
        frame = pl.read_parquet(path)
        yield frame.drop(GROUP, strict=False).with_columns(groups.slice(begin, frame.height))
        begin += frame.height
