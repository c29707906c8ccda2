"""What `adcli evaluate policy` values: directories, tables of probabilities, words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from adcli.cli.run import Run
from adcli.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

    from adcli.evaluate.off_policy.table import Target
    from adcli.policies.table_policy import TablePolicy

WORDS = ("uniform", "logged")


def check_names(names: Sequence[str]) -> None:
    """Make sure that each name may be a policy, before anything large is read.

    Raises UsageError if one is none, or is named twice.
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UsageError(f"'{twice[0]}' is named twice.", fix="Name each policy once.")
    for name in names:
        if name not in WORDS and not Path(name).exists():
            raise UsageError(
                f"'{name}' is no policy: no directory, no table of probabilities, and neither of the words "
                f"{' and '.join(WORDS)}.",
                fix=did_you_mean(name, WORDS) or "The policy comes first, then the log.",
            )


def read_targets(run: Run, names: Sequence[str], action: Sequence[str], log: pl.DataFrame) -> list[Target]:
    """The policies, each called by its folder's or file's name, or by its whole path where two share that.

    Raises DataError if one is damaged, or a table of probabilities does not fit the log.
    """
    short = Counter(_short_name(name) for name in names)
    called = {name: _short_name(name) if short[_short_name(name)] == 1 else name for name in names}
    return [_target(run, name, called[name], action, log) for name in names]


def _short_name(name: str) -> str:
    return name if name in WORDS else Path(name).resolve().name


def _target(run: Run, name: str, called: str, action: Sequence[str], log: pl.DataFrame) -> Target:
    from adcli.policies.store import load_policy, read_description

    if name in WORDS:
        return cast("Literal['uniform', 'logged']", name)
    if Path(name).is_file():
        return _from_table(run, name, called, action, log)
    folder = run.learned(Path(name))
    if read_description(folder).get("propensities") == "estimated":
        run.warn(f"{called} was learned with estimated propensities.")
    return replace(load_policy(folder), name=called)  # type: ignore[type-var]


def _from_table(run: Run, name: str, called: str, action: Sequence[str], log: pl.DataFrame) -> TablePolicy:
    from adcli.policies.table_policy import policy_from_table

    try:
        table = run.read([name], tables=["probabilities"], secondary=True)
    except DataError as error:
        raise DataError(
            f"As a policy, {error}", fix="What `adcli optimize policy` learned is named by its folder."
        ) from None
    own = [column for column in ("item_id", "ad_id") if column in table.columns][:1]
    policy = policy_from_table(table, called, action=run.columns(action) or own)
    unnamed = policy.unnamed(log)
    if unnamed.height:
        place = ", ".join(f"{column} {value}" for column, value in unnamed.row(0, named=True).items())
        raise DataError(
            f"{name} has no probabilities for {unnamed.height:,} of the log's impressions, such as those "
            f"with {place}.",
            fix="Add rows for them, or leave the impressions out.",
        )
    return policy
