"""Requests of a web server become behaviour: what page was asked for, of what product, and where from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, unquote_plus

from adcli.errors import DataError, did_you_mean
from adcli.tables.standard.tables import TABLES

if TYPE_CHECKING:
    import polars as pl

_ITEM = r"([^/?#&]+)"
DEFAULT_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "asset": (
        r"^[^?]*\.(?:css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|eot|mp4|webm)(?:\?|$)",
        r"^/(?:robots\.txt|sitemap[^/?]*\.xml|favicon|\.well-known/)",
    ),
    "health check": (r"^/(?:healthz?|health[-_]?check|ping|status|livez|readyz|server-status)/?(?:\?|$)",),
    "confirmation": (
        r"/checkouts?/.*thank[-_]?you", r"^/thank[-_]?you", r"/order-received/", r"/onepage/success",
        r"/order-confirmation",
    ),
    "cart": (
        rf"[?&]add-to-cart={_ITEM}", rf"/cart/add/(?:.*/)?product/{_ITEM}",
        rf"/cart\?(?:.*&)?id_product={_ITEM}", rf"/cart/add[^?]*\?(?:.*&)?id={_ITEM}",
        r"/cart(?:[/?.]|$)", r"/(?:basket|bag|panier|warenkorb)(?:[/?]|$)",
    ),
    "checkout": (r"/checkouts?(?:[/?]|$)", r"^/order(?:[/?]|$)"),
    "search": (
        r"/search(?:[/?]|$)", r"/catalogsearch/result", r"/(?:recherche|suche|busqueda)(?:[/?]|$)",
        r"^/\?(?:.*&)?s=", r"[?&]search_query=",
    ),
    "product": (
        rf"/catalog/product/view/(?:.*/)?id/{_ITEM}", rf"/products?/{_ITEM}", rf"/(?:p|dp|item)/{_ITEM}",
        r"/(\d+)-[^/?]*\.html", r"^/([^/?]+)\.html(?:\?|$)",
    ),
}  # fmt: skip
"""Expressions over the path and query string, by page; the first that fits is taken.

Their first group is the item. They are those of Shopify, WooCommerce, Magento and PrestaShop.
"""
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
_ADDS: Final = 4  # expressions of a cart, the first ones, that put something into it
_INTERNAL: Final = r"^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd][0-9a-f]{2}:)"
LEFT_OUT: Final = ("asset", "health check")
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


class Routes(NamedTuple):
    """Expressions by page, the user's before the others; the addresses and hosts that are the shop's own."""

    pages: list[tuple[str, str, bool]]  # page, expression, whether it puts something into the cart
    internal: str
    own_hosts: tuple[str, ...] = ()
    has_referrers: bool = True  # else a visit without one is not known to be direct


def routes_of(text: str = "", name: str = "") -> Routes:
    """The default routes, behind those of a file in TOML, which has lists of expressions by page.

    Raises:
        DataError: If it is no such file.
    """
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name}: is no TOML: {error}.") from None
    known: tuple[str, ...] = (
        "product",
        "search",
        "cart",
        "add_to_cart",
        "checkout",
        "confirmation",
        "other",
        *LEFT_OUT,
    )
    known += ("internal", "own_hosts")
    for page, expressions in own.items():
        if not isinstance(expressions, list):
            raise DataError(f"{name}: {page} is no list of expressions.")
        if page not in known:
            raise DataError(
                f"{name}: there is no page '{page}'.",
                fix=did_you_mean(page, known) or f"There are {', '.join(known)}.",
            )
        for expression in expressions:
            _require_expression(expression, f"{name}: {page}")
    internal = "|".join(f"(?:{one})" for one in own.pop("internal", [_INTERNAL])) or "^$"
    hosts = tuple(own.pop("own_hosts", ()))
    given = [
        ("cart" if page == "add_to_cart" else page, one, page == "add_to_cart")
        for page, expressions in own.items()
        for one in expressions
    ]
    default = [
        (page, one, page == "cart" and place < _ADDS)
        for page, expressions in DEFAULT_ROUTES.items()
        for place, one in enumerate(expressions)
    ]
    return Routes([*given, *default], internal, hosts)


def _require_expression(expression: object, where: str) -> None:
    import polars as pl

    try:
        pl.Series([""]).str.contains(str(expression))
    except pl.exceptions.PolarsError:
        raise DataError(f"{where}: '{expression}' is no regular expression.") from None


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
