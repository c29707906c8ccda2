"""Feeds in XML: an item is a row, what is dangerous is refused, what is cut off loses nothing before it."""

import gzip

import polars as pl
import pytest

from adcli.errors import DataError
from adcli.tables.read import open_table

# The elements of https://support.google.com/merchants/answer/7052112, in the RSS 2.0 form of
# https://support.google.com/merchants/answer/14987622; the values are made up.
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel><title>Shop</title><link>https://shop.example</link><description>All we have</description>
<item><g:id>00123</g:id><title>Blue mug</title>
 <g:description><![CDATA[<p>A <b>mug</b> for tea.</p>]]></g:description>
 <link>https://shop.example/mug</link><g:image_link>https://shop.example/mug.jpg</g:image_link>
 <g:additional_image_link>https://shop.example/2.jpg</g:additional_image_link>
 <g:additional_image_link>https://shop.example/3.jpg</g:additional_image_link>
 <g:price>79.99 EUR</g:price><g:brand>Kaffe &amp; Tee</g:brand><g:gtin>00012345600012</g:gtin>
 <g:google_product_category>2169</g:google_product_category><g:product_type>Kitchen &gt; Mugs</g:product_type>
 <g:shipping><g:country>US</g:country><g:service>Standard</g:service><g:price>4.95 USD</g:price></g:shipping>
</item>
<item><g:id>00124</g:id><title>Red mug</title><g:price>1,019.00 EUR</g:price></item>
</channel></rss>
"""
# https://validator.w3.org/feed/docs/atom.html with the same elements
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><g:id>7</g:id><title>Mug</title><link href="https://shop.example/7"/><g:price>5 GBP</g:price></entry></feed>
"""


def read(tmp_path, content, name="feed.xml"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    stream = open_table([str(path)], tables=["products"])
    batches = list(stream.batches())
    return pl.concat([batch.frame for batch in batches], how="diagonal"), stream, batches


@pytest.mark.parametrize("name", ["feed.xml", "feed", "feed.txt"])
def test_an_item_of_a_merchant_feed_is_a_product(tmp_path, name):
    frame, stream, _ = read(tmp_path, RSS, name)
    first, second = frame.to_dicts()
    assert (first["item_id"], first["title"], first["brand"]) == ("00123", "Blue mug", "Kaffe & Tee")
    assert first["description"] == "<p>A <b>mug</b> for tea.</p>"
    assert (float(first["price"]), float(second["price"])) == (79.99, 1019.0)
    assert first["category"] == "Kitchen > Mugs"
    assert first["gtin"] == "00012345600012"
    assert first["additional_image_link"] == "https://shop.example/2.jpg, https://shop.example/3.jpg"
    assert first["shipping"] == "US:Standard:4.95 USD"
    assert (first["url"], first["image"]) == ("https://shop.example/mug", "https://shop.example/mug.jpg")
    assert stream.rows_read == 2
    assert "XML feed" in stream.notes[0]


def test_atom_and_compressed_feeds_are_read(tmp_path):
    frame, _, _ = read(tmp_path, gzip.compress(ATOM.encode()))
    assert frame.select("item_id", "title", "url").row(0) == ("7", "Mug", "https://shop.example/7")


def test_a_feed_says_its_encoding(tmp_path):
    text = RSS.replace("UTF-8", "ISO-8859-1").replace("Blue mug", "Tasse für Kaffee")
    frame, _, _ = read(tmp_path, text.encode("latin-1"))
    assert frame["title"][0] == "Tasse für Kaffee"


def test_entities_of_its_own_are_refused(tmp_path):
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(9))
    bomb = f"<?xml version='1.0'?><!DOCTYPE rss [{levels}]><rss><item><title>&l8;</title></item></rss>"
    with pytest.raises(DataError, match="declares entities of its own"):
        read(tmp_path, bomb)
    outside = (
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><title>&x;</title></item></rss>'
    )
    with pytest.raises(DataError, match="declares entities of its own"):
        read(tmp_path, outside)


def test_elements_without_end_are_refused(tmp_path):
    with pytest.raises(DataError, match="nested more than 64 deep"):
        read(tmp_path, "<rss><item>" + "<a>" * 90_000)


def test_what_stands_before_a_fault_is_kept(tmp_path):
    frame, stream, batches = read(tmp_path, RSS[: RSS.index("Red mug") + 3])
    assert frame["item_id"].to_list() == ["00123"]
    assert stream.rows_read == 2
    [reject] = batches[-1].rejects.to_dicts()
    assert reject["reason"].startswith("not XML")


def test_many_items_come_in_blocks(tmp_path):
    item = "<item><g:id>{}</g:id><title>Mug {}</title><g:description>{}</g:description></item>\n"
    head, tail = RSS[: RSS.index("<item>")], "</channel></rss>"
    text = head + "".join(item.format(n, n, "word " * 100) for n in range(20_000)) + tail
    frame, _, batches = read(tmp_path, text)
    assert frame["item_id"].to_list() == [str(n) for n in range(20_000)]
    assert len(batches) > 1


def test_xml_that_is_no_feed_is_named(tmp_path):
    with pytest.raises(DataError, match="without an <item> or <entry>"):
        read(tmp_path, "<rss><channel><title>Empty</title></channel></rss>")
