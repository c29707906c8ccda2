"""Revenue is money of purchases that stand, once: what an amount belongs to is found, or asked."""

from decimal import Decimal

import polars as pl
import pytest

from adcli.behaviour.currencies import converted, currencies
from adcli.behaviour.sales import settle_sales
from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.unify import concatenated


def sales(tmp_path, text, name="orders.csv", **settings):
    path = tmp_path / name
    path.write_text(text)
    frame = concatenated([batch.frame for batch in open_table([str(path)], tables=["events"]).batches()])
    return settle_sales(frame, **settings)


def total(found):
    return found.events["sold_for"].sum()


def purchases(found):
    return found.events.filter(pl.col("event_type") == "purchase").height


SHOPIFY = """Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Lineitem discount
#1001,a@shop.test,paid,2026-08-01 10:15:00 +0200,EUR,47.00,6.00,3.29,56.29,5.00,2026-08-01 10:14:00 +0200,2,Print,16.00,A,,0.00,0.00
#1001,a@shop.test,,,,,,,,,2026-08-01 10:14:00 +0200,1,Tote,20.00,B,,,0.00
#1002,b@shop.test,refunded,2026-08-01 11:15:00 +0200,EUR,259.00,6.00,3.29,268.29,0.00,2026-08-01 11:14:00 +0200,1,Whale,259.00,C,,268.29,0.00
#1003,c@shop.test,voided,,EUR,30.00,6.00,3.29,39.29,0.00,2026-08-01 12:14:00 +0200,1,Doll,30.00,D,2026-08-02 09:00:00 +0200,0.00,0.00
#1004,d@shop.test,partially_refunded,2026-08-01 13:15:00 +0200,EUR,80.00,0.00,0.00,80.00,0.00,2026-08-01 13:14:00 +0200,4,Mug,20.00,E,,20.00,0.00
"""  # help.shopify.com, "Exporting orders to a CSV file"

AMAZON = """amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsku\tasin\tquantity\tcurrency\titem-price\titem-tax\tshipping-price\titem-promotion-discount\tbuyer-email
026-1\t2026-08-01T08:04:21+00:00\t2026-08-02T08:04:21+00:00\tShipped\tS1\tB01\t2\tEUR\t39.98\t6.38\t0.00\t5.00\tx@marketplace.test
026-1\t2026-08-01T08:04:21+00:00\t2026-08-02T08:04:21+00:00\tShipped\tS2\tB02\t1\tEUR\t10.00\t1.60\t0.00\t\tx@marketplace.test
026-2\t2026-08-01T09:04:21+00:00\t2026-08-02T08:04:21+00:00\tCancelled\tS1\tB01\t1\tEUR\t19.99\t3.19\t0.00\t\ty@marketplace.test
"""  # sellercentral.amazon.com, "Order reports: All Orders"

WOOCOMMERCE = """Order Number,Order Status,Order Date,Customer User ID,Order Subtotal Amount,Order Shipping Amount,Order Total Amount,SKU,Item Name,Quantity,Item Cost
501,completed,2026-08-01 10:00,7,70.00,5.00,75.00,A,Lamp,1,40.00
501,completed,2026-08-01 10:00,7,70.00,5.00,75.00,B,Bulb,3,10.00
502,failed,2026-08-01 11:00,8,40.00,5.00,45.00,A,Lamp,1,40.00
"""  # woocommerce.com/document/advanced-order-export

MAGENTO = """ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),Status,Customer Email
000000101,Main,2026-08-01 10:00:00,Ann,75.00,75.00,complete,a@shop.test
000000102,Main,2026-08-01 11:00:00,Bob,20.00,20.00,canceled,b@shop.test
"""  # experienceleague.adobe.com/docs/commerce-admin, "Orders grid: export"

PRESTASHOP = """ID,Reference,New client,Delivery,Customer,Total,Payment,Status,Date,Total paid
1,XKBKNABJK,1,France,ann@shop.test,75.00,Card,Payment accepted,2026-08-01 10:00:00,75.00
2,OHSATSERP,0,France,bob@shop.test,20.00,Card,Canceled,2026-08-01 11:00:00,20.00
"""  # docs.prestashop-project.org, "Orders: export"

GA4 = """event_time,user_pseudo_id,event_name,transaction_id,purchase_revenue
2026-08-01T10:12:00.100Z,1.2,purchase,T1,100.00
2026-08-01T10:12:31.400Z,1.2,purchase,T1,100.00
2026-08-01T10:13:00.000Z,1.2,add_to_cart,,100.00
2026-08-01T11:00:00.000Z,3.4,purchase,T2,50.00
2026-08-02T11:00:00.000Z,3.4,refund,T2,20.00
"""  # developers.google.com/analytics/devguides/collection/ga4/reference/events

