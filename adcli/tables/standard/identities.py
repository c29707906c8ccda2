"""Identifiers that several columns hold: the first that is present in a row serves.

A log of GA4 has `user_id` on the rows after a login and `user_pseudo_id` on all; a shop's export has a
customer number, or else an e-mail address. Their order follows from their names, never from the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from adcli.tables.aliases import normalised

IDENTITY: Final = "user_id"
_OF_SOMETHING_ELSE: Final = frozenset({"accountid", "profileid"})  # may be the advertiser's, on every row


def identities(
    aliases: Sequence[str], sources: Mapping[str, str], alternatives: Mapping[str, Sequence[str]]
) -> list[str]:
    """The source columns of the user, the first that is present in a row serving; none if there is none.

    `aliases`: normalised names of the user's columns, best first; `sources`: the source column of each
    standard column; `alternatives`: for a standard column, further source columns that could be it.
    """
    first = sources.get(IDENTITY)
    if first is None or normalised(first) not in aliases:
        return []
    others = [one for one in alternatives.get(IDENTITY, ()) if normalised(one) not in _OF_SOMETHING_ELSE]
    return sorted([first, *others], key=lambda column: aliases.index(normalised(column)))


def format_key(source: str) -> str:
    """The key of a further source column among the formats of a plan."""
    return f"{IDENTITY} ({source})"


def first_present(columns: Mapping[str, pl.Series]) -> tuple[pl.Series, dict[str, int]]:
    """The first value of each row that is not null, and how many rows each column served.

    `columns` (n,) values by source column, the first to serve first.
    """
    frame = pl.DataFrame([values.alias(source) for source, values in columns.items()])
    served: dict[str, int] = {}
    free = pl.lit(value=True)
    for source in columns:
        served[source] = frame.select((free & pl.col(source).is_not_null()).sum()).item()
        free = free & pl.col(source).is_null()
    return frame.select(pl.coalesce(*columns)).to_series().alias(IDENTITY), served


def served_note(served: Mapping[str, int], rows: int) -> str:
    """The share of rows whose user each column identifies, in one clause."""
    shares = [
        f"{source} in {count / max(rows, 1):.1%} of the rows" for source, count in served.items() if count
    ]
    none = rows - sum(served.values())
    return f"{IDENTITY}: " + ", ".join([*shares, *([f"none in {none / rows:.1%}"] if none else [])])
