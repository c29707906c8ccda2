"""What is on record about a product becomes the words an ad may use."""

import polars as pl
import pytest

from adcli.copy.attributes import attributes
from adcli.copy.fact import SLOTS
from adcli.copy.facts import catalogue_facts, product_facts
from adcli.copy.headings import stated
from adcli.copy.naming import short_name
from adcli.copy.praise import praise
from adcli.copy.prose import facts_in

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
    ("heading", "value", "slot", "said"),
    [
        ("Color", "Red", "colour", "red"),
        ("Dial Color", "White", "colour", "white dial"),
        ("Strap Material", "Leather", "material", "leather strap"),
        ("Ideal For", "Baby Girl's", "audience", "for baby girls"),
        ("Length", "213 cm", "size", "213 cm long"),
        ("Water Resistant", "Yes", "function", "water resistant"),
        ("Water Resistance Depth", "30 m", "function", "30 m water resistance"),
        ("Number of USB Ports", "4", "quantity", "4 usb ports"),
        ("Number of USB Ports", "1", "quantity", "1 usb port"),
        ("Quantity", "250 ml", "capacity", "250 ml"),
        ("Quantity", "8 g", "weight", "8 g"),
        ("Pack of", "6", "quantity", "pack of 6"),
        ("Outer Material", "95% Wool+ 5% Polyester", "material", "95% wool+ 5% polyester"),
        ("Warranty Summary", "1 Year Manufacturing Warranty", "warranty", "1 year warranty"),
        ("Design", "Floral", "style", "floral"),
        ("Machine Washable", "Yes", "care", "machine washable"),
    ],
)
def test_an_attribute_is_said_in_a_few_words(heading, value, slot, said):
    assert [(fact.slot, fact.said) for fact in stated(heading, value)] == [(slot, said)]


@pytest.mark.parametrize(
    ("heading", "value"),
    [("Model ID", "X-1"), ("Diameter", "0 cm"), ("Design", "SHUVAM"), ("Quantity", "250"), ("Foldable", "No"), ("Pack of", "1")],
)  # fmt: skip
def test_an_attribute_that_no_ad_would_say_is_no_fact(heading, value):
    assert stated(heading, value) == []


@pytest.mark.parametrize(
    ("text", "kind", "slot", "value", "role"),
    [
        ("Forged knife with a 20 cm blade.", "knife", "size", "20 cm", "blade"),
        ("Machine-washable at 40 °C.", "plush fox", "care", "machine-washable at 40 °C", ""),
        ("Brews 6 cups of coffee in about 5 minutes.", "moka pot", "function", "brews 6 cups of coffee in about 5 minutes", ""),
        ("Watering can of enamel with a brass rose.", "watering can", "material", "brass", "rose"),
        ("Works on gas, electric and ceramic hobs.", "pot", "compatibility", "gas, electric and ceramic hobs", ""),
        ("Rain-proof to IPX7, 95 g with its strap.", "headlamp", "certificate", "IPX7", ""),
        ("Rain-proof to IPX7, 1,150 g with its strap.", "headlamp", "weight", "1,150 g", ""),
        ("For children from 3 years.", "puzzle", "audience", "children from 3 years", ""),
        ("Woven in Wales; five years of warranty.", "throw", "origin", "woven in Wales", ""),
        ("Woven in Wales; five years of warranty.", "throw", "warranty", "five years of warranty", ""),
        ("Softens the beard and leaves no grease.", "beard oil", "benefit", "leaves no grease", ""),
        ("Beard oil of jojoba and argan.", "beard oil", "ingredient", "jojoba and argan", ""),
    ],
)  # fmt: skip
def test_a_sentence_states_facts_with_what_they_belong_to(text, kind, slot, value, role):
    found = [(fact.slot, fact.value, fact.role) for fact in facts_in(text, kind=kind)]
    assert (slot, value, role) in found


@pytest.mark.parametrize(
    ("text", "kind", "wrong"),
    [
        ("Strip lights of a fine copper wire in silver.", "lights", "silver"),
        ("Made from brass (alloy of copper and zinc).", "showpiece", "copper and zinc"),
        ("White with red interior.", "mug", "red"),
        ("The pattern is printed on canvas.", "battery", "printed"),
        ("Watch PC-414W.", "watch", "414W"),
        ("Let your love of home decor fly for every room.", "painting", "every room"),
    ],
)
def test_a_word_that_is_said_of_another_thing_is_no_fact(text, kind, wrong):
    assert wrong not in {fact.said for fact in facts_in(text, kind=kind)}


