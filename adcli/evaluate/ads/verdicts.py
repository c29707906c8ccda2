"""Whether each ad may run, and what is wrong with it: one row an ad."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import ProductFacts

FINDING = pl.Struct(dict.fromkeys(("rule", "span", "severity", "layer", "source"), pl.String()))
SCHEMA = {"ad_id": pl.String(), "publishable": pl.Boolean(), "findings": pl.List(FINDING)}


def ad_verdicts(ads: pl.DataFrame, products: Sequence[ProductFacts], checker: Checker) -> pl.DataFrame:
    """One row an ad: `ad_id publishable findings`, each finding with `rule span severity layer source`.

    Args:
        ads: An ads table.
        products: What is known of the products; an ad without its product is checked by rules.
        checker: The checker.
    """
    by_item = {product.item_id: product for product in products}
    about = [by_item.get(item_id) for item_id in ads["item_id"].cast(pl.String)]
    found = checker.findings(ads["text"].fill_null("").to_list(), about)
    rows = [
        (ad_id, is_publishable(each), [finding._asdict() for finding in each])
        for ad_id, each in zip(ads["ad_id"].cast(pl.String), found, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
