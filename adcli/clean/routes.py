"""What a shop's pages mean: by the addresses of Shopify, WooCommerce, Magento and PrestaShop, or its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from adcli.errors import DataError, require_known

_ITEM = r"([^/?#&]+)"
_NUMBER = r"(\d+)"
_CARTS = "cart|panier|carrito|carrello|warenkorb|winkelwagen|koszyk"
_CART = rf"(?:/(?:{_CARTS})\?|controller=cart&)(?:.*&)?"
DEFAULT_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "add_to_cart": (
        rf"[?&]add-to-cart={_ITEM}",
        r"[?&]wc-ajax=add_to_cart",
        rf"/cart/add/(?:.*/)?product/{_ITEM}",
        rf"{_CART}add(?:=[^&]*)?&(?:.*&)?id_product={_ITEM}",
        rf"{_CART}id_product={_ITEM}&(?:.*&)?add(?:[=&]|$)",
        rf"/cart/add[^?]*\?(?:.*&)?(?:id|product)={_ITEM}",
        r"/cart/add(?:[/?.]|$)",
        rf"/cart/{_NUMBER}:\d",
    ),
    "asset": (
        r"^[^?]*\.(?:css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|woff2?|ttf|eot)(?:\?|$)",
        r"^[^?]*\.(?:mp4|webm|webmanifest)(?:\?|$)",
        r"^/(?:robots\.txt|sitemap[^/?]*\.xml|favicon|\.well-known/)",
    ),
    "health check": (r"^/(?:healthz?|health[-_]?check|ping|status|livez|readyz|server-status)/?(?:\?|$)",),
    "background request": (
        r"^[^?]*\.(?:json|xml|atom|rss)(?:\?|$)",
        r"[?&]wc-ajax=",
        r"^/(?:wp-json|wp-admin|graphql|rest|api)(?:[/?]|$)",
        r"^/(?:wp-login|wp-cron|xmlrpc|admin-ajax)\.php",
        r"/search/(?:suggest|ajax)",
        r"/customer/section/load",
        r"/page_cache/block",
        r"/module/[^?]*/ajax",
        r"/feed/?(?:\?|$)",
    ),
    "confirmation": (
        r"/checkouts?/.*thank[-_]?you",
        r"^/thank[-_]?you",
        r"/order-received/",
        r"[?&]order-received=",
        r"/onepage/success",
        r"[/=](?:order-confirmation|confirmation-commande|confirmacion-pedido)",
        r"[/=](?:conferma-ordine|bestellbestatigung)",
    ),
    "cart": (r"/cart(?:[/?.]|$)", rf"/(?:basket|bag|{_CARTS})(?:[/?]|$)", r"[?&]controller=cart(?:&|$)"),
    "checkout": (
        r"/(?:onestep)?checkouts?(?:[/?]|$)",
        r"^(?:/[a-z]{2})?/(?:order|commande|pedido|ordine|bestellung)(?:[/?]|$)",
        r"[?&]controller=order(?:&|$)",
    ),
    "search": (
        r"/search(?:[/?]|$)",
        r"/catalogsearch/(?:advanced/)?result",
        r"/(?:recherche|suche|busqueda|ricerca)(?:[/?]|$)",
        r"^/(?:[a-z]{2}/|shop/|page/\d+/)*\?(?:.*&)?s=",
        r"[?&]search_query=",
        r"[?&]controller=search(?:&|$)",
    ),
    "other": (
        r"^/(?:index|default|home|about|contact|terms|privacy|faq|impressum|404)[^/?]*\.html?(?:\?|$)",
    ),
    "product": (
        rf"/catalog/product/view/(?:.*/)?id/{_ITEM}",
        rf"/products?/{_ITEM}",
        rf"/(?:p|dp|item)/{_ITEM}",
        rf"[?&]controller=product&(?:.*&)?id_product={_ITEM}",
        rf"[?&]id_product={_ITEM}&(?:.*&)?controller=product(?:&|$)",
        rf"^/(?:[a-z]{{2}}/|shop/)?\?(?:.*&)?product={_ITEM}",
        rf"/{_NUMBER}-[^/?]*\.html",
        rf"^/{_ITEM}\.html(?:\?|$)",
    ),
}
"""Expressions over the path and query string, by page; the first that fits is taken.

Their first group is the item. What asks for a part of a page, or is asked for by a program, is a background
request.
"""
_INTERNAL: Final = r"^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd][0-9a-f]{2}:)"
LEFT_OUT: Final = ("asset", "health check", "background request")


class Routes(NamedTuple):
    """Expressions by page, the user's before the others; the addresses and hosts that are the shop's own."""

    pages: list[tuple[str, str, bool]]  # page, expression, whether it puts something into the cart
    internal: str
    own_hosts: tuple[str, ...] = ()
    has_referrers: bool = True  # else a visit without one is not known to be direct


def routes_of(text: str = "", name: str = "") -> Routes:
    """The default routes, behind those of a file in TOML, which has lists of expressions by page.

    Raises DataError if it is no such file.
    """
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name}: is no TOML: {error}.") from None
    known = (*DEFAULT_ROUTES, "internal", "own_hosts")
    for page, expressions in own.items():
        if not isinstance(expressions, list):
            raise DataError(f"{name}: {page} is no list of expressions.")
        fix = f"There are {', '.join(known)}."
        require_known(page, known, f"{name}: there is no page '{page}'.", fix)
        for expression in expressions:
            _require_expression(expression, f"{name}: {page}")
    internal = "|".join(f"(?:{one})" for one in own.pop("internal", [_INTERNAL])) or "^$"
    hosts = tuple(own.pop("own_hosts", ()))
    pages = [
        ("cart" if page == "add_to_cart" else page, one, page == "add_to_cart")
        for page, expressions in (*own.items(), *DEFAULT_ROUTES.items())
        for one in _joined(expressions)
    ]
    return Routes(pages, internal, hosts)


def _joined(expressions: Iterable[str]) -> Iterator[str]:
    """The expressions, neighbours that tell no item in one."""
    for has_item, some in groupby(expressions, lambda one: re.compile(one).groups > 0):
        neighbours = list(some)
        yield from neighbours if has_item else ["|".join(f"(?:{one})" for one in neighbours)]


def _require_expression(expression: object, where: str) -> None:
    import polars as pl

    try:
        pl.Series([""]).str.contains(str(expression))
    except pl.exceptions.PolarsError:
        raise DataError(f"{where}: '{expression}' is no regular expression.") from None
