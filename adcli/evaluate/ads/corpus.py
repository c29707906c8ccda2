"""Measures of a body of ads together: variety, repetition, BLEU, perplexity."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.copy.wording import is_chinese, words
from adcli.evaluate.ads.measures import MetricRow
from adcli.statistics.intervals import (
    NO_INTERVAL,
    Interval,
    ratio_interval,
    student_quantile,
    wilson_clustered,
)
from adcli.statistics.ngrams import bleu, bleu_counts, distinct, self_bleu, tokens

PARTS = 40
FEWEST = 5  # below so many products an interval would be a guess


def corpus_rows(
    texts: Sequence[str],
    items: Sequence[str],
    group: str,
    *,
    references: Sequence[Sequence[str]] | None = None,
    likely: tuple[Floats, Floats | Integers] | None = None,
    confidence: float = 0.95,
) -> Iterator[MetricRow]:
    """The measures of these ads taken together.

    `texts` (n,) texts of the ads; `items` (n,) the product each is for; `group`: what the ads are called in
    the table; `references` (n,) reference texts of each ad, ads without any are left out of BLEU; `likely`
    (n,) log-likelihood of each text under a language model, and (n,) its tokens.
    """
    clusters = np.unique(np.asarray(items, dtype=str), return_inverse=True)[1]
    yield _repeated(texts, clusters, group, confidence)
    yield from _variety(texts, clusters, group, confidence)
    if references is not None:
        yield from _bleu_row(texts, references, clusters, group, confidence)
    if likely is not None:
        yield _perplexity(likely[0], np.asarray(likely[1], float), clusters, group, confidence)


def _variety(texts: Sequence[str], clusters: Integers, group: str, confidence: float) -> Iterator[MetricRow]:
    said = [tokens(text) for text in texts]

    def mean_self_bleu(rows: Integers) -> float:
        return float(self_bleu([said[row] for row in rows]).mean())

    for size in (1, 2, 3):

        def distinct_of(rows: Integers, size: int = size) -> float:
            return distinct([said[row] for row in rows], size)

        value, interval = jackknife(distinct_of, clusters, confidence)
        yield MetricRow(
            f"distinct_{size}", group, value, interval.low, min(interval.high, 1.0), len(texts),
            f"different {size}-grams as a share of all; falls as ads are added; interval on the safe side",
        )  # fmt: skip
    value, interval = jackknife(mean_self_bleu, clusters, confidence)
    yield MetricRow(
        "self_bleu", group, value, interval.low, min(interval.high, 100.0), len(texts),
        "mean BLEU-4 (0 to 100) of each ad against all others; high is monotonous; interval on the safe side",
    )  # fmt: skip


def _repeated(texts: Sequence[str], clusters: Integers, group: str, confidence: float) -> MetricRow:
    seen: set[tuple[str, ...]] = set()
    again = np.zeros(len(texts))
    for row, text in enumerate(texts):
        key = tuple(words(text))
        again[row] = key in seen
        seen.add(key)
    repeated, n = _summed(clusters, again), _summed(clusters, np.ones(len(texts)))
    low, high = wilson_clustered(repeated, n, confidence)
    return MetricRow(
        "duplicate_rate", group, float(again.mean()), low, high, len(texts),
        "share of ads whose words are those of an earlier ad",
    )  # fmt: skip


def jackknife(
    measure: Callable[[Integers], float], clusters: Integers, confidence: float
) -> tuple[float, Interval]:
    """A measure of all rows, and its interval from leaving out one part of the clusters after another.

    `measure`: row numbers to the measure of those rows; `clusters` (n,) the cluster of each row, 0 to the
    number of clusters.

    Source: Shao and Tu (1995), section 2.3 (delete-a-group jackknife), with Student's quantile.
    """
    value = measure(np.arange(len(clusters)))
    parts = min(PARTS, int(clusters.max()) + 1)
    if parts < FEWEST:
        return value, NO_INTERVAL
    left_out = [measure(np.flatnonzero(clusters % parts != part)) for part in range(parts)]
    margin = student_quantile(confidence, parts - 1) * math.sqrt((parts - 1) * float(np.var(left_out)))
    return value, Interval(max(0.0, value - margin), value + margin)


def _bleu_row(
    texts: Sequence[str],
    references: Sequence[Sequence[str]],
    clusters: Integers,
    group: str,
    confidence: float,
) -> Iterator[MetricRow]:
    known = [row for row, wanted in enumerate(references) if wanted]
    if not known:
        return
    split, how = _bleu_tokens(chinese=is_chinese(" ".join(texts)))
    counts = np.array(
        [bleu_counts(split(texts[row]), [split(text) for text in references[row]]) for row in known]
    )
    products = np.unique(clusters[known], return_inverse=True)[1]
    value, (low, high) = jackknife(lambda rows: float(bleu(counts[rows].sum(axis=0))), products, confidence)
    yield MetricRow(
        "bleu", group, value, low, min(high, 100.0), len(known),
        f"corpus BLEU-4 (0 to 100), {how}, exponential smoothing, closest reference length",
    )  # fmt: skip


def _bleu_tokens(*, chinese: bool) -> tuple[Callable[[str], list[str]], str]:
    """How BLEU splits texts: as sacrebleu does where it is installed, else into lower-case words."""
    if importlib.util.find_spec("sacrebleu") is None:
        return tokens, "lower-case words (sacrebleu is not installed, so this is no sacreBLEU figure)"
    name = "zh" if chinese else "13a"
    tokenizer = importlib.import_module("sacrebleu.metrics").BLEU(tokenize=name).tokenizer
    return lambda text: str(tokenizer(text.rstrip())).split(), f"tokens as sacrebleu's {name}, case kept"


def _summed(clusters: Integers, values: Floats) -> Floats:
    """(clusters,) the sum of the values of each cluster."""
    return np.bincount(clusters, values).astype(np.float64)


def _perplexity(
    log_likelihood: Floats, counted: Floats, clusters: Integers, group: str, confidence: float
) -> MetricRow:
    nats, tokens_of = _summed(clusters, -log_likelihood), _summed(clusters, counted)
    low, high = ratio_interval(nats, tokens_of, confidence)
    return MetricRow(
        "perplexity", group, math.exp(nats.sum() / max(1.0, tokens_of.sum())), math.exp(low), math.exp(high),
        len(log_likelihood), "e to the mean negative log-likelihood of a token, by the language model given",
    )  # fmt: skip
