"""A click model of ads' words, and how sure it is: the reward of a writer, and its judge on other items.

Logistic regression on words and pairs of words, alone and with the segment, and on a few measures of form.
Its spread over bootstrap samples of the ads says how sure it is of a text.

Source: Efron, "Bootstrap Methods" (1979).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.errors import DataError

if TYPE_CHECKING:
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

FloatArray = npt.NDArray[np.float64]
FEATURES = 1 << 14
BOOTSTRAPS = 8
STRENGTH = 0.05  # of the data against the prior
CLEAR = 1.645  # deviations by which a model has to beat a constant


class ShownAds(NamedTuple):
    """Ads that were shown.

    Attributes:
        item: (n,) number of the item of each.
        segment: (n,) its segment, '' for everybody.
        text: (n,) what it says.
        impressions: (n,) how often it was shown.
        clicks: (n,) how often it was clicked.
    """

    item: Sequence[int]
    segment: Sequence[str]
    text: Sequence[str]
    impressions: Sequence[float]
    clicks: Sequence[float]

    def those(self, places: npt.NDArray[np.int64]) -> ShownAds:
        """Some of the ads."""
        return ShownAds(*([part[place] for place in places] for part in self))


class ClickModel:
    """The click rate that the words of an ad promise. Made by `ClickModel.of`."""

    def __init__(self, models: Sequence[LogisticRegression]) -> None:
        self._models = models

    @classmethod
    def of(cls, ads: ShownAds, *, seed: int) -> ClickModel:
        """A model of these ads and, of each bootstrap sample of them, one more."""
        features = _features(ads.text, ads.segment)
        clicks = np.asarray(ads.clicks, float)
        rest = np.asarray(ads.impressions, float) - clicks
        generator = np.random.default_rng(seed)
        draws = [np.ones(len(clicks)), *generator.poisson(1.0, (BOOTSTRAPS, len(clicks)))]
        return cls([_fitted(features, clicks * draw, rest * draw) for draw in draws])

    def log_odds(self, texts: Sequence[str], segments: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """(n,) log-odds of a click on each text, and the deviation of that over bootstrap samples."""
        features = _features(texts, segments)
        found = np.array([model.decision_function(features) for model in self._models])
        return found[0], found[1:].std(axis=0)


def held_out_models(ads: ShownAds, *, seed: int) -> tuple[ClickModel, ClickModel, float]:
    """A model to learn from, one of other items to judge by, and how much the first gains on those items.

    Returns:
        The two models, and the log loss of a constant less that of the first on the other items, a click.

    Raises:
        DataError: If the first is no better than a constant there.
    """
    items = np.random.default_rng(seed).permutation(max(ads.item) + 1)
    is_first = np.isin(ads.item, items[: len(items) // 2])
    first, second = (ads.those(np.flatnonzero(part)) for part in (is_first, ~is_first))
    if not min(sum(first.clicks), sum(second.clicks)):
        raise DataError("The ads have too few clicks to learn from.", fix="Give a longer log.")
    model = ClickModel.of(first, seed=seed)
    clicks, shown = np.asarray(second.clicks, float), np.asarray(second.impressions, float)
    rate = sum(first.clicks) / sum(first.impressions)
    odds, _ = model.log_odds(second.text, second.segment)

    def loss(log_odds: FloatArray) -> FloatArray:
        return shown * np.logaddexp(0, log_odds) - clicks * log_odds

    gained = loss(np.full(len(odds), np.log(rate / (1 - rate)))) - loss(odds)
    deviation = gained.std(ddof=1) * np.sqrt(len(gained))
    if gained.sum() <= CLEAR * deviation:
        raise DataError(
            "A click model of the ads' words is no better than a constant on other items: it is no reward.",
            fix="Give more impressions of more ads, or learn by --stage supervised or preference.",
        )
    return model, ClickModel.of(second, seed=seed), float(gained.sum() / clicks.sum())


def _fitted(features: sp.csr_matrix, clicks: FloatArray, rest: FloatArray) -> LogisticRegression:
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

    labels = np.repeat([1, 0], len(clicks))
    weights = np.concatenate([clicks, rest])
    kept = weights > 0
    both = sp.vstack([features, features]).tocsr()[np.flatnonzero(kept)]
    return LogisticRegression(C=STRENGTH, max_iter=300).fit(both, labels[kept], sample_weight=weights[kept])


def _features(texts: Sequence[str], segments: Sequence[str]) -> sp.csr_matrix:
    """(n, features) words, pairs of words and marks, alone and with the segment; measures of form."""
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import HashingVectorizer

    said = [re.findall(r"\w+|[!?.,%]", text.lower()) for text in texts]
    hashed = HashingVectorizer(
        n_features=FEATURES, ngram_range=(1, 2), analyzer="word", tokenizer=str.split, token_pattern=None,
        alternate_sign=False, norm=None, binary=True,
    )  # fmt: skip
    plain = hashed.transform([" ".join(["<s>", *words]) for words in said])
    marked = hashed.transform(
        [
            " ".join(f"{segment}|{word}" for word in words)
            for segment, words in zip(segments, said, strict=True)
        ]
    )
    form = [
        [
            len(words) / 10,
            (len(words) / 10) ** 2,
            len(text) / 50,
            any(word[0].isdigit() for word in words),
            len(set(words)) / max(len(words), 1),
        ]
        for text, words in zip(texts, said, strict=True)
    ]
    return sp.hstack([plain, marked, sp.csr_matrix(2 * np.array(form, float))]).tocsr()
