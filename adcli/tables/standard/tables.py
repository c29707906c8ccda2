"""The standard tables: their columns, what each column holds, and the names it goes by elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal, NamedTuple

from adcli.tables.aliases import ALIASES, TABLE_ALIASES, normalised

Kind = Literal[
    "string", "time", "money", "decimal", "number", "integer", "count", "flag", "probability",
    "vector", "list",
]  # fmt: skip

_OF_KIND: Final[Mapping[Kind, str]] = {
    "time": "event_time signup_time date date_end",
    "money": "price sale_price revenue order_revenue order_total order_discount shipping tax discount refund "
    "cost market_price bid minimum_bid_to_win floor_price",
    "decimal": "conversions",
    "number": "age rate quantity rating probability",
    "integer": "hour seed",
    "count": "impressions clicks reach cost_micros",
    "flag": "won click conversion",
    "probability": "propensity pctr pcvr",
    "vector": "embedding",
    "list": "facts roles flags headlines long_headlines descriptions paths",
}
KINDS: Final[Mapping[str, Kind]] = {name: kind for kind, names in _OF_KIND.items() for name in names.split()}
"""What columns hold; all others hold text."""

NEVER_NEGATIVE: Final = frozenset(
    {
        "price", "sale_price", "market_price", "minimum_bid_to_win", "bid", "floor_price", "impressions",
        "clicks", "reach", "cost_micros",
    }
)  # fmt: skip
NEVER_ZERO: Final = frozenset({"propensity"})

EVENT_TYPES: Final = ("impression", "view", "click", "cart", "purchase", "review", "search", "other")


class Column(NamedTuple):
    """One column of a standard table.

    Kinds and their polars types: string String, time Datetime("us", "UTC"), money Decimal(38, 18),
    decimal Decimal(38, 18) that is no money, number Float64, integer Int64, count Int64, flag Int8 (0 or 1),
    probability Float64 in [0, 1] (a propensity in (0, 1]), vector Array(Float32, d), list List(String).
    """

    name: str
    kind: Kind


class StandardTable(NamedTuple):
    """One of the tables that the commands exchange.

    Each column of `required` must be there, at least one of `either` where there are any, at least one of
    `measures` beside that, and with `needs_metric` at least one further column.
    """

    name: str
    row: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    needs_metric: bool = False
    measures: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns in their standard order."""
        return tuple(dict.fromkeys((*self.either, *self.required, *self.measures, *self.optional)))

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns in their standard order."""
        return tuple(Column(name, KINDS.get(name, "string")) for name in self.names)

    def aliases(self, column: str) -> tuple[str, ...]:
        """The normalised names under which `column` is recognised here, best first."""
        return _aliases(self.name, column)


@cache
def _aliases(table: str, column: str) -> tuple[str, ...]:
    own = TABLE_ALIASES.get(table, {}).get(column)
    listed = ALIASES.get(column, ()) if own is None else own
    return tuple(dict.fromkeys(normalised(name) for name in (column, *listed)))


_CONTEXT: Final = ("event_time", "user_id", "session_id", "placement", "device", "channel", "country")
_TABLES = (
    StandardTable(
        "auctions",
        "one bid request that could be bought",
        required=(),
        either=("market_price", "minimum_bid_to_win", "won"),
        optional=(
            "event_time", "campaign_id", "user_id", "pctr", "pcvr", "click", "conversion", "bid",
            "floor_price",
        ),
    ),
    StandardTable("vectors", "one embedded thing", required=("id", "kind", "embedding")),
    StandardTable(
        "ads",
        "one ad for one product, audience segment and channel",
        required=("ad_id", "item_id", "text"),
        optional=(
            "channel", "segment_id", "angle", "headline", "description", "headlines", "long_headlines",
            "descriptions", "paths", "final_url", "facts", "roles", "flags", "model", "seed",
        ),
    ),
    StandardTable(
        "pairs",
        "one product's texts and an ad for it",
        required=("title", "text"),
        optional=("item_id", "description", "brand", "category", "segment_id"),
    ),
    StandardTable(
        "impressions",
        "one ad shown, with what came of it",
        either=("item_id", "ad_id"),
        required=("click",),
        optional=(
            "event_time", "user_id", "slate_id", "placement", "propensity", "conversion", "revenue", "cost",
        ),
    ),
    StandardTable(
        "report",
        "counts of a day, campaign, ad, placement or hour",
        required=(),
        either=("impressions", "clicks"),
        measures=("clicks", "conversions", "cost", "cost_micros", "revenue"),
        optional=(
            "date", "date_end", "hour", "campaign_id", "ad_group_id", "ad_id", "keyword", "query",
            "placement", "device", "network", "country", "currency", "reach",
        ),
    ),
    StandardTable(
        "spend",
        "what a campaign spent on a day, and what that brought",
        required=("date", "campaign_id", "cost"),
        either=("conversions", "revenue"),
    ),
    StandardTable(
        "events",
        "one thing a user did or was shown",
        required=("event_time", "user_id", "event_type"),
        optional=(
            "item_id", "session_id", "placement", "campaign_id", "ad_id", "query", "text", "price",
            "quantity", "revenue", "order_revenue", "order_total", "order_discount", "shipping", "tax",
            "discount", "refund", "currency", "device", "channel", "country", "referrer", "user_agent", "ip",
            "propensity", "cost",
        ),
    ),
    StandardTable(
        "reviews",
        "one opinion",
        required=("item_id", "text"),
        optional=("user_id", "rating", "title", "event_time"),
    ),
    StandardTable(
        "products",
        "one thing for sale",
        required=("item_id", "title"),
        optional=(
            "description", "brand", "category", "price", "sale_price", "currency", "availability", "image",
            "url",
        ),
    ),
    StandardTable(
        "users",
        "one customer, as the shop knows them",
        required=("user_id",),
        optional=("country", "age", "gender", "segment_id", "signup_time", "consent"),
    ),
    StandardTable(
        "units", "one experimental unit", required=("variant",), optional=("unit_id",), needs_metric=True
    ),
    StandardTable("queries", "one search query", required=("query",), optional=("query_id",)),
    StandardTable(
        "policy_values",
        "one estimate of a policy's value",
        required=("policy", "estimator", "value", "std_error", "baseline_value"),
    ),
    StandardTable(
        "references",
        "one text to compare an ad with",
        required=("text",),
        either=("ad_id", "item_id"),
    ),
    StandardTable(
        "facts",
        "one fact that a brand states of a product, or of all where item_id is empty",
        required=("slot", "value"),
        optional=("item_id", "role", "negated"),
    ),
    StandardTable(
        "rules",
        "one rule of a brand: what its ads must say, may say or must not say",
        required=("rule", "text"),
        optional=("item_id",),
    ),
    StandardTable(
        "decisions",
        "what people decided of one ad",
        required=("ad_id", "decision"),
        optional=("edited_text", "note"),
    ),
    StandardTable(
        "probabilities",
        "one action that a policy may choose in a context, with its probability there",
        either=("item_id", "ad_id"),
        required=("probability",),
        optional=("event_time", "user_id", "slate_id", "placement"),
    ),
    StandardTable(
        "exchange_rates",
        "what one unit of a currency is worth in another",
        required=("currency", "rate"),
        optional=("date",),
    ),
    StandardTable(
        "touches",
        "one ad shown to a user",
        required=("event_time", "user_id"),
        optional=("item_id", "ad_id", "campaign_id", "placement", "channel", "cost"),
    ),
    StandardTable(
        "effects",
        "the effect of an arm on a metric, as adcli evaluate ab writes it",
        required=("metric", "variant"),
        optional=("verdict",),
    ),
    StandardTable("item_features", "what is known of one item", required=("item_id",)),
    StandardTable("contexts", "one moment that an ad can be chosen for", required=(), optional=_CONTEXT),
    StandardTable("rows", "one row of whatever kind", required=(), optional=_CONTEXT),
)  # fmt: skip

TABLES: Final[Mapping[str, StandardTable]] = {table.name: table for table in _TABLES}
"""All standard tables, the most specific first: a good order of preference where any may come."""
