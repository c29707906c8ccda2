"""Exports of shop systems: a product over several rows becomes the things that can be bought."""

import polars as pl

from adcli.tables.read import open_table

# Columns of https://help.shopify.com/en/manual/products/import-export/using-csv; values are made up.
SHOPIFY = """\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,\
Variant Grams,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Position,Status
tee,Cotton Tee,"<p>Soft <b>organic</b> cotton.</p>",Acme,Apparel > Shirts,Shirts,"tee, cotton",true,Size,S,TEE-S,\
120,5,20.00,,https://cdn.example/1.jpg,1,active
tee,,,,,,,,,M,TEE-M,130,4,21.00,,https://cdn.example/2.jpg,2,
tee,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,
mug,Blue Mug,<p>A mug</p>,Acme,Home > Mugs,Mugs,,true,Title,Default Title,,300,9,9.50,12.00,,1,active
"""
# Columns of https://woocommerce.com/document/product-csv-importer-exporter/; values are made up.
WOO = """\
ID,Type,SKU,Name,Published,Short description,Description,Sale price,Regular price,Categories,Images,Parent,Brands
10,variable,HOOD,Hoodie,1,Warm,<p>A warm hoodie.</p>,,,"Clothing, Clothing > Hoodies",https://x/h.jpg,,Acme
11,variation,HOOD-B,Hoodie - Blue,1,,,,45,,https://x/hb.jpg,HOOD,
12,variation,,Hoodie - Red,1,,,40,45,,,id:10,
13,simple,CAP,Cap,1,,A cap.,,18,Clothing > Caps,,,
"""
# Columns of https://support.google.com/merchants/answer/7052112 (text feed); values are made up.
MERCHANT = (
    "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tsale_price\tbrand\tgtin\t"
    "google_product_category\tproduct_type\titem_group_id\n"
    '00123\tMug 12" tall\t<p>For tea</p>\thttps://x/m\thttps://x/m.jpg\tin_stock\t79.99 EUR\t\tAcme\t00012\t2169\t'
    "Kitchen > Mugs\tG1\n"
)
# Columns of https://www.facebook.com/business/help/120325381656392; values are made up.
META = (
    "id,title,description,availability,condition,price,link,image_link,brand,google_product_category\n"
    'm1,Tee,A soft tee,in stock,new,"1,200.00 INR",https://x/t,https://x/t.jpg,Acme,Apparel > Shirts\n'
)


def read(tmp_path, text):
    path = tmp_path / "export.csv"
    path.write_text(text)
    stream = open_table([str(path)], tables=["products"])
    batches = list(stream.batches())
    return pl.concat([batch.frame for batch in batches], how="diagonal"), stream, batches


def test_variants_of_shopify_have_what_their_product_says(tmp_path):
    frame, stream, batches = read(tmp_path, SHOPIFY)
    assert frame["item_id"].to_list() == ["TEE-S", "TEE-M", "mug"]
    assert frame["title"].to_list() == ["Cotton Tee", "Cotton Tee", "Blue Mug"]
    assert frame["brand"].to_list() == ["Acme"] * 3
    assert frame["category"].to_list() == ["Apparel > Shirts", "Apparel > Shirts", "Home > Mugs"]
    assert [float(price) for price in frame["price"]] == [20, 21, 9.5]
    assert frame["image"].to_list()[:2] == ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]
    assert (stream.rows_read, stream.rows_rejected) == (4, 1)
    [reject] = batches[0].rejects.to_dicts()
    assert (reject["line"], reject["reason"]) == (4, "a further picture of a product, no product")
    assert "3.jpg" in reject["raw"]


def test_a_product_that_a_block_cuts_in_two_is_completed(tmp_path, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 100_000)
    head, first, second, *_ = SHOPIFY.splitlines()
    fillers = [
        first.replace("tee,Cotton", f"other{n},Cotton").replace("TEE-S", f"O-{n}") for n in range(1_000)
    ]
    frame, _, batches = read(
        tmp_path, "\n".join([head, *fillers, first, second, second.replace("TEE-M", "TEE-L")])
    )
    assert len(batches) > 1
    assert frame["title"].null_count() == 0
    assert frame.tail(2)["item_id"].to_list() == ["TEE-M", "TEE-L"]


