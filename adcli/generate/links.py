"""Where an ad leads: the product's page, with what tells a visit by which ad it came.

>>> tagged("https://shop.example/mug?id=7", ("google", "cpc"), "Spring Sale", "a1b2")
'https://shop.example/mug?id=7&utm_source=google&utm_medium=cpc&utm_campaign=spring-sale&utm_content=a1b2'
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit

import polars as pl

from adcli.copy.channels import CHANNELS
from adcli.errors import DataError

PAGES_WANTED = "The products need their pages in a column url (--map url=COLUMN)."


def slug(text: str) -> str:
    """`text` as a tag: lower case, `[a-z0-9-]`; letters without such a form (汉字) are left out."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def is_page(url: str | None) -> bool:
    """Whether an ad can lead to `url`: a web page by its whole address."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "." in parts.netloc and " " not in (url or "")


def check_pages(products: pl.DataFrame) -> None:
    """Find out before ads are written whether they can lead anywhere.

    Raises:
        DataError: If no product has a page.
    """
    if "url" not in products.columns or not any(map(is_page, products["url"])):
        raise DataError("No product has a page that ads could lead to.", fix=PAGES_WANTED)


def tagged(url: str, utm: tuple[str, ...], campaign: str, ad_id: str) -> str:
    """`url` with the UTM parameters of an ad in place of those it has.

    Args:
        url: A web page.
        utm: Source and medium; empty leaves the address as it is.
        campaign: The campaign's name.
        ad_id: The ad's, which becomes `utm_content`.
    """
    if not utm:
        return url
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].startswith("utm_")]
    tags = {
        "utm_source": utm[0],
        "utm_medium": utm[1],
        "utm_campaign": slug(campaign) or "campaign",
        "utm_content": slug(ad_id),
    }
    return parts._replace(query=urlencode([*kept, *tags.items()])).geturl()


def with_final_urls(ads: pl.DataFrame, products: pl.DataFrame, campaign: str) -> pl.DataFrame:
    """The ads with `final_url`: the tagged page of each one's product, null where it has none that fits.

    Args:
        ads: An ads table (`ad_id item_id channel`).
        products: The products it is for, with `url`.
        campaign: The campaign's name; empty takes the channel's.
    """
    if "url" not in products.columns:
        return ads.with_columns(pl.lit(None, pl.String).alias("final_url"))
    pages = dict(products.select("item_id", "url").iter_rows())
    found: list[str | None] = []
    for ad_id, item_id, name in ads.select("ad_id", "item_id", "channel").iter_rows():
        page, channel = pages.get(item_id), CHANNELS[name]
        link = tagged(page, channel.utm, campaign or name, ad_id) if page and is_page(page) else None
        found.append(link if link and len(link) <= (channel.final_url or len(link)) else None)
    return ads.with_columns(pl.Series("final_url", found, pl.String))
