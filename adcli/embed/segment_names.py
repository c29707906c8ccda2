"""Names of segments: the category and the terms that distinguish each.

    segment_names(texts, labels, 6)        # -> ["Kitchen · moka pot · kettle", ...]

Source: Tomokiyo and Hurst, "A Language Model Approach to Keyphrase Extraction" (2003), pointwise divergence:
a term's share of a segment's words, times the log of that share over its share of the others' words. Words
frequent in all segments, which class-based TF-IDF lets through, name none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from scipy import sparse  # noqa: TID253 - this module is reached only when segments are named

from adcli.arrays import Floats, Integers
from adcli.copy.wording import stem, words
from adcli.embed.interaction_vectors import OWN, InteractionVectors
from adcli.embed.item_vectors import ItemVectors
from adcli.embed.texts import STEP

TERMS: Final = 2
CATEGORY_SHARE: Final = 0.5  # of a segment's weight from which its main category is in the name
SEPARATOR: Final = " · "
PAIR_SCORE: Final = 0.4  # share of a word's score from which a bigram replaces it
Term = tuple[str, ...]  # the stem of a word, or of the two of a bigram
_PHRASE_END = re.compile(r"[,;:.!?()|/]|\s-\s")
_MIN_LETTERS = 3
MANY_TEXTS: Final = 100
_MIN_TEXTS: Final = 2  # of a term, where there are many


class SegmentTerms(NamedTuple):
    """The texts of the n rows that are segmented."""

    weights: sparse.csr_array  # (n, m) weight of each text in each row; rows need not sum to one
    texts: Sequence[str]  # (m,) the texts, such as titles
    categories: Sequence[str]  # (m,) the category of each, or an empty string
    brands: Sequence[str] = ()  # brands, which are no terms


def segment_names(texts: SegmentTerms, labels: Integers, segments: int) -> list[str]:
    """A name for each segment, no two alike.

    `texts`: texts of the rows; `labels` (n,) the segment of each row; `segments`: how many there are.
    """
    mix, terms, scores = _scored(texts, labels, segments)
    surface = _surface_forms(texts.texts)
    categories = _main_categories(mix, texts.categories)
    names: list[str] = []
    for segment in range(segments):
        best = _best_terms(terms, scores[segment])
        names.append(_named(categories[segment], best, surface, names))
    return names


def distinctive_terms(texts: SegmentTerms, labels: Integers, segments: int, *, most: int) -> list[list[str]]:
    """The terms that distinguish each segment from the others, best first, as they are written.

    `texts`: texts of the rows; `labels` (n,) the segment of each row; `segments`: how many there are; `most`:
    terms of a segment at most.
    """
    _, terms, scores = _scored(texts, labels, segments)
    surface = _surface_forms(texts.texts)
    best = [list(dict.fromkeys(_best_terms(terms, row)))[:most] for row in scores]
    return [[" ".join(surface[word] for word in term) for term in of_segment] for of_segment in best]


def segment_mix(weights: sparse.csr_array, labels: Integers, segments: int) -> sparse.csr_array:
    """(segments, m) the sum of the rows' weights, each row scaled to a total of one."""
    rows = np.arange(len(labels))
    totals = np.maximum(np.asarray(weights.sum(axis=1)).ravel(), 1e-12)
    membership = sparse.csr_array((1 / totals, (labels, rows)), shape=(segments, len(labels)))
    return (membership @ weights).tocsr()


def _scored(
    texts: SegmentTerms, labels: Integers, segments: int
) -> tuple[sparse.csr_array, list[Term], Floats]:
    """The mix of texts of each segment, the terms, and their (segments, terms) divergence."""
    mix = segment_mix(texts.weights, labels, segments)
    terms, counts = _term_counts(texts)
    return mix, terms, _divergence(np.asarray((mix @ counts).todense()))


def _best_terms(terms: Sequence[Term], scores: Floats) -> list[Term]:
    """The terms of a segment, best first; a word that mostly occurs in a bigram as the bigram."""
    score = {term: float(value) for term, value in zip(terms, scores, strict=True) if value > 0}
    best = sorted(score, key=lambda term: (-score[term], term))
    pairs = [term for term in best if len(term) > 1]
    return [
        next((pair for pair in pairs if term[0] in pair and score[pair] >= PAIR_SCORE * score[term]), term)
        if len(term) == 1
        else term
        for term in best
    ]


def _named(category: str, terms: Sequence[Term], surface: dict[str, str], taken: Sequence[str]) -> str:
    """A category and two terms without a word in common; more terms where the name is taken."""
    used = {stem(word) for word in words(category)}
    parts = [category] if category else []
    added: list[str] = []
    for term in terms:
        name = SEPARATOR.join([*parts, *added])
        if len(added) >= TERMS and name not in taken:
            return name
        if not used & set(term):
            used |= set(term)
            added.append(" ".join(surface[word] for word in term))
    name = SEPARATOR.join([*parts, *added]) or "everybody"
    alike = sum(other.split(" #")[0] == name for other in taken)
    return f"{name} #{alike + 1}" if alike else name


