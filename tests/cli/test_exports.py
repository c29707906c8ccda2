"""What ad platforms and shops export goes through `clean` and `evaluate rates`, and the figures are exact.

The files of `tests/exports` were made by hand in the form of each exporter: its columns, title lines, totals and
ways of writing that there is no value. Where the names of the columns come from stands beside each.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import NamedTuple

import pytest

EXPORTS = Path(__file__).resolve().parents[1] / "exports"


class Report(NamedTuple):
    """A report, where its columns are documented, how it is read, and what it counts.

    Attributes:
        counts: Impressions, clicks, cost, conversions and revenue of its rows.
        totals: How many of its lines restate others, or are none.
        encoding: What it is written in.
        is_tabbed: Whether commas become tabs, as in an "Excel .csv".
    """

    file: str
    source: str
    counts: tuple[float, float, float, float, float]
    totals: int
    options: tuple[str, ...] = ()
    encoding: str = "utf-8"
    is_tabbed: bool = False


GOOGLE_COUNTS = (16000, 1530, 1610.4, 36.5, 5610.2)
REPORTS = {
    "Google Ads": Report(
        "google_ads.csv", "support.google.com/google-ads: Download your data", GOOGLE_COUNTS, 3
    ),
    "Google Ads, Excel .csv": Report(
        "google_ads.csv", "the same: UTF-16 with tabs", GOOGLE_COUNTS, 3, encoding="utf-16", is_tabbed=True
    ),
    "Google Ads, keywords": Report(
        "google_ads_keywords.csv",
        "support.google.com/google-ads: Keyword report, `Total:` in the third column",
        (1665464, 137683, 247783.9, 6293.18, 859684.16),
        3,
    ),
    "Google Ads, German": Report(
        "google_ads_de.csv", "the same, language of the user", (13000, 1264, 1460.4, 33.5, 5110.2), 2
    ),
    "Google Ads API": Report(
        "google_ads_api.csv",
        "developers.google.com/google-ads/api/fields: metrics, segments",
        (2000, 33, 6.251001, 2, 70),
        0,
    ),
    "Microsoft Advertising": Report(
        "microsoft.csv",
        "learn.microsoft.com/advertising/guides/reports: CampaignPerformanceReportColumn",
        (2000, 51, 70.4, 3, 158),
        1,
        encoding="utf-8-sig",
    ),
    "Meta": Report(
        "meta.csv",
        "facebook.com/business/help: Ads Manager metrics, breakdowns",
        (22000, 410, 219, 13, 890),
        2,
    ),
    "TikTok": Report("tiktok.csv", "ads.tiktok.com/help: All Metrics", (13000, 90, 20, 1, 40), 1),
    "Amazon Ads": Report(
        "amazon_ads.csv", "advertising.amazon.com/help: Search term report", (2000, 15, 21, 2, 1098), 0
    ),
    "Criteo": Report(
        "criteo.csv", "developers.criteo.com: Metrics and dimensions", (70000, 360, 150.5, 6, 512.25), 0
    ),
    "Yandex Direct": Report(
        "yandex_direct.csv", "yandex.ru/support/direct: Мастер отчетов", (13500, 45, 1750.75, 3, 10500.5), 1
    ),
    "Yandex Direct API": Report(
        "yandex_direct_api.tsv",
        "yandex.com/dev/direct/doc/reports: Report fields, in millionths",
        (1500, 24, 599.5, 2, 9000),
        1,
        options=("--map", "cost_micros=Cost"),
    ),
}


def written(report: Report, folder: Path) -> str:
    text = (EXPORTS / report.file).read_text(encoding="utf-8")
    if report.is_tabbed:
        text = "\r\n".join("\t".join(row) for row in csv.reader(io.StringIO(text)))
    (folder / report.file).write_bytes(text.encode(report.encoding))
    return report.file


@pytest.mark.parametrize("exporter", REPORTS)
def test_a_report_is_cleaned_and_its_rates_are_those_of_its_counts(adcli, tmp_path, exporter):
    report = REPORTS[exporter]
    file = written(report, tmp_path)
    cleaned = adcli("clean", file, *report.options, "-o", "clean.parquet")
    assert cleaned.returncode == 0, cleaned.said
    assert f"{report.totals} rejected" in cleaned.said
    impressions, clicks, cost, conversions, revenue = report.counts
    sums = {
        "ctr": (clicks, impressions), "cvr": (conversions, clicks), "cpc": (cost, clicks),
        "cpa": (cost, conversions), "cpm": (cost, impressions), "roas": (revenue, cost),
    }  # fmt: skip
    for input_, options in ((file, report.options), ("clean.parquet", ())):
        done = adcli("evaluate", "rates", input_, *options, "--to", "csv")
        assert done.returncode == 0, done.said
        rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(done.text))}
        for metric, (numerator, denominator) in sums.items():
            row = rows[metric]
            assert (float(row["numerator"]), float(row["denominator"])) == (numerator, denominator), metric
            thousand = 1000 if metric == "cpm" else 1
            assert float(row["value"]) == pytest.approx(thousand * numerator / denominator, rel=1e-12)


class Orders(NamedTuple):
    """Orders, where their columns are documented, and what was sold: goods after discounts, and how many orders.

    Attributes:
        net: The revenue less what was given back.
        said: What the revenue was taken from.
    """

    file: str
    source: str
    revenue: float
    net: float
    orders: int
    said: str


AFTER = "revenue is the goods of an order, after its discount, once an order."
LESS = "revenue is the goods of an order less its discount, once an order."
GOODS = "revenue is the goods of an order, once an order."
ORDERS = {
    "Shopify": Orders(
        "shopify_orders.csv", "help.shopify.com: Exporting orders to a CSV file", 127, 107, 2, AFTER
    ),
    "Amazon": Orders(
        "amazon_orders.txt",
        "sellercentral.amazon.com: Order reports, All Orders",
        74.98,
        74.98,
        2,
        "revenue is the amount of each line less its discount.",
    ),
    "WooCommerce": Orders(
        "woocommerce_orders.csv", "woocommerce.com/document/advanced-order-export", 106, 106, 2, LESS
    ),
    "WooCommerce, WebToffee": Orders(
        "woocommerce_webtoffee.csv", "webtoffee.com: Order Export, columns", 106, 106, 2, LESS
    ),
    "Magento": Orders(
        "magento_orders.csv",
        "experienceleague.adobe.com/docs/commerce-admin: Orders grid",
        2070,
        1970,
        2,
        GOODS,
    ),
    "PrestaShop": Orders(
        "prestashop_orders.csv",
        "docs.prestashop-project.org: Orders, export",
        1105.5,
        1105.5,
        2,
        "revenue is the total of an order, which may hold shipping and tax, once an order.",
    ),
    "PrestaShop, SQL manager": Orders(
        "prestashop_sql.csv", "docs.prestashop-project.org: table ps_orders", 1100.5, 1100.5, 2, GOODS
    ),
    "GA4": Orders(
        "ga4_purchases.csv",
        "developers.google.com/analytics/devguides/collection/ga4/reference/events",
        86.5,
        66.5,
        2,
        GOODS,
    ),
    "Etsy, items": Orders(
        "etsy_items.csv",
        "help.etsy.com: How to download your shop data, Order Items",
        44.5,
        44.5,
        2,
        "revenue is the amount of each line less its discount.",
    ),
    "Etsy, orders": Orders(
        "etsy_orders.csv", "help.etsy.com: How to download your shop data, Orders", 44.5, 44.5, 2, LESS
    ),
    "GA4, BigQuery": Orders(
        "ga4_bigquery.ndjson", "support.google.com/analytics/answer/7029846", 86.5, 66.5, 2, GOODS
    ),
}


@pytest.mark.parametrize("exporter", ORDERS)
def test_orders_are_cleaned_and_their_revenue_is_that_of_goods_sold(adcli, tmp_path, exporter):
    orders = ORDERS[exporter]
    (tmp_path / orders.file).write_bytes((EXPORTS / orders.file).read_bytes())
    cleaned = adcli("clean", orders.file, "-o", "clean.parquet")
    assert cleaned.returncode == 0, cleaned.said
    assert " 0 rejected" in cleaned.said
    asked = (("clean.parquet", orders.revenue, ()), (orders.file, orders.net, ("--net",)))
    for input_, revenue, options in asked:
        done = adcli("evaluate", "rates", input_, *options, "--min-users", 0, "--to", "csv")
        assert done.returncode == 0, done.said
        rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(done.text))}
        row = rows["average_order_value"]
        assert (float(row["numerator"]), float(row["denominator"])) == (revenue, orders.orders)
        assert orders.said in done.said


def test_a_purchase_of_ga4_has_a_row_for_each_of_its_items(adcli, tmp_path):
    (tmp_path / "ga4.ndjson").write_bytes((EXPORTS / "ga4_bigquery.ndjson").read_bytes())
    done = adcli("clean", "ga4.ndjson", "--to", "ndjson")
    assert done.returncode == 0, done.said
    rows = [json.loads(line) for line in done.text.splitlines()]
    found = [(row["event_type"], row["item_id"], row["transaction_id"], row["currency"]) for row in rows]
    order = [("purchase", "00971", "T1", "EUR"), ("purchase", "00972", "T1", "EUR")]
    assert [row[0] for row in found[:3]] == ["view", "impression", "cart"]
    assert found[1][1:] == (None, None, None)  # of several items that were listed, none is the one
    assert found[2][1:] == ("00971", None, "EUR")
    assert found[3:7] == order * 2
    assert found[7:] == [("purchase", "00973", "T2", "EUR"), ("other", "00973", "T2", "EUR")]


class Feed(NamedTuple):
    """A feed of products, where its columns are documented, and what it offers.

    Attributes:
        products: Of each `item_id title price sale_price currency availability`.
        set_aside: Why others are no products, and how many.
    """

    file: str
    source: str
    products: tuple[tuple[str | float | None, ...], ...]
    set_aside: str = "0 rejected"


FEEDS = {
    "Google Merchant Center": Feed(
        "merchant_center.tsv",
        "support.google.com/merchants/answer/7052112",
        (
            ("00123", 'Mug 12" tall', 79.99, 59.99, "EUR", "in_stock"),
            ("00124", "Bowl", 1299, None, "EUR", "out_of_stock"),
            ("00125", "Spoon", 12, None, "EUR", "preorder"),
        ),
    ),
    "Google Merchant Center, XML": Feed(
        "merchant_center.xml",
        "support.google.com/merchants/answer/160589",
        (
            ("00123", "Mug & lid", 79.99, 59.99, "EUR", "in_stock"),
            ("00124", "Bowl", 9.99, None, "EUR", "out_of_stock"),
        ),
    ),
    "Shopify": Feed(
        "shopify_products.csv",
        "help.shopify.com/en/manual/products/import-export/using-csv",
        (
            ("0TEE-S", "Cotton Tee", 20, None, None, None),
            ("TEE-M", "Cotton Tee", 21, None, None, None),
            ("mug", "Blue Mug", 9.5, None, None, None),
        ),
        "draft, not for sale 2, a further picture of a product, no product 1, archived, not for sale 1",
    ),
    "WooCommerce": Feed(
        "woocommerce_products.csv",
        "woocommerce.com/document/product-csv-importer-exporter",
        (
            ("HOOD", "Hoodie", None, None, None, "in_stock"),
            ("HOOD-B", "Hoodie - Blue", 45, None, None, "in_stock"),
            ("12", "Hoodie - Red", 45, 40, None, "out_of_stock"),
            ("CAP", "Cap", 18, None, None, "in_stock"),
        ),
        "unpublished, not for sale 2",
    ),
    "Meta catalogue": Feed(
        "meta_catalogue.csv",
        "facebook.com/business/help/120325381656392",
        (("m1", "Tee", 1200, 999, "INR", "in_stock"), ("m2", "Cap", 300.5, None, "INR", "out_of_stock")),
    ),
}
OFFERED = ("item_id", "title", "price", "sale_price", "currency", "availability")


@pytest.mark.parametrize("exporter", FEEDS)
def test_a_feed_is_cleaned_and_offers_what_the_shop_sells(adcli, tmp_path, exporter):
    feed = FEEDS[exporter]
    (tmp_path / feed.file).write_bytes((EXPORTS / feed.file).read_bytes())
    done = adcli("clean", feed.file, "--to", "ndjson")
    assert done.returncode == 0, done.said
    rows = [json.loads(line) for line in done.text.splitlines()]
    found = []
    for row in rows:
        values = [row.get(name) for name in OFFERED]
        money = [None if value is None else float(value) for value in values[2:4]]
        found.append((*values[:2], *money, *values[4:]))
    assert tuple(found) == feed.products
    assert feed.set_aside in done.said


def test_all_feeds_are_embedded_as_they_come(adcli, tmp_path):
    for feed in FEEDS.values():
        (tmp_path / feed.file).write_bytes((EXPORTS / feed.file).read_bytes())
    done = adcli("embed", *(feed.file for feed in FEEDS.values()), "--to", "ndjson")
    assert done.returncode == 0, done.said
    ids = [json.loads(line)["id"] for line in done.text.splitlines()]
    assert ids == [product[0] for feed in FEEDS.values() for product in feed.products]


SOLD = """order_id,order_date,customer_id,sku,product_name,quantity,unit_price,subtotal,discount_amount,shipping_total,order_total,refund_amount,status,currency,tier
1,2026-08-01 10:00,ann,A,Lamp,1,40.00,70.00,7.00,5.00,68.00,0.00,completed,EUR,gold
1,2026-08-01 10:00,ann,B,Bulb,3,10.00,70.00,7.00,5.00,68.00,0.00,completed,EUR,gold
2,2026-08-02 10:00,bob,A,Lamp,1,40.00,40.00,0.00,5.00,45.00,15.00,completed,USD,new
3,2026-08-02 11:00,ann,B,Bulb,2,10.00,20.00,0.00,5.00,25.00,25.00,refunded,USD,gold
4,2026-08-03 10:00,ann,B,Bulb,1,10.00,10.00,0.00,5.00,15.00,0.00,completed,USD,gold
4,2026-08-03 10:01,ann,B,Bulb,1,10.00,10.00,0.00,5.00,15.00,0.00,completed,USD,gold
5,2026-08-03 11:00,cyd,A,Lamp,1,40.00,40.00,0.00,5.00,45.00,0.00,cancelled,EUR,gold
"""


@pytest.mark.parametrize(
    ("options", "revenue"),
    [((), {"ann": 63 + 5, "bob": 20, "cyd": 0}), (("--net",), {"ann": 63 + 5, "bob": 20 - 7.5, "cyd": 0})],
)
def test_profiles_and_rates_agree_on_what_a_customer_brought(adcli, tmp_path, options, revenue):
    (tmp_path / "orders.csv").write_text(SOLD)
    (tmp_path / "euros.csv").write_text("currency,rate\nUSD,0.5\n")
    alone = adcli("embed", "orders.csv", "--to", "ndjson")
    assert alone.returncode == 3
    assert "EUR, USD, which have no sum" in alone.said
    money = (*options, "--currency", "EUR", "--rates", "euros.csv")
    profiles = adcli("embed", "orders.csv", *money, "--to", "ndjson")
    assert profiles.returncode == 0, profiles.said
    rows = [json.loads(line) for line in profiles.text.splitlines()]
    assert {row["id"]: float(row["revenue"]) for row in rows} == revenue
    rates = adcli(
        "evaluate", "rates", "orders.csv", *money, "--by", "tier", "--min-users", 0, "--to", "ndjson",
        "--metric", "revenue_per_user",
    )  # fmt: skip
    assert rates.returncode == 0, rates.said
    found = [json.loads(line) for line in rates.text.splitlines()]
    by_tier = {"gold": revenue["ann"] + revenue["cyd"], "new": revenue["bob"]}
    assert {row["tier"]: float(row["numerator"]) for row in found} == by_tier
    for done in (profiles, rates):
        assert "revenue is the goods of an order less its discount, once an order." in done.said
        assert "1 order reported again: counted once." in done.said
