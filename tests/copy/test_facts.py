"""What is on record about a product becomes the words an ad may use."""

import polars as pl
import pytest

from adcli.copy.attributes import attributes
from adcli.copy.facts import catalogue_facts, product_facts
from adcli.copy.naming import short_name, shortened
from adcli.copy.stated import Fact, stated

RUBY = '{"product_specification"=>[{"key"=>"Material", "value"=>"Cotton"}, {"key"=>"Color", "value"=>"Red"}, {"key"=>"Foldable", "value"=>"No"}]}'


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"specs": RUBY}, {"Material": "Cotton", "Color": "Red"}),
        ({"attributes": '{"Material": "Cotton", "Color": "Red", "Foldable": "no"}'}, {"Material": "Cotton", "Color": "Red"}),
        ({"content": "类型#裙*颜色#红*风格#复古*风格#文艺"}, {"类型": "裙", "颜色": "红", "风格": "复古, 文艺"}),
        ({"color": "Red", "material": "Cotton", "warehouse": "B7"}, {"Color": "Red", "Material": "Cotton"}),
        (
            {"title": "T", "description": "Nice. Specifications of T (Red) General Brand Acme Type Towel Color Red In the Box Sales Package 2"},
            {"Brand": "Acme", "Type": "Towel", "Color": "Red", "Sales Package": "2"},
        ),
        ({"title": "T", "description": "Just a nice towel."}, {}),
        ({"broken": '{"Material": "Cot'}, {}),
    ],
)  # fmt: skip
def test_attributes_are_read_from_whatever_holds_them(record, expected):
    assert attributes(record) == expected


@pytest.mark.parametrize(
    ("heading", "value", "fact"),
    [
        ("Color", "Red", Fact("colour", "red")),
        ("Dial Color", "White", Fact("colour", "white dial")),
        ("Strap Material", "Leather", Fact("material", "leather strap")),
        ("Ideal For", "Baby Girl's", Fact("for", "for baby girls")),
        ("Length", "213 cm", Fact("size", "213 cm long")),
        ("Height", "Adjustable", None),
        ("Water Resistant", "Yes", Fact("feature", "water resistant")),
        ("Number of USB Ports", "4", Fact("other", "4 USB ports")),
        ("Number of USB Ports", "1", Fact("other", "1 USB port")),
        ("Quantity", "250 ml", Fact("capacity", "250 ml")),
        ("Quantity", "250", None),
        ("Outer Material", "95% Wool+ 5% Polyester", Fact("material", "95% wool + 5% polyester")),
        ("Warranty Summary", "1 Year Manufacturing Warranty", Fact("warranty", "1 year warranty")),
        ("Model ID", "X-1", None),
        ("Diameter", "0 cm", None),
        ("Design", "SHUVAM", None),
        ("Design", "Floral", Fact("look", "floral")),
    ],
)
def test_an_attribute_is_said_in_a_few_words(heading, value, fact):
    assert stated(heading, value) == fact


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("RRTC RRTC1105SM00 Basic Analog Watch  - For Women", "RRTC Basic Analog Watch"),
        ("Printland PMR1051 Ceramic Mug", "Printland Ceramic Mug"),
        ("Utsav Handicraft Showpiece  -  48 cm", "Utsav Handicraft Showpiece"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
        ("Kensington 33399EU USB USB Hub", "Kensington USB Hub"),
        ("Milton School 750 ml Water Bottle (Blue)", "Milton School 750 ml Water Bottle"),
        ("复古针织连衣裙", "复古针织连衣裙"),
    ],
)
def test_a_name_is_the_title_without_codes_and_asides(title, name):
    assert short_name(title) == name


@pytest.mark.parametrize(
    ("title", "category", "kind"),
    [
        ("Famous Wheel Pizza Cutter", "Kitchen > Kitchen Tools > Pizza Cutters", "Pizza Cutter"),
        ("Rama Floral Single Quilts & Comforters Yellow", "Bed Linen > Blankets, Quilts & Dohars", "Quilts"),
        ("Beebay Baby Girl's Fit and Flare Dress", "Infant Wear > Dresses", "Dress"),
        ("Wild Stone Red And Juice Combo Set", "Fragrances > Deodorants > Combos", "Deodorant Combo"),
        ("Tenda TE-F452", "Computers > Network Components > Routers", "Router"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", None, "Holder"),
        ("Oxyglow Glow Massage Oil With Vitamin-E", "Body Care > Massage", "Massage Oil"),
    ],
)
def test_the_noun_for_the_thing_is_found(title, category, kind):
    assert product_facts({"item_id": "1", "title": title, "category": category}).kind == kind


def test_a_long_name_keeps_its_noun():
    assert (
        shortened("Elegance Polyester Multicolor Abstract Eyelet Door Curtain", "Door Curtain", 30)
        == "Elegance Door Curtain"
    )
    assert len(shortened("A" * 500, "A" * 500, 30)) == 30


def test_the_brand_is_told_from_the_category_page():
    facts = product_facts(
        {
            "item_id": "1",
            "title": "RRTC Watch",
            "category": '["Watches >> Wrist Watches >> RRTC Wrist Watches"]',
        }
    )
    assert facts.brand == "RRTC"


def test_facts_are_ordered_by_what_sells_and_said_once():
    facts = product_facts(
        {
            "item_id": "1",
            "title": "Acme Red Cotton Towel",
            "material": "Cotton",
            "color": "Red",
            "size": "60 cm",
        }
    )
    assert [fact.text for fact in facts.facts] == ["cotton", "red", "60 cm size"]


def test_all_that_facts_say_is_on_record(shared_data):
    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    frame = frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})
    catalogue = catalogue_facts(frame.to_dicts())
    assert len(catalogue.products) == 1044
    with_facts = [product for product in catalogue.products if product.facts]
    assert len(with_facts) > 900
    assert all(product.scenes and product.kind and product.name for product in catalogue.products)
    from adcli.copy.claims import unsupported_claims

    broken = [
        (product.title, fact.text)
        for product in with_facts[::4]
        for fact in product.facts
        if unsupported_claims(fact.text, product.record)
    ]
    assert broken == []


def test_common_words_are_no_brands():
    rows = [
        {
            "item_id": str(n),
            "title": f"Home Towel {n}",
            "brand": brand,
            "description": "A towel for your home. Elegance.",
        }
        for n, brand in enumerate(["home", "Zenith"])
    ]
    assert catalogue_facts(rows).brands == {"zenith"}
