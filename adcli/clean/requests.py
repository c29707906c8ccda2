"""Requests of a web server become behaviour: what page was asked for, of what product, and where from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_plus

from adcli.clean.routes import LEFT_OUT, Routes
from adcli.tables.standard.tables import TABLES

if TYPE_CHECKING:
    import polars as pl

_WRITTEN: Final[Mapping[str, tuple[str, ...]]] = {
    "url": ("request_uri", "request_url", "uri", "path"),
    "method": ("request_method", "http_method", "verb"),
    "status": ("status_code", "response_status", "response_code", "http_status"),
    "bytes": ("body_bytes_sent", "bytes_sent", "response_size"),
    "protocol": ("server_protocol",),
    "referrer": (),
}
"""What the columns of a log are called that its server wrote as a table, such as JSON."""
_LINE: Final = r"^([A-Z]{3,10}) (\S.*?)(?: (HTTP/\d(?:\.\d)?))?$"
_EVENT_TYPES: Final = {"search": "search", "confirmation": "purchase", "checkout": "other"}
_PARAMETERS: Final = ("utm_source", "utm_medium", "utm_campaign", "gclid", "fbclid")
ADDED: Final = (*_WRITTEN, "page", "item_id", "query", "channel", *_PARAMETERS)
_SEARCHED: Final = "(?:q|query|s|search|search_query|keywords?)"
_FIRST_ERROR: Final = 400
_ENGINES: Final = r"^https?://(?:[^/]*\.)?(?:google|bing|duckduckgo|baidu|yandex|ecosia|yahoo|naver)\."
_SOCIAL: Final = r"^https?://(?:[^/]*\.)?(?:facebook|instagram|pinterest|tiktok|twitter|x|t|reddit|linkedin|youtube|weibo)\.[a-z]+"


def is_request_log(names: Iterable[str]) -> bool:
    """Whether a table with these columns says who asked for what, and how it was answered."""
    known = set(names)
    has_url = known & {"url", "request", *_WRITTEN["url"]}
    return "ip" in known and bool(has_url) and bool(known & {"status", *_WRITTEN["status"]})


def as_requests(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of such a table with the columns `url method protocol status bytes referrer`."""
    import polars as pl

    found = {name: name for name in _WRITTEN if name in frame.columns}
    for name, others in _WRITTEN.items():
        other = next((one for one in others if one in frame.columns), None)
        if name not in found and other is not None:
            found[name] = other
    rows = frame.rename({other: name for name, other in found.items() if other != name})
    missing = [pl.lit(None, pl.String).alias(name) for name in _WRITTEN if name not in rows.columns]
    rows = rows.with_columns(missing)
    if "request" in rows.columns:
        line = pl.col("request").str.extract_groups(_LINE).struct
        parts = {"method": "1", "url": "2", "protocol": "3"}
        rows = rows.with_columns(pl.coalesce(name, line.field(part)) for name, part in parts.items())
        rows = rows.drop("request")
    return rows.with_columns(pl.col("status", "bytes").cast(pl.Int64, strict=False))


