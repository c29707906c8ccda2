"""What text stands for a product, a review, a query."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.wording import plain_text
from adcli.embed.texts import category_texts, cleaned, texts_of
from adcli.errors import DataError


def products(**columns):
    return pl.DataFrame({"item_id": ["1"], "title": ["Elegance Door Curtain"], **columns})


def test_a_product_is_its_title_brand_category_and_description():
    table = products(
        brand=["Sathiyas"],
        category=["Home Furnishing >> Curtains"],
        description=["Keeps the light out."],
        price=[3.0],
    )
    expected = "Elegance Door Curtain. Sathiyas. Home Furnishing > Curtains. Keeps the light out."
    assert texts_of(table, "products").to_list() == [expected]


def test_what_the_title_says_is_not_said_again():
    table = products(brand=["ELEGANCE"], description=["elegance door curtain"])
    assert texts_of(table, "products").to_list() == ["Elegance Door Curtain"]


def test_nested_category_strings_are_read_as_what_they_mean():
    nested = '["Home Furnishing >> Curtains & Accessories >> Curtains >> Elegance Door Cur..."]'
    assert category_texts(products(category=[nested])).to_list() == [
        "Home Furnishing > Curtains & Accessories > Curtains"
    ]
    assert category_texts(products(category=["Dairy & Eggs"])).to_list() == ["Dairy & Eggs"]
    assert category_texts(products(category=[None])).to_list() == [""]


def test_broken_encodings_and_markup_are_read_as_what_they_mean():
    table = products(description=["The worldâ€™s <b>best</b>&nbsp;caf\u00c3\u00a9\n\nchair"])
    assert texts_of(table, "products")[0].endswith("The world’s best café chair")


@given(st.lists(st.text(max_size=30) | st.none(), min_size=1, max_size=6))
def test_the_fast_way_of_cleaning_changes_nothing(values):
    expected = [plain_text(value) for value in values]
    assert cleaned(pl.Series(values, dtype=pl.String)).to_list() == expected


def test_a_review_is_its_title_and_text_and_a_query_itself():
    reviews = pl.DataFrame(
        {"item_id": ["1"] * 3, "title": ["Good.", None, None], "text": ["I like it", "So so", None]}
    )
    assert texts_of(reviews, "reviews").to_list() == ["Good. I like it", "So so", ""]
    assert texts_of(pl.DataFrame({"query": [" tent  2p "]}), "queries").to_list() == ["tent 2p"]


def test_columns_can_be_chosen():
    table = products(description=["Keeps the light out."], colour=["red"])
    assert texts_of(table, "products", ["colour", "description"]).to_list() == ["red. Keeps the light out."]
    with pytest.raises(DataError, match=r"no column 'color' .*Did you mean 'colour'\?"):
        texts_of(table, "products", ["color"])


def test_a_thousand_products_of_a_real_shop_have_texts(shared_data):
    table = pl.read_csv(shared_data / "catalog" / "flipkart_1044_repaired.csv.gz").rename(
        {"product_name": "title", "product_category_tree": "category"}
    )
    paths = category_texts(table)
    assert paths.str.contains(r'[\["\]]|\.\.\.$').sum() == 0
    assert paths.str.split(" > ").list.first().n_unique() == 7
    texts = texts_of(table, "products")
    assert texts.str.len_chars().min() > 40
    assert texts.str.contains("Ã|â€").sum() == 0
