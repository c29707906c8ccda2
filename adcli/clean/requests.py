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

    `frame`: rows of a log that `is_request_log` is true of; `routes`: what the paths mean. Returns the rows
    with `event_type`, `item_id`, `query`, `page`, the campaign's parameters and `channel`.
    """
    import polars as pl

    frame = as_requests(frame)
    rows = frame.with_columns(__target=pl.col("url").str.replace(r"^[A-Za-z]+://[^/]+", ""))
    asked = ["__target", "referrer"]
    known = _told(rows.select(asked).unique(), routes)
    names = [*frame.columns, *(name for name in known.columns if name not in (*frame.columns, *asked))]
    rows = rows.drop(*(name for name in known.columns if name not in asked), strict=False)
    rows = rows.join(known, on=asked, how="left", nulls_equal=True, maintain_order="left").select(names)
    reasons = rows.select(
        pl.when(pl.col("status").cast(pl.Int64, strict=False) >= _FIRST_ERROR)
        .then(pl.lit("request: answered with an error"))
        .when(pl.col("page").is_in(LEFT_OUT))
        .then(pl.lit("request: ") + pl.col("page"))
        .when(pl.col("ip").str.contains(routes.internal))
        .then(pl.lit("request: from an internal address"))
        .alias("reason")
    ).to_series()
    first = [name for name in TABLES["events"].names if name in rows.columns]
    return rows.select(*first, pl.exclude(first)), reasons


def _told(asked: pl.DataFrame, routes: Routes) -> pl.DataFrame:
    """What distinct targets tell of a request, and where they were linked from."""
    import polars as pl

    targets = asked["__target"]
    fits = [pl.col("__target").str.contains(f"(?i){one}") for _, one, _ in routes.pages]
    places = pl.coalesce([pl.when(fit).then(pl.lit(place, pl.Int32)) for place, fit in enumerate(fits)])
    route = asked.select(places.alias("route")).to_series()
    pages = {place: page for place, (page, _, _) in enumerate(routes.pages)}
    page = route.replace_strict(pages, default="other", return_dtype=pl.String)
    adds = [place for place, (_, _, is_add) in enumerate(routes.pages) if is_add]
    event_type = page.replace_strict(_EVENT_TYPES, default="view", return_dtype=pl.String)
    items = pl.Series("item_id", [None], pl.String).new_from_index(0, len(targets))
    for place, (name, one, _) in enumerate(routes.pages):
        if name in ("product", "cart") and re.compile(one).groups:
            items = items.zip_with(route.ne_missing(place), _extracted(targets, f"(?i){one}", route == place))
    rows = asked.with_columns(
        page.alias("page"),
        _decoded(items, is_query=False),
        *(
            _decoded(
                _extracted(targets, _value_of(name), targets.str.contains(f"{name}=", literal=True)).alias(
                    name
                )
            )
            for name in _PARAMETERS
        ),
        _decoded(_extracted(targets, _value_of(_SEARCHED), page == "search").alias("query")),
        event_type.set(route.is_in(adds), "cart").alias("event_type"),
    )
    return rows.with_columns(channel=_channel(routes.own_hosts, has_referrers=routes.has_referrers))


def _value_of(parameter: str) -> str:
    """The expression of what a parameter of a query string holds."""
    return rf"[?&]{parameter}=([^&#]+)"


def _extracted(texts: pl.Series, expression: str, where: pl.Series) -> pl.Series:
    """(n,) the first group of an expression, which is slow to find, in some of the texts; null elsewhere."""
    import polars as pl

    rows = where.fill_null(value=False).arg_true()
    nothing = pl.Series(texts.name, [None], pl.String).new_from_index(0, len(texts))
    return nothing.scatter(rows, texts.gather(rows).str.extract(expression, 1))


def _decoded(values: pl.Series, *, is_query: bool = True) -> pl.Series:
    """Percent signs (and, in a query string, plus signs) as what they stand for; each distinct value once."""
    import polars as pl

    decode = unquote_plus if is_query else unquote
    coded = values.filter(values.str.contains("[%+]")).unique()
    return values.replace(coded, pl.Series(map(decode, coded), dtype=pl.String)) if len(coded) else values


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
