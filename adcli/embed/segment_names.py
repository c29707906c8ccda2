"""Names of segments: the category and the terms that mark each, in words for people and for ad copy.

    segment_names(tellings, labels, 6)        # -> ["Kitchen · moka pot · kettle", ...]

Source: Tomokiyo and Hurst, "A Language Model Approach to Keyphrase Extraction" (2003), pointwise divergence:
a term's share of a segment's words, times the log of that share over its share of the others' words. Words
that all segments have much of, which class-based TF-IDF lets through, mark none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse  # noqa: TID253 - this module is reached only when segments are named

from adcli.copy.wording import stem, words

TERMS: Final = 2
CATEGORY_SHARE: Final = 0.5  # of a segment's weight, from which on its category is in its name
SEPARATOR: Final = " · "
PAIRED: Final = 0.4  # of a word's score, with which a pair of words stands for it
Term = tuple[str, ...]  # the stems of a word, or of two that stand side by side

_PHRASE_END = re.compile(r"[,;:.!?()|/]|\s-\s")
_LEAST_LETTERS = 3
MANY_TEXTS: Final = 100
_FEW: Final = 2  # texts in which a term must stand where there are many


class Tellings(NamedTuple):
    """What is known in words of the n rows that are segmented.

    Attributes:
        weights: (n, m) how much each row has to do with each text; rows need not sum to one.
        texts: (m,) the texts, such as titles.
        categories: (m,) the category of each, or an empty string.
        brands: Brands, whose names do not mark a taste.
    """

    weights: sparse.csr_array
    texts: Sequence[str]
    categories: Sequence[str]
    brands: Sequence[str] = ()


def segment_names(tellings: Tellings, labels: npt.NDArray[np.int64], segments: int) -> list[str]:
    """A name for each segment, no two alike.

    Args:
        tellings: What is known of the rows.
        labels: (n,) the segment of each row.
        segments: How many there are.
    """
    rows = np.arange(len(labels))
    totals = np.maximum(np.asarray(tellings.weights.sum(axis=1)).ravel(), 1e-12)
    membership = sparse.csr_array((1 / totals, (labels, rows)), shape=(segments, len(labels)))
    mix = (membership @ tellings.weights).tocsr()  # (segments, m): each row weighs one
    terms, counts = _term_counts(tellings)
    scores = _divergence(np.asarray((mix @ counts).todense()))
    spoken = _surface_forms(tellings.texts)
    categories = _main_categories(mix, tellings.categories)
    names: list[str] = []
    for segment in range(segments):
        best = _best_terms(terms, scores[segment])
        names.append(_named(categories[segment], best, spoken, names))
    return names


def _best_terms(terms: Sequence[Term], scores: npt.NDArray[np.float64]) -> list[Term]:
    """The terms that mark a segment, best first; for a word that mostly stands in a pair, the pair."""
    score = {term: float(value) for term, value in zip(terms, scores, strict=True) if value > 0}
    best = sorted(score, key=lambda term: (-score[term], term))
    pairs = [term for term in best if len(term) > 1]
    return [
        next((pair for pair in pairs if term[0] in pair and score[pair] >= PAIRED * score[term]), term)
        if len(term) == 1
        else term
        for term in best
    ]


def _named(category: str, terms: Sequence[Term], spoken: dict[str, str], taken: Sequence[str]) -> str:
    """A category and two terms that add to it and to each other; more terms where the name is taken."""
    said = {stem(word) for word in words(category)}
    parts = [category] if category else []
    fresh: list[str] = []
    for term in terms:
        name = SEPARATOR.join([*parts, *fresh])
        if len(fresh) >= TERMS and name not in taken:
            return name
        if not said & set(term):
            said |= set(term)
            fresh.append(" ".join(spoken[word] for word in term))
    name = SEPARATOR.join([*parts, *fresh]) or "everybody"
    alike = sum(other.split(" #")[0] == name for other in taken)
    return f"{name} #{alike + 1}" if alike else name


def _term_counts(tellings: Tellings) -> tuple[list[Term], sparse.csr_array]:
    """The terms, of one word or two, and (m, terms) whether each text has each."""
    brand_words = {stem(word) for brand in tellings.brands for word in words(brand)}
    found = [_terms(text, brand_words) for text in tellings.texts]
    frequency = Counter(term for terms in found for term in terms)
    least = _FEW if len(found) > MANY_TEXTS else 1
    kept = sorted(term for term, count in frequency.items() if count >= least)
    place = {term: number for number, term in enumerate(kept)}
    pairs = [(row, place[term]) for row, terms in enumerate(found) for term in sorted(terms) if term in place]
    at = np.array(pairs, np.int64).reshape(-1, 2).T
    return kept, sparse.csr_array((np.ones(len(pairs)), (at[0], at[1])), shape=(len(found), len(kept)))


def _terms(text: str, left_out: set[str]) -> set[Term]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    stems = [
        stem(token) if _is_word(token) and token not in ENGLISH_STOP_WORDS else None
        for phrase in _PHRASE_END.split(text)
        for token in (*words(phrase), "")
    ]
    stems = [None if one in left_out else one for one in stems]
    single = {(one,) for one in stems if one}
    return single | {(one, two) for one, two in pairwise(stems) if one and two and one != two}


def _is_word(token: str) -> bool:
    return (
        bool(token) and not re.search(r"\d", token) and (len(token) >= _LEAST_LETTERS or not token.isascii())
    )


def _surface_forms(texts: Sequence[str]) -> dict[str, str]:
    """The commonest written form of each stem."""
    seen: dict[str, Counter[str]] = {}
    for text in texts:
        for token in words(text):
            seen.setdefault(stem(token), Counter())[token] += 1
    return {key: min(forms, key=lambda form: (-forms[form], form)) for key, forms in seen.items()}


def _divergence(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(segments, terms) what each term adds to the divergence of a segment's words from the others' words.

    One word in all is added to the others', shared out as all words are, so that none is missing there.
    """
    occurrences = counts.sum(axis=0)
    whole = max(float(occurrences.sum()), 1e-12)
    own = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(own, 1e-12)
    others = (occurrences - counts + occurrences / whole) / (whole - own + 1)
    return np.asarray(share * np.log(np.maximum(share, 1e-12) / np.maximum(others, 1e-12)))


def _main_categories(mix: sparse.csr_array, categories: Sequence[str]) -> list[str]:
    """The category that has most of each segment's weight, where one has half of it."""
    known = sorted({category for category in categories if category})
    place = {category: number for number, category in enumerate(known)}
    at = [(row, place[category]) for row, category in enumerate(categories) if category]
    rows, columns = np.array(at, np.int64).reshape(-1, 2).T
    member = sparse.csr_array((np.ones(len(at)), (rows, columns)), shape=(len(categories), len(known)))
    amounts = np.asarray((mix @ member).todense())
    if not known:
        return [""] * len(amounts)
    best = amounts.argmax(axis=1)
    total = np.maximum(np.asarray(mix.sum(axis=1)).ravel(), 1e-12)
    share = amounts[np.arange(len(amounts)), best] / total
    return [known[b] if s >= CATEGORY_SHARE else "" for b, s in zip(best, share, strict=True)]
