"""When two equal rows are one thing logged twice, and when they are two things that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from adcli.tables.aliases import normalised
from adcli.tables.formats.blocks import rows_as_json
from adcli.tables.standard.orders import ORDER_ID_NAMES
from adcli.tables.standard.tables import StandardTable

DUPLICATE: Final = "exact duplicate of an earlier row"
_ROW_IDS: Final = frozenset(
    normalised(name)
    for name in (
        "event_id", "event_uuid", "row_id", "record_id", "log_id", "message_id", "insert_id", "uuid",
        "impression_id", "click_id", "request_id", "auction_id", "bid_id", "review_id", *ORDER_ID_NAMES,
    )
)  # fmt: skip
_OWN_IDS: Final = {
    "products": ("item_id",),
    "ads": ("ad_id",),
    "vectors": ("id", "kind"),
    "units": ("unit_id",),
    "queries": ("query_id",),
    "reviews": ("user_id", "item_id"),
    "users": ("user_id",),
}
_WHO_OR_WHAT = ("user_id", "item_id", "ad_id")


def carries_identity(table: StandardTable, columns: Sequence[str], *, fine_times: bool) -> pl.Expr | None:
    """Where a row equal to an earlier one is a duplicate of it; None where no row is.

    Equality alone proves nothing: two customers in a trial can be alike in every recorded respect, and a
    shopper can reload a page within the second that an access log records. It does where the row carries

    - a number of its own: of the row, event, request, auction, order or review;
    - the table's own identity: a product's, ad's, unit's or query's, a reviewer's together with the item's;
    - or a time finer than a second together with a user or an item.

    Args:
        table: The standard table.
        columns: Its columns and those carried along.
        fine_times: Whether any `event_time` has a fraction of a second.
    """
    grounds = [pl.col(column).is_not_null() for column in columns if normalised(column) in _ROW_IDS]
    own = _OWN_IDS.get(table.name, ())
    if own and all(column in columns for column in own):
        grounds.append(pl.all_horizontal(pl.col(own).is_not_null()))
    known = [column for column in _WHO_OR_WHAT if column in columns]
    if fine_times and known:
        grounds.append(pl.col("event_time").is_not_null() & pl.any_horizontal(pl.col(known).is_not_null()))
    return pl.any_horizontal(grounds) if grounds else None


def rows_as_rejects(
    rows: pl.DataFrame, file: str | pl.Series, lines: pl.Series, reason: str | pl.Series
) -> pl.DataFrame:
    """Rows of a table as rejected rows: file, line, reason, raw."""
    raw = pl.Series(rows_as_json(rows), dtype=pl.String)
    return pl.DataFrame({"line": lines, "raw": raw}).select(
        pl.lit(file).alias("file"), "line", pl.lit(reason).alias("reason"), "raw"
    )
