"""What a shop knows of its customers, beside the rows that name them, as of the time of each row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.errors import DataError, printable
from adcli.tables.aliases import normalised

TENURE: Final = "tenure_days"
_ROW: Final = "__row"
_KNOWN_LATER: Final = re.compile(
    r"total|lifetime|last|spent|spend|revenue|orders|purchases|churn|ltv|clv|aov|refund"
)
_PERSONAL: Final = re.compile(r"name|mail|phone|mobile|address|street|zip|postal|postcode|note$|tags$")


class WithCustomers(NamedTuple):
    """Rows with what is known of their users."""

    frame: pl.DataFrame  # the rows, in their order
    added: list[str]  # names of the columns that they have now
    left: list[str]  # what was left out and why, one clause each


def with_customers(
    frame: pl.DataFrame, customers: pl.DataFrame, *, key: str = "user_id", wanted: Sequence[str] = ()
) -> WithCustomers:
    """The rows with the columns of their users; of a sign-up the days since then at the time of the row.

    Features, as `adcli clean --features` writes them with the `event_time` as of which they are, are joined
    as of the latest time up to that of the row.

    Left out, unless wanted: names and addresses of persons, and what a shop knows only of the time up to its
    export, such as the sum of all orders, because some of it came after the row.

    `frame`: rows with a column `key`; `key`: the column of `frame` that names users; `wanted`: columns to
    take in any case. Raises DataError if a user stands several times in `customers`.
    """
    has_times = "event_time" in frame.columns and isinstance(customers.schema.get("event_time"), pl.Datetime)
    twice = customers["user_id"].is_duplicated()
    if twice.any() and not has_times:
        user = printable(str(customers["user_id"].filter(twice)[0]))
        raise DataError(
            f"User {user} stands several times in the table of users.", fix="Give one row a user."
        )
    keys = ["user_id", "event_time"] if has_times else ["user_id"]
    others = [name for name in customers.columns if name not in keys]
    is_later = {name: not has_times and _KNOWN_LATER.search(normalised(name)) for name in others}
    later = [name for name in others if is_later[name] and name not in wanted]
    personal = [name for name in others if _PERSONAL.search(normalised(name)) and name not in wanted]
    there = [name for name in others if name in frame.columns]
    taken = [name for name in others if name not in {*later, *personal, *there}]
    reasons = (
        (later, "may be known only after the row"),
        ([name for name in personal if name not in later], "names a person"),
        (there, "is a column already"),
    )
    left = [f"{', '.join(map(printable, names))} ({why})" for names, why in reasons if names]
    known = customers.select(*keys, *taken)
    if has_times:
        ordered = frame.with_row_index(_ROW).sort("event_time", nulls_last=True)
        joined = ordered.join_asof(
            known.sort("event_time"), on="event_time", by_left=key, by_right="user_id", check_sortedness=False
        )
        joined = joined.sort(_ROW).drop(_ROW)
    else:
        joined = frame.join(known, left_on=key, right_on="user_id", how="left", maintain_order="left")
    if "signup_time" in taken and "event_time" in frame.columns:
        days = (pl.col("event_time") - pl.col("signup_time")).dt.total_days()
        joined = joined.with_columns(pl.when(days >= 0).then(days).alias(TENURE)).drop("signup_time")
        taken = [TENURE if name == "signup_time" else name for name in taken]
    return WithCustomers(joined, taken, left)


def strangers(users: pl.Series, customers: pl.DataFrame) -> int:
    """How many of these users the table of customers lacks."""
    return int((~users.drop_nulls().unique().is_in(customers["user_id"].implode())).sum())
