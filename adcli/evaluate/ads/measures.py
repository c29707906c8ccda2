"""The measures of single ads: what each is called in the table, its range, and what it is."""

from __future__ import annotations

import math
from typing import NamedTuple


class MetricRow(NamedTuple):
    """One measure of one group of ads, with its interval (NaN where none can be given) and what it is."""

    metric: str
    group: str
    value: float
    ci_low: float
    ci_high: float
    n: int
    definition: str


class Measure(NamedTuple):
    """One per-ad score in the table: its name there, whether it is a share of ads, its range, what it is."""

    score: str
    metric: str
    is_share: bool
    low: float
    high: float
    definition: str


def _share(score: str, metric: str, definition: str) -> Measure:
    return Measure(score, metric, True, 0, 1, f"share of ads {definition}")


def _mean(
    score: str, definition: str, *, low: float = -math.inf, high: float = math.inf, metric: str = ""
) -> Measure:
    return Measure(score, metric or score, False, low, high, f"mean {definition}")


MEASURES: tuple[Measure, ...] = (
    _share("fits_channel", "format_fit_rate", "whose texts fit their channel in number and length"),
    _mean("words", "words of the whole text"),
    _share("publishable", "publishable_rate", "in which no layer of the checker finds what blocks it"),
    _share(
        "unsupported_claims",
        "unsupported_claim_rate",
        "that state what the product's record does not, by adcli.copy.grounding and the model of claims",
    ),
    _mean("fact_coverage", "share of the product's facts that the ad states", low=0, high=1),
    _share("banned_terms", "banned_term_rate", "that break a rule of the market, by adcli.copy.rules"),
    _share("personal_data", "personal_data_rate", "with an e-mail address, link or telephone number"),
    _share("toxicity", "toxicity_rate", "that are profane or discriminate, by adcli.copy.rules"),
    _mean(
        "sentiment",
        "(positive - negative) / (positive + negative) words, by the small lists of adcli.copy.lexicon",
        low=-1,
        high=1,
    ),
    _mean("readability", "Flesch reading ease of English ads; 60 to 70 is plain", metric="reading_ease"),
    _mean("rouge_1", "ROUGE-1 F1 with the nearest reference", low=0, high=1),
    _mean("rouge_2", "ROUGE-2 F1 with the nearest reference", low=0, high=1),
    _mean("rouge_l", "ROUGE-L F1 with the nearest reference", low=0, high=1),
    _mean(
        "bert_score",
        "BERTScore F1 with the nearest reference: last-layer tokens of this encoder, special ones left out, "
        "no idf weights, not rescaled to a baseline",
        low=-1,
        high=1,
    ),
)