def test_what_a_record_denies_is_a_negated_fact():
    found = {
        (fact.slot, fact.value, fact.negated)
        for fact in facts_in("Solid shampoo without sulphates; not dimmable.", kind="shampoo")
    }
    assert {("ingredient", "sulphates", True), ("function", "dimmable", True)} <= found


@pytest.mark.parametrize(
    ("title", "brand", "wrong"),
    [
        ("Kestrel & Pine headlamp, 600 lumens", "Kestrel & Pine", "pine"),
        ("Yardley Red Roses and Lace Combo Set", "Yardley", "lace"),
        ("Yardley Red Roses and Lace Combo Set", "Yardley", "red"),
        ("Silver Birch wool throw, charcoal", "Silver Birch", "birch"),
    ],
)
def test_the_words_of_a_name_are_no_material_or_colour(title, brand, wrong):
    facts = product_facts(
        {
            "item_id": "1",
            "title": title,
            "brand": brand,
            "category": "Deodorants > Combos" if "Combo" in title else None,
        }
    ).facts
    assert wrong not in {fact.value for fact in facts if fact.slot in ("material", "colour")}


def test_customers_praise_is_marked_as_theirs():
    [fact] = praise(["The coffee is strong and the handle stays cool. Sent it back, though.", "Bad seal."])
    assert (fact.slot, fact.source) == ("benefit", "review")
    assert fact.value == "The coffee is strong and the handle stays cool"


def test_chinese_titles_and_sentences_are_read_clause_by_clause():
    cup = product_facts(
        {
            "item_id": "1",
            "title": "小鹿 儿童保温杯 500ml 粉色",
            "brand": "小鹿",
            "description": "316不锈钢内胆，带吸管。可手洗。",
        }
    )
    found = {(fact.slot, fact.value) for fact in cup.facts}
    assert {
        ("kind", "保温杯"),
        ("capacity", "500ml"),
        ("colour", "粉色"),
        ("material", "316不锈钢"),
        ("part", "吸管"),
        ("care", "手洗"),
    } <= found


def test_every_fact_has_a_slot_and_a_source():
    product = product_facts(
        {
            "item_id": "1",
            "title": "Acme towel, blue",
            "description": "Bath towel of cotton, 500 g. Wash at 40 °C.",
        }
    )
    assert all(fact.slot in SLOTS and fact.source for fact in product.facts)


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
        ("WHITE HANGING HEART T-LIGHT HOLDER", None, "T-light Holder"),
        ("Klarton power bank, 10,000 mAh", "Desk & Audio", "Power Bank"),
        ("Greenmere watering can, 9 l, enamel", "Garden", "Watering Can"),
        (
            "JRB 1033 Smallest Mobile Powered By OTG Enabled Android Smart Phone Portable 1033 USB Fan",
            "USB Gadgets",
            "USB Fan",
        ),
        ("Oxyglow Glow Massage Oil With Vitamin-E", "Body Care > Massage", "Massage Oil"),
        ("Sarah Stylish Hair Claw", "Hair Care > Hair Accessories", "Hair Claw"),
        ("AntiqueShop ABKL_PL_PNK", "Bath Accessories > Loofahs", "Loofah"),
        ("Aapno Lovely Jewellery Vanity Jewellery", "Makeup > Vanity Boxes", "Vanity Box"),
        ("Like Analog Purple Clock", "Clocks > Table Clocks", "Table Clock"),
        ("vatika Advance Idli Maker", "Cookware > Idli Makers", "Idli Maker"),
        ("Basra Green Changing Table", "Diapering > Changing Tables", "Changing Table"),
        ("Thakkar Baby Girl's Printed Top & Pyjama Set", "Night Suits", "Top & Pyjama Set"),
    ],
)
def test_the_noun_for_the_thing_is_found(title, category, kind):
    assert product_facts({"item_id": "1", "title": title, "category": category}).kind == kind


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
    assert [fact.said for fact in facts.facts] == ["towel", "cotton", "red", "60 cm"]


def test_all_that_facts_say_is_on_record(shared_data):
    frame = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz", infer_schema=False)
    frame = frame.rename({"uniq_id": "item_id", "product_name": "title", "product_category_tree": "category"})
    catalogue = catalogue_facts(frame.to_dicts())
    assert len(catalogue.products) == 1044
    with_facts = [product for product in catalogue.products if product.facts]
    assert len(with_facts) > 900
    assert all(product.scenes and product.kind and product.name for product in catalogue.products)
    from adcli.copy.grounding import ungrounded

    broken = [
        (product.title, fact.said)
        for product in with_facts[::4]
        for fact in product.facts
        if ungrounded(fact.said, product.record)
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
