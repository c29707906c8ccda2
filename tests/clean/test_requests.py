"""Requests of a web server become behaviour by the addresses of the common shops, or the user's own."""

import polars as pl
import pytest

from adcli.clean.requests import as_behaviour
from adcli.clean.routes import routes_of
from adcli.errors import DataError


def behaviour(url, *, routes="", **fields):
    row = {"url": url, "status": 200, "ip": "192.0.2.7", "referrer": None, "event_type": "view", **fields}
    schema = {"url": pl.String, "referrer": pl.String, "ip": pl.String}
    frame, reasons = as_behaviour(
        pl.DataFrame([row], schema_overrides=schema), routes_of(routes, "routes.toml")
    )
    return {**frame.row(0, named=True), "reason": reasons[0]}


@pytest.mark.parametrize(
    ("url", "page", "event_type", "item"),
    [
        ("/products/red-shoe?variant=1", "product", "view", "red-shoe"),
        ("/collections/all/products/caf%C3%A9", "product", "view", "café"),
        ("/cart/add?id=12&quantity=1", "cart", "cart", "12"),
        ("/checkouts/c/12ab/thank_you", "confirmation", "purchase", None),
        ("/product/red-shoe/", "product", "view", "red-shoe"),
        ("/shop/?add-to-cart=12", "cart", "cart", "12"),
        ("/checkout/order-received/99/?key=wc", "confirmation", "purchase", None),
        ("/catalog/product/view/id/12", "product", "view", "12"),
        ("/red-shoe.html", "product", "view", "red-shoe"),
        ("/checkout/cart/add/uenc/aHR0/product/55/", "cart", "cart", "55"),
        ("/checkout/onepage/success", "confirmation", "purchase", None),
        ("/home/3-shirt.html", "product", "view", "3"),
        ("/cart?add=1&id_product=9", "cart", "cart", "9"),
        ("/order-confirmation?id_cart=2", "confirmation", "purchase", None),
        ("http://www.shop.example:80/p/7?x=1", "product", "view", "7"),
        ("/products/red-shoe/reviews", "product", "view", "red-shoe"),
        ("/fr/products/red-shoe", "product", "view", "red-shoe"),
        ("/cart/add.js", "cart", "cart", None),
        ("/cart/40123:2?discount=SPRING", "cart", "cart", "40123"),
        ("/checkouts/cn/Z2NwLXVz/information", "checkout", "other", None),
        ("/checkouts/cn/Z2NwLXVz/thank-you", "confirmation", "purchase", None),
        ("/?product=red-shoe", "product", "view", "red-shoe"),
        ("/product-category/shoes/", "other", "view", None),
        ("/?wc-ajax=add_to_cart", "cart", "cart", None),
        ("/cart/?remove_item=8f1&_wpnonce=a", "cart", "view", None),
        ("/?page_id=8&order-received=99&key=wc", "confirmation", "purchase", None),
        ("/catalog/product/view/id/12/s/red-shoe/category/3/", "product", "view", "12"),
        ("/checkout/cart/delete/", "cart", "view", None),
        ("/index.html", "other", "view", None),
        ("/en/women/2-16-brown-bear.html?id=3#/1-size-s", "product", "view", "2"),
        ("/index.php?controller=product&id_product=3", "product", "view", "3"),
        ("/index.php?id_product=3&id_product_attribute=9&controller=product", "product", "view", "3"),
        ("/fr/panier?add=1&id_product=9&id_product_attribute=0", "cart", "cart", "9"),
        ("/cart?qty=1&id_product=9&token=a&add=", "cart", "cart", "9"),
        ("/cart?delete=1&id_product=9", "cart", "view", None),
        ("/fr/commande", "checkout", "other", None),
        ("/fr/confirmation-commande?id_cart=2&id_order=7", "confirmation", "purchase", None),
        ("/index.php?controller=order-confirmation&id_cart=2", "confirmation", "purchase", None),
        ("/cart", "cart", "view", None),
        ("/checkout", "checkout", "other", None),
        ("/about-us", "other", "view", None),
        (None, "other", "view", None),
    ],
)
def test_addresses_of_the_common_shops(url, page, event_type, item):
    got = behaviour(url)
    assert (got["page"], got["event_type"], got["item_id"], got["reason"]) == (page, event_type, item, None)


