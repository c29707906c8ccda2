"""Whether measures of ads rank them as people, or shoppers' clicks, do."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from adcli.errors import DataError
from adcli.evaluate.ads.measures import MetricRow
from adcli.statistics.correlations import rank_correlation

FEWEST = 10  # below this many rated ads the approximations of the intervals do not hold


def agreement_rows(
    scores: pl.DataFrame, ratings: pl.Series, name: str, confidence: float
) -> Iterator[MetricRow]:
    """Spearman's and Kendall's rank correlation of each per-ad score with the ratings.

    Args:
        scores: One row an ad (`ad_scores`).
        ratings: (n,) ratings of the same ads; null where an ad was not rated.
        name: What the ratings are called.
        confidence: Of the intervals.
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
