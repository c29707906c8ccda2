"""What ads are worth before they run: form, claims, wording, variety, references, agreement with people.

Each figure says what it is and over what; intervals are over products, because the ads of one product are
alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.facts import ProductFacts
from adcli.errors import DataError
from adcli.evaluate.ads.corpus import corpus_rows
from adcli.evaluate.ads.measures import MEASURES, Measure, MetricRow
from adcli.evaluate.ads.scores import EncodeTokens, ad_scores
from adcli.evaluate.figures import figures_table
from adcli.statistics.correlations import rank_correlation
from adcli.statistics.intervals import Interval, ratio_interval, wilson_clustered

Likelihood = Callable[[Sequence[str]], tuple[Floats, Floats | Integers]]
FEWEST = 10  # below this many rated ads the approximations of the intervals do not hold
FINDING = pl.Struct(dict.fromkeys(("rule", "span", "severity", "layer", "source"), pl.String()))
SCHEMA = {"ad_id": pl.String(), "publishable": pl.Boolean(), "findings": pl.List(FINDING)}


def ad_table(
    ads: pl.DataFrame,
    *,
    products: Sequence[ProductFacts] | None = None,
    references: pl.DataFrame | None = None,
    by: Sequence[str] = (),
    ratings: Sequence[str] = (),
    encode_tokens: EncodeTokens | None = None,
    likelihood: Likelihood | None = None,
    confidence: float = 0.95,
    checker: Checker | None = None,
) -> pl.DataFrame:
    """Every measure that the ads, and what is given beside them, allow.

    Args:
        ads: An ads table; a `reference` column counts as a reference of its ad.
        products: What is known of the products the ads are for; allows claims to be checked.
        references: Texts to compare with: `text`, and the `ad_id` or else `item_id` each belongs to.
        by: Columns of `ads`; each of their values is a group of its own beside all ads.
        ratings: Columns of `ads` with human ratings, or rates, that the measures are to agree with.
        encode_tokens: Texts to one (tokens, d) array of unit vectors each; allows BERTScore.
        likelihood: Texts to their log-likelihoods and token counts under a language model; allows perplexity.
        confidence: Of the intervals.
        checker: Of claims; None is that of the default market.

    Returns:
        One row per measure and group: `metric group value ci_low ci_high n definition`.

    Raises:
        DataError: If there are no ads, or a column of `by` or `ratings` is missing.
    """
    _check(ads, by, ratings)
    ads = ads.with_columns(pl.col("ad_id", "item_id").cast(pl.String), pl.col("text").fill_null(""))
    wanted = _references(ads, references)
    scores = ad_scores(
        ads, products=products, references=wanted, encode_tokens=encode_tokens, checker=checker
    )
    likely = likelihood(ads["text"].to_list()) if likelihood else None
    rows: list[MetricRow] = []
    for group, chosen in _groups(ads, by):
        part, items = scores.filter(chosen), ads["item_id"].filter(chosen)
        rows += _score_rows(part, items, group, confidence)
        kept = np.flatnonzero(chosen.to_numpy())
        rows += corpus_rows(
            ads["text"].filter(chosen).to_list(),
            items.to_list(),
            group,
            references=[wanted[ad_id] for ad_id in ads["ad_id"].filter(chosen)] if wanted else None,
            likely=(likely[0][kept], likely[1][kept]) if likely else None,
            confidence=confidence,
        )
    for rating in ratings:
        rows += agreement_rows(scores, ads[rating].cast(pl.Float64, strict=False), rating, confidence)
    return figures_table(rows, MetricRow)


def _check(ads: pl.DataFrame, by: Sequence[str], ratings: Sequence[str]) -> None:
    if not ads.height:
        raise DataError("There are no ads to evaluate.")
    missing = [name for name in ("ad_id", "item_id", "text", *by, *ratings) if name not in ads.columns]
    if missing:
        raise DataError(
            f"The ads have no column '{missing[0]}'.", fix=f"They have: {', '.join(ads.columns)}."
        )


def _references(ads: pl.DataFrame, references: pl.DataFrame | None) -> Mapping[str, list[str]] | None:
    """The references of each ad by `ad_id`; None where there are none at all."""
    found: dict[str, list[str]] = {ad_id: [] for ad_id in ads["ad_id"]}
    if "reference" in ads.columns:
        for ad_id, text in ads.select("ad_id", "reference").drop_nulls().iter_rows():
            found[ad_id].append(text)
    if references is not None:
        key = "ad_id" if "ad_id" in references.columns else "item_id"
        texts = references.select(pl.col(key).cast(pl.String), pl.col("text").alias("wanted")).drop_nulls()
        for ad_id, text in ads.join(texts, on=key).select("ad_id", "wanted").iter_rows():
            found[ad_id].append(text)
    return found if any(found.values()) else None


def _groups(ads: pl.DataFrame, by: Sequence[str]) -> Iterator[tuple[str, pl.Series]]:
    """All ads, and those of each value of each column; of a column of lists, those that hold each value."""
    yield "all", pl.Series([True] * ads.height)
    for column in by:
        if isinstance(ads.schema[column], pl.List):
            for value in sorted(ads[column].explode().drop_nulls().cast(pl.String).unique()):
                held = ads[column].cast(pl.List(pl.String)).list.contains(value)
                yield f"{column}={value}", held.fill_null(value=False)
            continue
        values = ads[column].cast(pl.String)
        for value in sorted(values.drop_nulls().unique()):
            yield f"{column}={value}", (values == value).fill_null(value=False)


def _score_rows(scores: pl.DataFrame, items: pl.Series, group: str, confidence: float) -> Iterator[MetricRow]:
    for measure in MEASURES:
        if measure.score not in scores.columns:
            continue
        known = pl.DataFrame({"item": items, "score": scores[measure.score]}).drop_nulls()
        if not known.height:
            continue
        per_item = known.group_by("item", maintain_order=True).agg(
            pl.col("score").sum(), n=pl.len().cast(pl.Float64)
        )
        interval = _interval(measure, per_item["score"].to_numpy(), per_item["n"].to_numpy(), confidence)
        value = float(known["score"].sum()) / known.height
        yield MetricRow(
            measure.metric, group, value, interval.low, interval.high, known.height, measure.definition
        )


def _interval(measure: Measure, total: Floats, n: Floats, confidence: float) -> Interval:
    """Wilson's interval of a share, else the jackknife's of a mean, over products, within its range."""
    if measure.is_share:
        return wilson_clustered(total, n, confidence)
    low, high = ratio_interval(total, n, confidence)
    return Interval(max(low, measure.low), min(high, measure.high))


def agreement_rows(
    scores: pl.DataFrame, ratings: pl.Series, name: str, confidence: float
) -> Iterator[MetricRow]:
    """Spearman's and Kendall's rank correlation of each per-ad score with the ratings.

    `scores`: one row an ad (`ad_scores`); `ratings` (n,) ratings of the same ads, null where an ad was not
    rated.
    """
    for score in scores.columns:
        known = pl.DataFrame({"score": scores[score], "rating": ratings}).drop_nulls().drop_nans()
        if known.height < FEWEST or known["score"].n_unique() < 2 or known["rating"].n_unique() < 2:
            continue
        columns = known["score"].to_numpy(), known["rating"].to_numpy()
        said = f"rank correlation of {score} with {name}, over ads"
        for metric in ("spearman", "kendall"):
            correlation = rank_correlation(*columns, metric, confidence)
            yield MetricRow(metric, f"{name} ~ {score}", *correlation, known.height, said)


def with_click_rates(ads: pl.DataFrame, impressions: pl.DataFrame) -> pl.DataFrame:
    """The ads with a column `ctr`, the click rate of each in a log; null where it was never shown.

    Raises DataError if the log does not say which ad was shown, or whether it was clicked, or shows none.
    """
    for name in ("ad_id", "click"):
        if name not in impressions.columns:
            raise DataError(f"The impressions have no column '{name}'.", fix=f"Name it: --map {name}=COLUMN.")
    rates = impressions.group_by(pl.col("ad_id").cast(pl.String)).agg(
        pl.col("click").cast(pl.Float64).mean().alias("ctr")
    )
    rated = ads.drop("ctr", strict=False).with_columns(pl.col("ad_id").cast(pl.String))
    rated = rated.join(rates, on="ad_id", how="left", maintain_order="left")
    if rated["ctr"].null_count() == rated.height:
        raise DataError("The impressions show none of these ads.", fix="Compare the values of ad_id.")
    return rated


def ad_verdicts(ads: pl.DataFrame, products: Sequence[ProductFacts], checker: Checker) -> pl.DataFrame:
    """One row an ad: `ad_id publishable findings`, each finding with `rule span severity layer source`.

    `ads`: an ads table; `products`: what is known of the products, an ad without its product is checked by
    rules.
    """
    by_item = {product.item_id: product for product in products}
    about = [by_item.get(item_id) for item_id in ads["item_id"].cast(pl.String)]
    found = checker.findings(ads["text"].fill_null("").to_list(), about)
    rows = [
        (ad_id, is_publishable(each), [finding._asdict() for finding in each])
        for ad_id, each in zip(ads["ad_id"].cast(pl.String), found, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
