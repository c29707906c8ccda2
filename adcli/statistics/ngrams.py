"""Measures of texts by the word sequences they share: ROUGE, BLEU, self-BLEU, distinct-n.

    >>> rouge_n(tokens("a red wool rug"), tokens("a red rug"), 1)
    0.8571428571428571

BLEU has no stemming and no case folding of its own: it is what its tokens make it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.arrays import Floats

Tokens = Sequence[str]
MOST = 4


def tokens(text: str) -> list[str]:
    """The lower-case words of `text` as ROUGE counts them; each Chinese character is a word."""
    return re.findall(r"[\u3400-\u9fff]|[a-z0-9]+|[^\W_a-z0-9\u3400-\u9fff]+", text.lower())


def ngrams(words: Tokens, size: int) -> Counter[tuple[str, ...]]:
    """How often each run of `size` words stands in `words`."""
    return Counter(zip(*(words[start:] for start in range(size)), strict=False))


def _f1(shared: float, said: float, wanted: float) -> float:
    return 2 * shared / (said + wanted) if shared else 0.0


def rouge_n(words: Tokens, reference: Tokens, size: int) -> float:
    """ROUGE-N F1 of a text against one reference.

    Source: Lin (2004), section 2, with F1 of precision and recall.
    """
    said, wanted = ngrams(words, size), ngrams(reference, size)
    return _f1((said & wanted).total(), said.total(), wanted.total())


def rouge_l(words: Tokens, reference: Tokens) -> float:
    """ROUGE-L F1 of a text against one reference: by their longest common subsequence.

    Source: Lin (2004), section 3.1, with F1 of precision and recall.
    """
    row = [0] * (len(reference) + 1)
    for word in words:
        before = 0
        for place, wanted in enumerate(reference, start=1):
            above = row[place]
            row[place] = before + 1 if word == wanted else max(above, row[place - 1])
            before = above
    return _f1(row[-1], len(words), len(reference))


def bleu_counts(words: Tokens, references: Sequence[Tokens]) -> Floats:
    """(10,) what BLEU sums: shared n-grams of each size, all n-grams, own and closest reference's length."""
    shared, said = np.zeros(MOST), np.zeros(MOST)
    for size in range(1, MOST + 1):
        own = ngrams(words, size)
        most: Counter[tuple[str, ...]] = Counter()
        for reference in references:
            most |= ngrams(reference, size)
        shared[size - 1], said[size - 1] = (own & most).total(), own.total()
    closest = min(
        (len(reference) for reference in references), key=lambda length: (abs(length - len(words)), length)
    )
    return np.concatenate([shared, said, [len(words), closest]])


def bleu(counts: Floats) -> Floats:
    """(...,) BLEU-4 in 0 to 100 of summed counts (..., 10), zero counts smoothed by halving.

    Source: Papineni et al. (2002), equations 2 to 4; smoothing 3 of Chen and Cherry (2014), as sacrebleu.
    """
    shared, said = counts[..., :MOST], counts[..., MOST : 2 * MOST]
    own, closest = counts[..., 2 * MOST], counts[..., 2 * MOST + 1]
    missing = (shared == 0) & (said > 0)
    smoothed = np.where(missing, 0.5 ** np.cumsum(missing, axis=-1), shared)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(said > 0, smoothed / said, 0.0)
        brevity = np.where(own < closest, np.exp(1 - closest / np.maximum(own, 1e-9)), 1.0)
        geometric = np.exp(np.log(precision).mean(axis=-1))
    return np.where((own > 0) & (shared[..., 0] > 0), 100 * brevity * geometric, 0.0)


class _TwoMost(NamedTuple):
    """The most often an n-gram stands in one text, which text, and the most in any other."""

    most: int
    text: int
    next_most: int


def self_bleu(texts: Sequence[Tokens]) -> Floats:
    """(n,) BLEU-4 of each text against all the others as references, in time linear in the words.

    Source: Zhu et al. (2018), section 3.4.
    """
    counted = [[ngrams(words, size) for size in range(1, MOST + 1)] for words in texts]
    best: list[dict[tuple[str, ...], _TwoMost]] = [{} for _ in range(MOST)]
    for text, sizes in enumerate(counted):
        for size, grams in enumerate(sizes):
            for gram, count in grams.items():
                most, where, second = best[size].get(gram, _TwoMost(0, -1, 0))
                better = (
                    _TwoMost(count, text, most) if count > most else _TwoMost(most, where, max(second, count))
                )
                best[size][gram] = better
    lengths = sorted(len(words) for words in texts)
    rows = [_against_others(text, sizes, best, lengths) for text, sizes in enumerate(counted)]
    return bleu(np.array(rows)) if len(texts) > 1 else np.full(len(texts), np.nan)


def _against_others(
    text: int,
    sizes: Sequence[Counter[tuple[str, ...]]],
    best: Sequence[dict[tuple[str, ...], _TwoMost]],
    lengths: Sequence[int],
) -> Floats:
    shared = [
        sum(
            min(count, seen.next_most if seen.text == text else seen.most)
            for gram, count in grams.items()
            if (seen := table[gram])
        )
        for grams, table in zip(sizes, best, strict=True)
    ]
    own = sizes[0].total()
    place = bisect_left(lengths, own)
    others = [*lengths[max(0, place - 1) : place], *lengths[place + 1 : place + 2]]
    closest = min(others, key=lambda length: (abs(length - own), length), default=0)
    return np.array([*shared, *(grams.total() for grams in sizes), own, closest], dtype=float)


def distinct(texts: Sequence[Tokens], size: int) -> float:
    """Distinct-n: different n-grams as a share of all n-grams of the texts; NaN where there is none.

    Source: Li et al. (2016), section 5.
    """
    counted: Counter[tuple[str, ...]] = Counter()
    for words in texts:
        counted.update(ngrams(words, size))
    return len(counted) / counted.total() if counted else float("nan")