def as_behaviour(frame: pl.DataFrame, routes: Routes) -> tuple[pl.DataFrame, pl.Series]:
    """Requests as events, and of each the reason why it is none (null where it is one).

    Args:
        frame: Rows of a log that `is_request_log` is true of.
        routes: What the paths mean.

    Returns:
        The rows with `event_type`, `item_id`, `query`, `page`, the campaign's parameters and `channel`.
    """
    import polars as pl

    target = pl.col("__target")
    frame = as_requests(frame)
    rows = frame.with_columns(__target=pl.col("url").str.replace(r"^[A-Za-z]+://[^/]+", ""))
    fits = [target.str.contains(f"(?i){one}") for _, one, _ in routes.pages]
    places = pl.coalesce([pl.when(fit).then(pl.lit(place, pl.Int32)) for place, fit in enumerate(fits)])
    rows = rows.with_columns(__route=places)
    route = pl.col("__route")
    pages = {place: page for place, (page, _, _) in enumerate(routes.pages)}
    items = [
        pl.when(route == place).then(target.str.extract(f"(?i){one}", 1))
        for place, (page, one, _) in enumerate(routes.pages)
        if page in ("product", "cart") and re.compile(one).groups
    ]
    adds = [place for place, (_, _, is_add) in enumerate(routes.pages) if is_add]
    rows = rows.with_columns(
        page=route.replace_strict(pages, default="other", return_dtype=pl.String),
        item_id=pl.coalesce(items),
        **{name: _parameter(name) for name in _PARAMETERS},
    ).with_columns(
        query=pl.when(pl.col("page") == "search").then(_parameter(_SEARCHED)),
        event_type=pl.when(route.is_in(adds))
        .then(pl.lit("cart"))
        .otherwise(pl.col("page").replace_strict(_EVENT_TYPES, default="view", return_dtype=pl.String)),
    )
    rows = rows.with_columns(
        _decoded(rows["item_id"], is_query=False), *(_decoded(rows[name]) for name in ("query", *_PARAMETERS))
    ).with_columns(channel=_channel(routes.own_hosts, has_referrers=routes.has_referrers))
    reasons = rows.select(
        pl.when(pl.col("status").cast(pl.Int64, strict=False) >= _FIRST_ERROR)
        .then(pl.lit("request: answered with an error"))
        .when(pl.col("page").is_in(LEFT_OUT))
        .then(pl.lit("request: ") + pl.col("page"))
        .when(pl.col("ip").str.contains(routes.internal))
        .then(pl.lit("request: from an internal address"))
        .alias("reason")
    ).to_series()
    rows = rows.drop("__target", "__route")
    first = [name for name in TABLES["events"].names if name in rows.columns]
    return rows.select(*first, pl.exclude(first)), reasons


def _parameter(name: str) -> pl.Expr:
    import polars as pl

    return pl.col("__target").str.extract(rf"[?&]{name}=([^&#]+)", 1)


def _decoded(values: pl.Series, *, is_query: bool = True) -> pl.Series:
    """Percent signs (and, in a query string, plus signs) as what they stand for; each distinct value once."""
    import polars as pl

    decode = unquote_plus if is_query else unquote
    coded = [value for value in values.drop_nulls().unique() if "%" in value or "+" in value]
    return values.replace(pl.Series(coded, dtype=pl.String), pl.Series(map(decode, coded), dtype=pl.String))


def _channel(own_hosts: tuple[str, ...], *, has_referrers: bool) -> pl.Expr:
    """Where a visit came from: campaign parameters first, then the referrer.

    A page of the shop's own names none. Where the shop's hosts are not known, other referrers may be its own
    pages: what they are is not said then.
    """
    import polars as pl

    medium = pl.col("utm_medium").str.to_lowercase()
    referrer = pl.col("referrer")
    is_paid = medium.str.contains(r"^(?:cpc|ppc|paid)").fill_null(value=False)
    is_social = pl.col("utm_source").str.contains(r"(?i)facebook|instagram|tiktok|pinterest|^(?:fb|ig)$")
    is_own = pl.lit(value=not own_hosts)
    if own_hosts:
        is_own = referrer.str.contains(
            rf"^https?://(?:[^/]*\.)?(?:{'|'.join(map(re.escape, own_hosts))})(?:[:/]|$)"
        )
    channels = {
        "paid social": is_paid & is_social,
        "paid search": is_paid | pl.col("gclid").is_not_null(),
        "social": medium.is_null() & (pl.col("fbclid").is_not_null() | referrer.str.contains(_SOCIAL)),
        "organic search": medium.is_null() & referrer.str.contains(_ENGINES),
        "direct": pl.lit(has_referrers)
        & medium.is_null()
        & pl.col("utm_source").is_null()
        & referrer.is_null(),
        "referral": medium.is_null() & ~is_own,
    }
    return pl.coalesce([*(pl.when(fits).then(pl.lit(name)) for name, fits in channels.items()), medium])