EXPORTS = {
    "shopify": (SHOPIFY, "127.00", "107.00", 3),
    "amazon": (AMAZON, "44.98", "44.98", 2),
    "woocommerce": (WOOCOMMERCE, "70.00", "70.00", 2),
    "magento": (MAGENTO, "75.00", "75.00", 1),
    "prestashop": (PRESTASHOP, "75.00", "75.00", 1),
    "ga4": (GA4, "150.00", "130.00", 2),
}


@pytest.mark.parametrize("exporter", EXPORTS)
def test_the_revenue_of_an_export_is_that_of_its_sales(tmp_path, exporter):
    text, gross, net, lines = EXPORTS[exporter]
    found = sales(tmp_path, text)
    assert total(found) == Decimal(gross)
    assert purchases(found) == lines
    assert total(sales(tmp_path, text, net=True)) == Decimal(net)


def log(**columns):
    height = len(next(iter(columns.values())))
    frame = pl.DataFrame({"event_type": ["purchase"] * height, "user_id": ["u"] * height, **columns})
    return (
        frame.with_columns(pl.col("revenue", "order_revenue", "^price$").cast(pl.Decimal(38, 6)))
        if {"revenue", "order_revenue"} <= set(frame.columns)
        else frame
    )


def revenue(frame, **settings):
    return float(settle_sales(frame, **settings).events["sold_for"].sum())


def test_an_amount_that_is_price_times_quantity_is_a_line_s():
    frame = log(order_id=["1", "1"], price=[5.0, 10.0], quantity=[4.0, 2.0], order_revenue=[20.0, 20.0])
    assert revenue(frame) == 40


def test_an_amount_that_is_the_price_whatever_the_quantity_is_a_unit_s():
    frame = log(order_id=["1", "2"], price=[5.0, 10.0], quantity=[4.0, 2.0], revenue=[5.0, 10.0])
    assert revenue(frame) == 40