def test_variations_of_woocommerce_have_what_their_parent_says(tmp_path):
    frame, stream, _ = read(tmp_path, WOO)
    assert frame["item_id"].to_list() == ["HOOD", "HOOD-B", "12", "CAP"]
    assert frame["title"].to_list() == ["Hoodie", "Hoodie - Blue", "Hoodie - Red", "Cap"]
    assert frame["description"].to_list()[:3] == ["<p>A warm hoodie.</p>"] * 3
    assert frame["category"].to_list() == ["Clothing > Hoodies"] * 3 + ["Clothing > Caps"]
    assert frame["brand"].to_list() == ["Acme"] * 3 + [None]
    assert frame["price"].cast(pl.Float64).to_list() == [None, 45, 45, 18]
    assert frame["sale_price"].cast(pl.Float64).to_list() == [None, None, 40, None]
    assert stream.rows_rejected == 0


def test_text_feeds_of_google_and_meta_are_products(tmp_path):
    google = read(tmp_path, MERCHANT)[0].row(0, named=True)
    assert (google["item_id"], google["title"], float(google["price"])) == ("00123", 'Mug 12" tall', 79.99)
    assert google["category"] == "Kitchen > Mugs"
    assert (google["currency"], google["availability"]) == ("EUR", "in_stock")
    meta = read(tmp_path, META)[0].row(0, named=True)
    assert (meta["item_id"], float(meta["price"]), meta["category"]) == ("m1", 1200.0, "Apparel > Shirts")


def test_a_feed_may_hold_several_currencies_and_prices_on_sale(tmp_path):
    text = "id,title,price,sale_price\na,Mug,19.99 EUR,14.99 EUR\nb,Cup,21.99 USD,\nc,Jug,9.00 EUR,8.00 USD\n"
    frame, stream, batches = read(tmp_path, text)
    assert frame.select("item_id", "currency").rows() == [("a", "EUR"), ("b", "USD")]
    assert [float(price) for price in frame["price"]] == [19.99, 21.99]
    assert float(frame["sale_price"][0]) == 14.99
    [reject] = batches[0].rejects.to_dicts()
    assert reject["reason"] == "sale_price: in another currency than the others: '8.00 USD'"
    assert stream.rows_read == 3


def test_a_currency_that_comes_late_is_that_of_its_rows(tmp_path):
    rows = [f"{n},thing,1.00 EUR" for n in range(30_000)]
    frame = read(tmp_path, "\n".join(["id,title,price", *rows, "x,thing,2.00 USD"]))[0]
    assert frame["currency"].value_counts(sort=True).rows() == [("EUR", 30_000), ("USD", 1)]


def test_a_price_on_sale_that_stands_alone_is_the_price(tmp_path):
    assert float(read(tmp_path, "id,title,sale_price\na,Mug,5.00\n")[0]["price"][0]) == 5


def test_what_a_shop_does_not_show_is_set_aside_by_its_word_for_it(tmp_path):
    text = SHOPIFY + (
        "old,Lamp,<p>x</p>,Acme,Home > Lamps,Lamps,,false,Title,Default Title,LAMP,1,5,19.50,,,1,archived\n"
        "new,Lamp,<p>x</p>,Acme,Home > Lamps,Lamps,,false,Size,S,NL-S,1,5,29.50,,,1,draft\n"
        "new,,,,,,,,,L,NL-L,1,5,39.50,,,2,\n"
        "off,Lamp,<p>x</p>,Acme,Home > Lamps,Lamps,,false,Title,Default Title,OFF,1,5,19.50,,,1,active\n"
    )
    frame, _, batches = read(tmp_path, text)
    assert frame.height == 3
    assert frame["Option1 Name"].to_list() == ["Size", "Size", "Title"]
    assert [reason.split(",")[0] for reason in batches[0].rejects["reason"].to_list()[1:]] == [
        "archived", "draft", "draft", "unpublished",
    ]  # fmt: skip


def test_a_variation_is_as_published_as_its_product(tmp_path):
    frame = read(tmp_path, WOO.replace("HOOD,Hoodie,1", "HOOD,Hoodie,-1"))[0]
    assert frame["item_id"].to_list() == ["CAP"]
