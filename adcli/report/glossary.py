"""The field's abbreviations in words: beside their first use on a page, and in its glossary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Term(NamedTuple):
    """What an abbreviation stands for, and what that means."""

    name: str
    meaning: str


POINTS = "pp"
TERMS: Mapping[str, Term] = {
    "CTR": Term("click-through rate", "clicks by impressions"),
    "CVR": Term("conversion rate", "conversions by clicks"),
    "CPC": Term("cost per click", "cost by clicks"),
    "CPA": Term("cost per action", "cost by conversions"),
    "CPM": Term("cost per mille", "cost of 1,000 impressions"),
    "RPM": Term("revenue per mille", "revenue of 1,000 impressions"),
    "ROAS": Term("return on ad spend", "revenue by cost"),
    "eCPC": Term("effective cost per click", "cost by clicks, whatever was paid for"),
    "eCPM": Term("effective cost per mille", "cost of 1,000 impressions, whatever was paid for"),
    "CUPED": Term(
        "controlled experiment using pre-experiment data",
        "what units did before the test is taken out of the difference, which makes its interval narrower",
    ),
    "IPS": Term(
        "inverse propensity scoring",
        "each logged reward counts as much more as the policy shows its action more often than the log did",
    ),
    "SNIPS": Term(
        "self-normalised IPS", "IPS divided by the sum of its weights: less noise for a slight bias"
    ),
    "DM": Term("direct method", "the mean reward that a model fitted on the log expects under the policy"),
    "DR": Term(
        "doubly robust",
        "the direct method, its errors corrected by IPS: right if either the model or the propensities are",
    ),
    "ESS": Term(
        "effective sample size", "how many rows of equal weight would say as much as the weighted rows do"
    ),
    "MIPS": Term("marginalised IPS", "IPS by the weights of groups of actions"),
    "Qini": Term(
        "area over a random ranking",
        "what treating by score gains beyond treating at random, summed over all shares treated; named after "
        "the Gini coefficient",
    ),
    "AUUC": Term("area under the uplift curve", "as Qini, without subtracting the random order"),
    "AUC": Term(
        "area under the ROC curve",
        "the probability that a positive row is scored above a negative one; 0.5 is chance",
    ),
    "ECE": Term("expected calibration error", "the mean distance of predicted from observed rates"),
    "PSI": Term(
        "population stability index",
        "how far a column's distribution has moved; by habit 0.1 is worth a look, 0.25 is a lot",
    ),
    "KS": Term("Kolmogorov-Smirnov distance", "the largest gap between two cumulative distributions"),
    "MRR": Term("mean reciprocal rank", "the mean of 1 by the rank of the first right answer"),
    "NDCG": Term(
        "normalised discounted cumulative gain",
        "right answers discounted by the logarithm of their rank, by the best there could be",
    ),
    "ROUGE": Term(
        "recall-oriented overlap", "the share of words, or pairs of them, that two texts have in common"
    ),
    "t-SNE": Term("t-distributed stochastic neighbour embedding", "a map on which near points are alike"),
    POINTS: Term("percentage points", "the difference of two rates in per cent"),
}
_NAMED = re.compile(rf"(?<![\w-])({'|'.join(sorted(map(re.escape, TERMS), key=len, reverse=True))})(?![\w-])")


class Glossary:
    """The terms that a page has used so far, in the order of its text.

    `texts`: where terms are the page's own: a shop may call an arm or a product `DM`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._own = {term for text in texts for term in _NAMED.findall(text)}
        self.used: dict[str, Term] = {}

    def spelled(self, text: str) -> str:
        """`text` in which the first use of each term, but for a unit, is followed by its name."""

        def named(found: re.Match[str]) -> str:
            name = self._first(found[0]) if found[0] != POINTS else ""
            if not name:
                return found[0]
            is_enclosed = text[found.start() - 1 : found.start()] == "("
            return f"{found[0]}, {name}" if is_enclosed else f"{found[0]} ({name})"

        return _NAMED.sub(named, text)

    def note(self, texts: Iterable[str]) -> str:
        """The names of the terms that `texts` use first, as a sentence; empty where there are none."""
        found = [term for text in texts for term in _NAMED.findall(text)]
        named = [f"{term}: {name}" for term in found if (name := self._first(term))]
        return "; ".join(named) + "." if named else ""

    def _first(self, term: str) -> str:
        """The name of a term that was not used before."""
        if term in self.used or term not in self._own:
            return ""
        self.used[term] = TERMS[term]
        return TERMS[term].name
