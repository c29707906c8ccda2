"""Ads with their products, clicks and what people decided of them, as what a writer learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.copy.checker import Checker, is_publishable
from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts, catalogue_facts
from adcli.copy.prompts import ad_prompt
from adcli.copy.review import Reviewed
from adcli.errors import DataError, printable
from adcli.optimize.writer.clicks import ShownAds

MOST_PREFERENCES = 8  # of one prompt, the surest
LEAST_CONFIDENCE = 0.5
PRODUCT = ("title", "description", "brand", "category")  # by which pairs are of one product


class WriterAds(NamedTuple):
    """Ads, each text of a prompt once.

    Attributes:
        products: Of the ads.
        prompts: What is asked for a product and segment.
        item: Of each prompt the place of its product.
        segment: Of each prompt its segment, '' for everybody.
        ads: `prompt text impressions clicks accepted`; the last is null where nobody decided.
    """

    products: tuple[ProductFacts, ...]
    prompts: list[str]
    item: list[int]
    segment: list[str]
    ads: pl.DataFrame

    def shown(self) -> ShownAds:
        """Those that were shown."""
        rows = self.ads.filter(pl.col("impressions") > 0)
        places = rows["prompt"].to_list()
        return ShownAds(
            [self.item[place] for place in places],
            [self.segment[place] for place in places],
            rows["text"].to_list(),
            rows["impressions"].to_list(),
            rows["clicks"].to_list(),
        )

    def held_out(self, share: float, seed: int) -> list[int]:
        """Prompts of a share of the items that have ads, drawn by seed."""
        items = np.random.default_rng(seed).permutation(np.unique(self.item))
        apart = set(items[: max(1, round(share * len(items)))].tolist())
        return [place for place, item in enumerate(self.item) if item in apart]


def with_ids(ads: pl.DataFrame) -> pl.DataFrame:
    """Ads or pairs as ads, no space around texts: pairs of a product have one item_id, each its own ad_id."""
    ads = ads.with_columns(pl.col("text").str.strip_chars())
    if "item_id" not in ads.columns:
        about = pl.struct(name for name in PRODUCT if name in ads.columns)
        ads = ads.with_columns(item_id=about.rank("dense").cast(pl.String))
    if "ad_id" not in ads.columns:
        ads = ads.with_row_index("ad_id").with_columns(pl.col("ad_id").cast(pl.String))
    return ads


def writer_ads(
    ads: pl.DataFrame,
    products: Sequence[Mapping[str, object]],
    counts: pl.DataFrame | None,
    decided: Reviewed | None,
    own: Mapping[str, Sequence[Fact]],
) -> WriterAds:
    """Ads with the products they are for.

    Args:
        ads: `ad_id item_id text`, `segment_id` and `segment_name` where they are for one.
        products: Rows of a products table.
        counts: `ad_id impressions clicks` of those that were shown.
        decided: What people decided of them; what they edited a text into is an ad as well.
        own: What a brand's own file states, by `item_id`.

    Raises:
        DataError: If no ad is for one of the products, the log shows none, or an ad_id has two ads.
    """
    catalogue = catalogue_facts(products, own=own)
    place = {product.item_id: number for number, product in enumerate(catalogue.products)}
    shown = ads.select(
        pl.col("ad_id").cast(pl.String),
        pl.col("item_id").cast(pl.String),
        "text",
        *(
            (pl.col(name).fill_null("") if name in ads.columns else pl.lit("")).alias(name)
            for name in ("segment_id", "segment_name")
        ),
    ).filter(pl.col("item_id").is_in(list(place)) & (pl.col("text").str.len_chars() > 0))
    shown = shown.unique(maintain_order=True)
    if not shown.height:
        raise DataError(
            "No ad is for one of the products.", fix="Give the products of the ads with --catalog."
        )
    if counts is not None or decided is not None:
        _check_ids(shown["ad_id"])
    decisions = pl.DataFrame(
        decided._asdict() if decided else {},
        schema={"ad_ids": pl.String, "texts": pl.String, "accepted": pl.Boolean},
    ).rename({"ad_ids": "ad_id", "texts": "text"})
    edited = shown.drop("text").join(decisions, on="ad_id").select(*shown.columns, "accepted")
    if counts is not None:
        shown = shown.join(counts, on="ad_id", how="left")
        if not shown["impressions"].sum():
            raise DataError(
                "The log shows none of the ads: no ad_id of it is one of theirs.",
                fix="Give the log of these ads; --map ad_id=COLUMN names its column.",
            )
    else:
        shown = shown.with_columns(impressions=pl.lit(0.0), clicks=pl.lit(0.0))
    shown = pl.concat([shown, edited], how="diagonal")
    key = ["item_id", "segment_id", "segment_name"]
    prompts = shown.select(key).unique(maintain_order=True).with_row_index("prompt")
    joined = shown.join(prompts, on=key, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("accepted").min().over("item_id", "text"))  # rejected once, rejected
    each = joined.group_by("prompt", "text", maintain_order=True).agg(
        pl.col("impressions", "clicks").fill_null(0).sum().cast(pl.Float64), pl.col("accepted").first()
    )
    items = [place[item_id] for item_id in prompts["item_id"]]
    words = prompts.select(
        pl.when(pl.col("segment_name") == "").then("segment_id").otherwise("segment_name")
    ).to_series()
    asked = [ad_prompt(catalogue.products[item], segment) for item, segment in zip(items, words, strict=True)]
    return WriterAds(
        catalogue.products,
        asked,
        items,
        prompts["segment_id"].to_list(),
        each,
    )


def _check_ids(ad_ids: pl.Series) -> None:
    repeated = ad_ids.filter(ad_ids.is_duplicated())
    if repeated.len():
        raise DataError(
            f"The ads have the ad_id {printable(repeated[0])} more than once, with other texts, items or "
            "segments: of which one it was clicked or decided is not known.",
            fix="Give each ad its own ad_id.",
        )


def supported_pairs(found: WriterAds, checker: Checker) -> tuple[list[tuple[int, str]], int]:
    """Prompts with the ads that neither a checker nor people object to, and how many others there are."""
    rows = list(
        found.ads.filter(pl.col("accepted").fill_null(value=True)).select("prompt", "text").iter_rows()
    )
    products = [found.products[found.item[place]] for place, _ in rows]
    findings = checker.findings([text for _, text in rows], products)
    kept = [pair for pair, its in zip(rows, findings, strict=True) if is_publishable(its)]
    return kept, found.ads.height - len(kept)


def preferences(found: WriterAds) -> list[tuple[int, str, str, float]]:
    """Of each prompt pairs of a better and a worse text, and what they count.

    What people accepted is better than what they rejected. Of two texts that were shown, and not rejected,
    the one that drew more clicks is, and counts by its gain and by how sure that is; the surest pairs of a
    prompt are taken.

    Raises:
        DataError: If there is none.

    Source: arXiv 2507.20227 (2025), for pairs weighted by gain and confidence.
    """
    pairs: list[tuple[int, str, str, float]] = []
    for (place,), rows in found.ads.group_by(["prompt"], maintain_order=True):
        texts = rows["text"].to_list()
        decided = rows["accepted"].to_list()
        good, bad = ([t for t, a in zip(texts, decided, strict=True) if a is want] for want in (True, False))
        pairs += [(int(str(place)), better, worse, 1.0) for better in good for worse in bad]
        is_wanted = pl.col("accepted").fill_null(value=True)
        pairs += _of_clicks(int(str(place)), rows.filter(is_wanted & (pl.col("impressions") > 0)))
    if not pairs:
        raise DataError(
            "No prompt has two ads of which one is known to be better.",
            fix="Give a log of the ads with more clicks by --log, or what people decided by --reviewed.",
        )
    return pairs


def _of_clicks(place: int, rows: pl.DataFrame) -> list[tuple[int, str, str, float]]:
    from scipy.stats import norm

    texts, shown = rows["text"].to_list(), rows["impressions"].to_numpy()
    rate = (rows["clicks"].to_numpy() + 0.5) / (shown + 1)
    found = []
    for first in range(len(texts)):
        for second in range(first + 1, len(texts)):
            variance = sum(rate[one] * (1 - rate[one]) / shown[one] for one in (first, second))
            gain = rate[first] - rate[second]
            confidence = float(2 * norm.cdf(abs(gain) / np.sqrt(variance)) - 1)
            better, worse = (first, second) if gain > 0 else (second, first)
            weight = confidence * abs(gain) / (rate[first] + rate[second])
            if confidence >= LEAST_CONFIDENCE:
                found.append((place, texts[better], texts[worse], float(weight)))
    return sorted(found, key=lambda pair: -pair[3])[:MOST_PREFERENCES]
