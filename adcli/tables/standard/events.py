"""Types of events: their aliases, and what a log without a type column can only be about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.tables.aliases import normalised
from adcli.tables.standard.orders import order_column

_ALIASES: Final[Mapping[str, str]] = {
    "impression": "impressions imp imps show shown showed exposure expose exposed display displayed served "
    "adimpression adview viewitemlist viewpromotion",
    "view": "views viewed pv pageview pageviews detailview detailpageview productview productdetailview "
    "viewitem itemview viewproduct productviewed viewcontent screenview visit browse detail page",
    "click": "clicks clicked clk adclick itemclick productclick productclicked clickitem clickproduct "
    "selectitem selectpromotion tap",
    "cart": "carts addtocart addedtocart addcart cartadd addtobasket addtobag basket atc productadded",
    "purchase": "purchases purchased buy bought order ordered orders transaction transactions sale sold pay "
    "paid payment conversion ordercompleted completedorder checkoutcompleted buyproduct purchasecompleted",
    "review": "reviews reviewed rating ratings rate rated comment",
    "search": "searches searched query viewsearchresults searchproducts productssearched",
    "other": "fav favorite favourite favorites wishlist addtowishlist collect removefromcart removecart "
    "refund return returned cancel cancelled cancellation checkout begincheckout initiatecheckout login "
    "logout share like scroll sessionstart firstvisit userengagement addpaymentinfo addshippinginfo "
    "filedownload",
}
_REFUNDS: Final = frozenset({"refund", "refunded", "return", "returned", "orderrefunded"})
_TYPE_OF: Final = {alias: kind for kind, names in _ALIASES.items() for alias in (kind, *names.split())}

_TIMES_OF: Final = {
    "click": "clicktime",
    "impression": "impressiontime",
    "view": "viewtime",
    "purchase": "purchasedate purchasetime transactiondate transactiontime transactiondt tdat orderdt",
}
_TYPE_OF_TIME: Final = {time: kind for kind, times in _TIMES_OF.items() for time in times.split()}
_RATING_NAMES = frozenset({"rating", "ratings", "starrating", "reviewrating", "stars"})


class Derivation(NamedTuple):
    """What the events of a log without a type column are."""

    event_type: str  # the type of each event
    because: str  # why, in words
    # the source column with the order's number, where cancelled orders begin with C
    order_column: str | None = None


def derive_event_type(
    columns: Sequence[str], placed: Mapping[str, str], *, is_log: bool
) -> Derivation | None:
    """What a log's events must be if no column says it, or None if nothing says so.

    `columns`: the source's columns; `placed`: the source column of each standard column that was placed;
    `is_log`: whether the source is an access log.
    """
    if is_log:
        return Derivation(
            "view",
            "a web server logs requests (`adcli clean` tells searches, carts and purchases by their pages)",
        )
    order = order_column(columns)
    if order is not None:
        return Derivation(
            "purchase", f"each row belongs to an order ({order}); cancellations are 'other'", order
        )
    if "quantity" in placed and ("price" in placed or "revenue" in placed):
        return Derivation("purchase", "each row has a quantity and a price; negative quantities are 'other'")
    time = placed.get("event_time", "")
    if (timed := _TYPE_OF_TIME.get(normalised(time))) is not None:
        return Derivation(timed, f"its time is {time}")
    if _RATING_NAMES & set(map(normalised, columns)):
        return Derivation("review", "each row has a rating")
    if "query" in placed and "item_id" not in placed:
        return Derivation("search", "each row has a query and no item")
    return None


def are_refunds(values: pl.Series) -> pl.Series:
    """(n,) which types, as a source calls them, give money back."""
    distinct = values.drop_nulls().unique()
    names = [value for value in distinct.to_list() if normalised(str(value)) in _REFUNDS]
    return values.is_in(names).fill_null(value=False)


def has_known_types(values: pl.Series) -> bool:
    """Whether any value is a type of event that somebody knows, or there are no values at all."""
    distinct = values.drop_nulls().unique()
    return distinct.is_empty() or any(normalised(str(value)) in _TYPE_OF for value in distinct)


def map_event_types(values: pl.Series, unknown: Counter[str]) -> pl.Series:
    """The standard type of each value; values nobody knows become 'other' and are counted in `unknown`."""
    distinct = values.drop_nulls().unique().to_list()
    types = {value: _TYPE_OF.get(normalised(value)) for value in distinct}
    strange = values.filter(values.is_in([value for value, kind in types.items() if kind is None]))
    for value, count in sorted(strange.value_counts().rows()):
        unknown[value] += count
    return values.replace_strict(
        list(types), [kind or "other" for kind in types.values()], default=None, return_dtype=pl.String
    )


def derived_event_types(derivation: Derivation, raw: pl.DataFrame, quantity: pl.Series | None) -> pl.Series:
    """(n,) the derived type of each row; a purchase that is taken back is 'other'."""
    is_undone = pl.Series([False]).new_from_index(0, raw.height)
    if derivation.event_type == "purchase":
        if quantity is not None:
            is_undone |= (quantity < 0).fill_null(value=False)
        if derivation.order_column in raw.columns:
            order = raw[str(derivation.order_column)].cast(pl.String)
            is_undone |= order.str.contains(r"^[Cc]\d").fill_null(value=False)
    types = pl.DataFrame({"undone": is_undone}).select(
        pl.when("undone").then(pl.lit("other")).otherwise(pl.lit(derivation.event_type)).alias("event_type")
    )
    return types.to_series()