def test_an_amount_equal_on_all_lines_of_many_orders_is_the_order_s():
    ids = [str(i // 2) for i in range(12)]
    frame = log(order_id=ids, item_id=[str(i) for i in range(12)], revenue=[10.0 + i // 2 for i in range(12)])
    assert revenue(frame) == sum(10 + i for i in range(6))


def test_two_readings_of_an_amount_are_asked_about():
    frame = log(order_id=["1", "1", "2"], item_id=["a", "b", "a"], revenue=[10.0, 10.0, 20.0])
    with pytest.raises(DataError, match="--amount line, or --amount order"):
        settle_sales(frame)
    assert revenue(frame, level="line") == 40
    assert revenue(frame, level="order") == 30


def test_test_orders_are_no_sales():
    frame = log(order_id=["1", "2"], revenue=[10.0, 1.0], test=["false", "true"])
    found = settle_sales(frame)
    assert total(found) == 10
    assert "1 order made as a test: no sale" in found.said


def test_money_of_several_currencies_is_converted_by_the_day():
    frame = log(
        revenue=[100.0, 10.0, 10.0], currency=["EUR", "USD", "USD"], date=["2026-08-01"] * 2 + ["2026-08-02"]
    )
    frame = frame.with_columns(pl.col("date").str.to_date())
    assert currencies(frame) == ["EUR", "USD"]
    rates = pl.DataFrame(
        {"currency": ["USD", "USD"], "rate": [0.9, 0.8], "date": ["2026-08-01", "2026-08-02"]}
    )
    rates = rates.with_columns(pl.col("date").str.to_date())
    assert converted(frame, "EUR", rates)["revenue"].to_list() == [100, 9, 8]
    with pytest.raises(DataError, match="no rate of USD on 2026-08-02"):
        converted(frame, "EUR", rates.head(1))


SUBTOTAL = "order_id,order_date,customer_id,subtotal,discount_amount,shipping,taxes,total\n"


@pytest.mark.parametrize(
    ("row", "goods", "said"),
    [
        ("1,2026-08-01,c,100,10,5,0,95", 90, "less its discount"),  # off the subtotal
        ("1,2026-08-01,c,100,-10,5,0,95", 90, "less its discount"),
        ("1,2026-08-01,c,90,10,5,0,95", 90, "after its discount"),
        ("1,2026-08-01,c,100,10,5,19,114", 90, "less its discount"),  # tax on top
        ("1,2026-08-01,c,90,10,5,15,95", 90, "after its discount"),  # tax within
        ("1,2026-08-01,c,100,10,5,0,77", 100, "taken as after its discount"),  # paid by a voucher in part
        ("1,2026-08-01,c,,10,5,19,114", 90, "the total of an order less shipping and tax"),
        ("1,2026-08-01,c,100,10,5,19,", 100, "taken as after its discount"),
    ],
)
def test_an_order_s_sums_say_what_its_goods_cost(tmp_path, row, goods, said):
    found = sales(tmp_path, f"{SUBTOTAL}{row}\n")
    assert total(found) == goods
    assert said in found.said[0]


def test_a_discount_of_the_order_is_off_once(tmp_path):
    head = "order_id,order_date,customer_id,sku,quantity,unit_price,discount_amount\n"
    of_order = "1,2026-08-01,c,A,2,10,5\n1,2026-08-01,c,B,1,10,5\n"
    assert total(sales(tmp_path, head + of_order)) == 25
    of_lines = "1,2026-08-01,c,A,2,10,5\n1,2026-08-01,c,B,1,10,2\n"
    assert total(sales(tmp_path, head + of_lines)) == 23


@pytest.mark.parametrize(
    "status",
    ["cancelled", "Canceled", "VOIDED", "wc-refunded", "on-hold", "checkout-draft", "Annulé", "Remboursé",
     "pending_payment", "Awaiting bank wire payment", "Storniert", "authorized"],
)  # fmt: skip
def test_an_order_of_this_status_is_no_sale(tmp_path, status):
    text = f"order_id,order_date,customer_id,total,status\n1,2026-08-01,a,5,{status}\n2,2026-08-01,a,7,paid\n"
    assert total(sales(tmp_path, text)) == 7


@pytest.mark.parametrize(
    "status", ["completed", "partially_refunded", "Livré", "Awaiting shipment", "closed"]
)
def test_an_order_of_this_status_is_one(tmp_path, status):
    text = f"order_id,order_date,customer_id,total,status\n1,2026-08-01,a,5,{status}\n2,2026-08-01,a,7,paid\n"
    assert total(sales(tmp_path, text)) == 12


def test_a_line_that_was_cancelled_is_no_sale_and_its_order_is(tmp_path):
    text = AMAZON.replace("order-status", "order-status\titem-status").replace(
        "Shipped", "Shipped\tShipped", 1
    )
    text = text.replace("\tShipped\tS2", "\tShipped\tCancelled\tS2").replace(
        "\tCancelled\tS1", "\tCancelled\tCancelled\tS1"
    )
    assert total(sales(tmp_path, text)) == Decimal("34.98")


def test_of_an_order_exported_twice_the_last_update_counts(tmp_path):
    later = "\n".join(AMAZON.splitlines()[1:3]).replace("2026-08-02T", "2026-08-09T").replace("5.00", "8.00")
    found = sales(tmp_path, f"{AMAZON}{later}\n")
    assert total(found) == Decimal("41.98")
    assert "1 order exported again with a later update: the last one counts" in found.said


def test_an_order_that_was_refunded_whole_is_no_sale(tmp_path):
    text = "order_id,order_date,customer_id,total,refund_amount\n1,2026-08-01,a,50,50\n2,2026-08-01,a,70,20\n"
    assert total(sales(tmp_path, text)) == 70
    assert total(sales(tmp_path, text, net=True)) == 50


def test_no_more_comes_back_than_the_goods_brought(tmp_path):
    head = "order_id,order_date,customer_id,subtotal,shipping,total,refund_amount\n"
    assert total(sales(tmp_path, head + "1,2026-08-01,a,50,20,70,60\n", net=True)) == 0


def test_guests_are_no_one_customer(tmp_path):
    text = "order_id,order_date,customer_id,email,total\n"
    rows = "0,2026-08-01,0,a@x.test,5\n2,2026-08-01,0,,7\n3,2026-08-01,9,b@x.test,7\n"
    assert sales(tmp_path, text + rows).events["user_id"].to_list() == ["a@x.test", "order 2", "9"]


def test_orders_that_name_no_customer_are_users_of_their_own(tmp_path):
    text = AMAZON.replace("\tbuyer-email", "").replace("\tx@marketplace.test", "").replace(
        "\ty@marketplace.test", ""
    )  # fmt: skip
    found = sales(tmp_path, text)
    assert total(found) == Decimal("44.98")
    assert found.events["user_id"].to_list() == ["026-1", "026-1", "026-2"]


def test_orders_through_the_gateway_for_tests_are_no_sales(tmp_path):
    text = SHOPIFY.replace("Cancelled at", "Payment Method,Cancelled at")
    lines = text.splitlines()
    marked = [
        lines[0],
        *(line.replace(",E,,20.00", ",E,(for testing) Bogus Gateway,,20.00") for line in lines[1:]),
    ]
    marked = [line if "Bogus" in line or line == lines[0] else _with_payment(line) for line in marked]
    assert total(sales(tmp_path, "\n".join(marked) + "\n")) == 47


def _with_payment(line):
    cells = line.split(",")
    return ",".join([*cells[:15], "visa", *cells[15:]])