def _term_counts(texts: SegmentTerms) -> tuple[list[Term], sparse.csr_array]:
    """The unigrams and bigrams, and (m, terms) their occurrence in each text."""
    brand_words = {stem(word) for brand in texts.brands for word in words(brand)}
    found = [_terms(text, brand_words) for text in texts.texts]
    frequency = Counter(term for terms in found for term in terms)
    least = _MIN_TEXTS if len(found) > MANY_TEXTS else 1
    kept = sorted(term for term, count in frequency.items() if count >= least)
    column = {term: number for number, term in enumerate(kept)}
    pairs = [
        (row, column[term]) for row, terms in enumerate(found) for term in sorted(terms) if term in column
    ]
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
    return bool(token) and not re.search(r"\d", token) and (len(token) >= _MIN_LETTERS or not token.isascii())


def _surface_forms(texts: Sequence[str]) -> dict[str, str]:
    """The commonest written form of each stem."""
    seen: dict[str, Counter[str]] = {}
    for text in texts:
        for token in words(text):
            seen.setdefault(stem(token), Counter())[token] += 1
    return {key: min(forms, key=lambda form: (-forms[form], form)) for key, forms in seen.items()}


def _divergence(counts: Floats) -> Floats:
    """(segments, terms) pointwise divergence of a segment's words from the others'.

    The others' counts are smoothed by one word in all, distributed as all words are.
    """
    occurrences = counts.sum(axis=0)
    whole = max(float(occurrences.sum()), 1e-12)
    own = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(own, 1e-12)
    others = (occurrences - counts + occurrences / whole) / (whole - own + 1)
    return np.asarray(share * np.log(np.maximum(share, 1e-12) / np.maximum(others, 1e-12)))


def category_weights(mix: sparse.csr_array, categories: Sequence[str]) -> tuple[list[str], Floats]:
    """The categories there are, and (segments, categories) the weight of each."""
    known = sorted({category for category in categories if category})
    column = {category: number for number, category in enumerate(known)}
    at = [(row, column[category]) for row, category in enumerate(categories) if category]
    rows, columns = np.array(at, np.int64).reshape(-1, 2).T
    member = sparse.csr_array((np.ones(len(at)), (rows, columns)), shape=(len(categories), len(known)))
    return known, np.asarray((mix @ member).todense())


def _main_categories(mix: sparse.csr_array, categories: Sequence[str]) -> list[str]:
    """The category with at least half of each segment's weight; empty for none."""
    known, amounts = category_weights(mix, categories)
    if not known:
        return [""] * len(amounts)
    best = amounts.argmax(axis=1)
    total = np.maximum(np.asarray(mix.sum(axis=1)).ravel(), 1e-12)
    share = amounts[np.arange(len(amounts)), best] / total
    return [known[b] if s >= CATEGORY_SHARE else "" for b, s in zip(best, share, strict=True)]


def terms_of_users(interactions: InteractionVectors, items: ItemVectors, users: pl.Series) -> SegmentTerms:
    """Of users: titles of items, searches, reviews.

    `interactions`: interactions with a `weight`; `users` (n,) the users in order.
    """
    order = pl.DataFrame({"user_id": users}).with_row_index("row")
    own = interactions.events.filter((pl.col("level") == OWN) & (pl.col("weight") > 0)).join(
        order, on="user_id"
    )
    at = own["row"].to_numpy(), own["vector"].to_numpy()
    shape = (len(users), len(interactions.titles))
    weights = sparse.coo_array((own["weight"].to_numpy(), at), shape=shape).tocsr()
    categories = items.products["category"].fill_null("").to_list()
    others = [""] * (len(interactions.titles) - len(categories))
    brands = items.products["brand"].drop_nulls().unique().sort().to_list()
    return SegmentTerms(weights, interactions.titles.to_list(), [*categories, *others], brands)


def terms_of_rows(rows: pl.DataFrame) -> SegmentTerms:
    """Of rows: their titles, else queries, else texts. `rows`: rows of the vectors table."""
    column = next((name for name in ("title", "query", "text") if name in rows.columns), None)
    blank = pl.repeat("", pl.len())
    texts = rows.select(blank if column is None else pl.col(column).fill_null("")).to_series()
    path = pl.col("category") if "category" in rows.columns else blank
    category = rows.select(path.str.split(STEP).list.first().fill_null("")).to_series()
    brands = rows["brand"].drop_nulls().unique().sort().to_list() if "brand" in rows.columns else []
    own = sparse.eye_array(rows.height, dtype=np.float64).tocsr()
    return SegmentTerms(own, texts.to_list(), category.to_list(), brands)
