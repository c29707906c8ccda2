"""`--users` and `--profiles`: what is known of customers, beside the rows that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.run import Run
from adcli.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from adcli.behaviour.customers import WithCustomers
    from adcli.behaviour.segments import SegmentCentres
    from adcli.tables.spool import Spool

    Join = Callable[[pl.DataFrame], pl.DataFrame]

Users = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Table of customers, joined by user_id: their columns become context."),
]

Profiles = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Vectors of users, of `adcli embed`, joined by user_id: context too."),
]


def beside_users(
    run: Run, log: Spool, users: str | None, profiles: str | None, wanted: Sequence[str] = ()
) -> Spool:
    """The rows with their users' columns, and vectors as `profile`, block by block; which is said.

    Raises DataError if the rows name no users, or none of theirs has a vector.
    """
    from adcli.tables.spool import Spool

    rows = log.mapped()
    joins = [] if users is None else [_customer_join(run, rows, users, wanted)]
    joins += [] if profiles is None else [_profile_join(run, rows, profiles)]
    if not joins:
        return log
    frames = (reduce(lambda found, join: join(found), joins, frame) for frame in log.frames())
    return Spool(frames, run.scratch())


def _profile_join(run: Run, log: pl.DataFrame, profiles: str) -> Join:
    from adcli.policies.profiles import PROFILE, profile_join

    join, missing = profile_join(log, run.read([profiles], tables=["vectors"], secondary=True))
    lacks = f"; {missing:,} of {log.height:,} rows have none: the mean stands there" if missing else ""
    run.note(f"{profiles}: adds '{PROFILE}'{lacks}.")
    return join


def _customer_join(run: Run, log: pl.DataFrame, users: str, wanted: Sequence[str]) -> Join:
    from adcli.behaviour.customers import strangers, with_customers

    if "user_id" not in log.columns:
        raise DataError("--users: the log names no users.", fix="Name the column: --map user_id=COLUMN.")
    customers = run.read([users], tables=["users"], secondary=True)
    ids = log["user_id"].drop_nulls().unique()
    _tell(
        run, users, with_customers(log.clear(), customers, wanted=wanted), strangers(ids, customers), len(ids)
    )
    return lambda rows: with_customers(rows, customers, wanted=wanted).frame


def read_segments(run: Run, profiles: str) -> SegmentCentres:
    """The segments that profiles are in. Raises DataError if they are in none."""
    from adcli.behaviour.segments import segment_centres

    found = segment_centres(run.read([profiles], tables=["vectors"], secondary=True))
    if found is None:
        raise DataError(f"{profiles} has no segments.", fix="Make it with adcli embed --segments K.")
    return found


def profiles_with_users(run: Run, profiles: Iterator[pl.DataFrame], users: str) -> Iterator[pl.DataFrame]:
    """Profiles with the columns of their users, which is said at the end."""
    from adcli.behaviour.customers import strangers, with_customers

    customers = run.read([users], tables=["users"], secondary=True)
    missing = count = 0
    for frame in profiles:
        found = with_customers(frame, customers, key="id")
        missing, count = missing + strangers(frame["id"], customers), count + frame.height
        yield found.frame
    if count:
        _tell(run, users, found, missing, count)


def _tell(run: Run, users: str, found: WithCustomers, missing: int, count: int) -> None:
    lacks = f"; {missing:,} of {count:,} users are not in it: theirs are empty" if missing else ""
    run.note(f"{users}: adds {', '.join(found.added) or 'nothing'}{lacks}.")
    if found.left:
        run.note(f"{users}: not taken: {'; '.join(found.left)}.")
    run.facts["users"] = {"added": found.added, "users": count, "not_in_it": missing}