@pytest.mark.parametrize(
    "url",
    [
        "/search?q=red+shoe%21&type=product",
        "/?s=red%20shoe!&post_type=product",
        "/page/2/?s=red+shoe!",
        "/catalogsearch/result/?q=red+shoe!",
        "/en/search?controller=search&s=red+shoe!",
        "/index.php?controller=search&search_query=red+shoe!",
        "/recherche?s=red+shoe!",
    ],
)
def test_what_was_searched_for(url):
    got = behaviour(url)
    assert (got["page"], got["event_type"], got["query"]) == ("search", "search", "red shoe!")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "/p/1", "status": 404}, "request: answered with an error"),
        ({"url": "/static/a.css?v=1"}, "request: asset"),
        ({"url": "/healthz"}, "request: health check"),
        ({"url": "/search/suggest.json?q=re"}, "request: background request"),
        ({"url": "/cart.js"}, "request: asset"),
        ({"url": "/products/red-shoe.json"}, "request: background request"),
        ({"url": "/?wc-ajax=get_refreshed_fragments"}, "request: background request"),
        ({"url": "/customer/section/load/?sections=cart"}, "request: background request"),
        ({"url": "/module/ps_shoppingcart/ajax"}, "request: background request"),
        ({"url": "/p/1", "ip": "10.1.2.3"}, "request: from an internal address"),
        ({"url": "/p/1", "status": 302}, None),
    ],
)
def test_what_is_no_behaviour_is_left_out_by_name(fields, reason):
    assert behaviour(**fields)["reason"] == reason


@pytest.mark.parametrize(
    ("query", "referrer", "channel"),
    [
        ("", None, "direct"),
        ("", "https://www.google.com/", "organic search"),
        ("", "https://l.facebook.com/", "social"),
        ("", "https://blog.example/", "referral"),
        ("", "https://www.shop.example/p/1", None),
        ("?gclid=x", "https://www.google.com/", "paid search"),
        ("?utm_source=facebook&utm_medium=paid_social", None, "paid social"),
        ("?utm_source=google&utm_medium=cpc", None, "paid search"),
        ("?utm_source=news&utm_medium=Email", "https://mail.example/", "email"),
        ("?utm_source=news", None, None),
    ],
)
def test_where_a_visit_came_from(query, referrer, channel):
    assert (
        behaviour(f"/{query}", referrer=referrer, routes='own_hosts = ["shop.example"]')["channel"] == channel
    )


def test_other_referrers_may_be_the_shops_own_where_its_hosts_are_not_known():
    assert behaviour("/", referrer="https://blog.example/")["channel"] is None


def test_campaigns_are_decoded():
    got = behaviour("/?utm_campaign=spring+sale%20%26+more&utm_source=a%2Bb&fbclid=f")
    assert (got["utm_campaign"], got["utm_source"], got["fbclid"]) == ("spring sale & more", "a+b", "f")


def test_the_users_routes_come_before_the_others():
    routes = 'product = ["^/shop/(\\\\d+)"]\nadd_to_cart = ["^/buy/(\\\\d+)"]\nother = ["^/health"]\ninternal = []\n'
    assert behaviour("/shop/12/search", routes=routes)["item_id"] == "12"
    assert behaviour("/buy/12", routes=routes)["event_type"] == "cart"
    assert behaviour("/health", routes=routes, ip="10.0.0.1")["reason"] is None


@pytest.mark.parametrize("text", ["a", "produkt = []", 'product = "x"', 'product = ["("]'])
def test_routes_that_cannot_be_read_are_a_sentence(text):
    with pytest.raises(DataError, match=r"^routes.toml: "):
        routes_of(text, "routes.toml")


def test_a_log_that_keeps_no_referrers_tells_of_no_direct_visits():
    row = pl.DataFrame(
        {"url": ["/"], "status": [200], "ip": ["192.0.2.7"], "referrer": [None], "event_type": ["view"]}
    )
    row = row.with_columns(pl.col("referrer").cast(pl.String))
    assert as_behaviour(row, routes_of()._replace(has_referrers=False))[0]["channel"].to_list() == [None]
