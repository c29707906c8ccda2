"""Best of many drafts: by facts stated and nearness to the product, and unlike each other.

Source: Carbonell & Goldstein (1998), maximal marginal relevance, equation 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.copy.facts import ProductFacts
from adcli.copy.wording import stem, words
from adcli.generate.drafting import Draft

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


class Scored(NamedTuple):
    """One draft with its flags and scores.

    `coverage`: share of the product's first facts that it states; `fit`: how near what the model said of the
    product is to the product and to honest ads of its kind (cosine; 0 without an encoder); `total`: what it
    is ranked by.
    """

    draft: Draft
    flags: tuple[str, ...]
    source: str
    facts: tuple[str, ...]
    coverage: float
    fit: float
    total: float


def stated_facts(text: str, product: ProductFacts) -> tuple[str, ...]:
    """The product's facts that `text` states: all of a fact's words are in it."""
    said = {stem(word) for word in words(text)}
    return tuple(fact.said for fact in product.listed if {stem(word) for word in words(fact.said)} <= said)


def score(
    draft: Draft,
    flags: Sequence[str],
    source: str,
    product: ProductFacts,
    *,
    fit: float = 0.0,
    most_facts: int = 4,
) -> Scored:
    """The draft with its scores; the total is fit + half of coverage − 1 for each flag.

    Args:
        draft: The ad.
        flags: The rules it breaks.
        source: Who wrote it (`model`, `template`).
        product: The product's facts.
        fit: Cosine of what the ad says with what it should be about.
        most_facts: Stating this many facts is full coverage.
    """
    facts = stated_facts(f"{draft.headline}. {draft.description}", product)
    coverage = min(1.0, len(facts) / max(1, min(most_facts, len(product.listed)))) if product.listed else 0.0
    return Scored(draft, tuple(flags), source, facts, coverage, fit, fit + 0.5 * coverage - len(flags))


def fits(said: Sequence[str], about: str, examples: Sequence[str], encode: Encode) -> npt.NDArray[np.float64]:
    """(n,) mean cosine of each text with the product and with the nearest of the examples.

    Args:
        said: What each draft says of the product, without the phrase that names it in all of them.
        about: The product's name, kind and facts.
        examples: What honest ads of the product's scene say, likewise.
        encode: Texts to (n, d) unit vectors.
    """
    vectors = encode([about, *examples, *said])
    body = vectors[1 + len(examples) :]
    near = (body @ vectors[1 : 1 + len(examples)].T).max(axis=1)
    return np.asarray((body @ vectors[0] + near) / 2, dtype=np.float64)


def remembering(encode: Encode) -> Encode:
    """`encode` that computes each distinct text once."""
    known: dict[str, npt.NDArray[np.float32]] = {}

    def encode_new(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return encode_new


def _likeness(left: str, right: str) -> float:
    """Share of words that two texts have in common (Jaccard), the similarity used without an encoder."""
    a, b = set(words(left)), set(words(right))
    return len(a & b) / len(a | b) if a | b else 0.0


def pick(
    candidates: Sequence[Scored],
    n: int,
    *,
    vectors: npt.NDArray[np.float32] | None = None,
    difference: float = 0.5,
) -> list[Scored]:
    """`n` of the candidates, the best first, each next one good and unlike those already picked.

    Args:
        candidates: Scored drafts; equal descriptions are picked once.
        n: At most so many.
        vectors: (len(candidates), d) unit vectors of their texts; without them likeness is by words.
        difference: Weight of unlikeness, 0 (ignore it) to 1 (only that).
    """
    left = list(range(len(candidates)))
    picked: list[int] = []
    while left and len(picked) < n:
        gains = [(_gain(candidates, index, picked, vectors, difference), -index) for index in left]
        best = -max(gains)[1]
        picked.append(best)
        description = candidates[best].draft.description
        left = [
            index for index in left if index != best and candidates[index].draft.description != description
        ]
    return [candidates[index] for index in picked]


def _gain(
    candidates: Sequence[Scored],
    index: int,
    picked: Sequence[int],
    vectors: npt.NDArray[np.float32] | None,
    difference: float,
) -> float:
    text = candidates[index].draft.description
    if vectors is None:
        alike = max((_likeness(text, candidates[other].draft.description) for other in picked), default=0.0)
    else:
        alike = max((float(vectors[index] @ vectors[other]) for other in picked), default=0.0)
    return (1 - difference) * candidates[index].total - difference * alike
