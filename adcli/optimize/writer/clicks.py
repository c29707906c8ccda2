"""A click model of ads' words, and how sure it is: the reward of a writer, and its judge on other items.

Logistic regression on words and pairs of words, alone and with the segment, and on a few measures of form.
The variance of its weights, each by itself, says how sure it is of a text.

Source: MacKay, "The Evidence Framework Applied to Classification Networks" (1992), for the Gaussian around
fitted weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from adcli.arrays import Floats, Integers
from adcli.errors import DataError

if TYPE_CHECKING:
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

FEATURES = 1 << 14
STRENGTHS = (0.003, 0.01, 0.03, 0.1)  # variance of weights before anything is known
FEWEST = 4  # items: half of them to learn from, of which half to choose a strength by
CLEAR = 1.645  # deviations by which a model has to beat a constant
BEST = 0.95  # quantile of what the ads shown promise, beyond which more of the same promises no more


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

    def those(self, places: Integers) -> ShownAds:
        """Some of the ads."""
        return ShownAds(*([part[place] for place in places] for part in self))


class ClickModel:
    """The click rate that the words of an ad promise. Made by `ClickModel.of`.

    Args:
        model: Of the ads' features.
        variance: (features,) of its weights.
        highest: By segment, the log-odds of the best ads that it was learned from.
    """

    def __init__(self, model: LogisticRegression, variance: Floats, highest: Mapping[str, float]) -> None:
        self._model, self._variance, self._highest = model, variance, highest

    @classmethod
    def of(cls, ads: ShownAds, *, seed: int) -> ClickModel:
        """A model of these ads, as strong against its prior as predicts clicks on items left out best."""
        halves = _halves(ads, seed)
        strength = max(
            STRENGTHS, key=lambda each: sum(-_loss_on(*pair, each) for pair in (halves, halves[::-1]))
        )
        features = _features(ads.text, ads.segment)
        model = _fitted(features, ads, strength)
        odds = model.decision_function(features)
        rate = 1 / (1 + np.exp(-odds))
        told = features.power(2).T @ (np.asarray(ads.impressions, float) * rate * (1 - rate))
        segments = np.array(ads.segment)
        highest = {
            str(each): float(np.quantile(odds[segments == each], BEST)) for each in np.unique(segments)
        }
        return cls(model, 1 / (1 / strength + told), highest)

    def believed(self, log_odds: Floats, segments: Sequence[str]) -> Floats:
        """(n,) the log-odds, none above those of the best ads that were shown to its segment, or to any.

        Words that earned clicks one by one are not known to earn more together, and a writer that is to
        please the model would learn to say them all.

        Source: Gao, Schulman and Hilton, "Scaling Laws for Reward Model Overoptimization" (2023).
        """
        most = max(self._highest.values())
        return np.minimum(log_odds, [self._highest.get(segment, most) for segment in segments])

    def log_odds(self, texts: Sequence[str], segments: Sequence[str]) -> tuple[Floats, Floats]:
        """(n,) log-odds of a click on each text, and their deviation, large where words are new."""
        features = _features(texts, segments)
        return self._model.decision_function(features), np.sqrt(features.power(2) @ self._variance)


def held_out_models(ads: ShownAds, *, seed: int) -> tuple[ClickModel, ClickModel, float]:
    """A model to learn from, one of other items to judge by, and how much the first gains on those items.

    Returns:
        The two models, and the log loss of a constant less that of the first on the other items, a click.

    Raises:
        DataError: If the items are few, all or none was clicked, or the first is no better than a constant
            there.
    """
    if len(items := set(ads.item)) < FEWEST:
        raise DataError(
            f"The log shows ads of {len(items)} items, too few to learn from some and judge by others.",
            fix="Give the log of ads of more items.",
        )
    first, second = _halves(ads, seed)
    if not min(sum(first.clicks), sum(second.clicks)):
        raise DataError("The ads have too few clicks to learn from.", fix="Give a longer log.")
    if any(sum(half.clicks) == sum(half.impressions) for half in (first, second)):
        raise DataError(
            "The ads were clicked whenever they were shown, which tells none from another.",
            fix="Give the impressions that were not clicked as well.",
        )
    model = ClickModel.of(first, seed=seed + 1)
    rate = sum(first.clicks) / sum(first.impressions)
    odds, _ = model.log_odds(second.text, second.segment)
    gained = _loss(second, np.full(len(odds), np.log(rate / (1 - rate)))) - _loss(second, odds)
    deviation = gained.std(ddof=1) * np.sqrt(len(gained))
    if gained.sum() <= CLEAR * deviation:
        raise DataError(
            "A click model of the ads' words is no better than a constant on other items: it is no reward.",
            fix="Give more impressions of more ads, or learn by --stage supervised or preference.",
        )
    return model, ClickModel.of(second, seed=seed + 1), float(gained.sum() / sum(second.clicks))


def _halves(ads: ShownAds, seed: int) -> tuple[ShownAds, ShownAds]:
    """The ads of one half of the items, and of the other."""
    items = np.random.default_rng(seed).permutation(np.unique(ads.item))
    is_first = np.isin(ads.item, items[: len(items) // 2])
    return ads.those(np.flatnonzero(is_first)), ads.those(np.flatnonzero(~is_first))


def _loss(ads: ShownAds, log_odds: Floats) -> Floats:
    """(n,) log loss of the impressions of each ad."""
    found: Floats = (
        np.asarray(ads.impressions) * np.logaddexp(0, log_odds) - np.asarray(ads.clicks) * log_odds
    )
    return found


def _loss_on(learned: ShownAds, others: ShownAds, strength: float) -> float:
    """The log loss on some ads of a model of others; infinite where these say nothing."""
    if not 0 < sum(learned.clicks) < sum(learned.impressions):
        return float("inf")
    model = _fitted(_features(learned.text, learned.segment), learned, strength)
    return float(_loss(others, model.decision_function(_features(others.text, others.segment))).sum())


def _fitted(features: sp.csr_matrix, ads: ShownAds, strength: float) -> LogisticRegression:
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression

    clicks, shown = np.asarray(ads.clicks, float), np.asarray(ads.impressions, float)
    labels, weights = np.repeat([1, 0], len(clicks)), np.concatenate([clicks, shown - clicks])
    kept = weights > 0
    both = sp.vstack([features, features]).tocsr()[np.flatnonzero(kept)]
    return LogisticRegression(C=strength, max_iter=300).fit(both, labels[kept], sample_weight=weights[kept])


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
            _repeats_a_word(words),
        ]
        for text, words in zip(texts, said, strict=True)
    ]
    return sp.hstack([plain, marked, sp.csr_matrix(2 * np.array(form, float))]).tocsr()


def _repeats_a_word(words: Sequence[str]) -> bool:
    alone = [word for word in words if word.isalnum()]
    return len(set(alone)) < len(alone)
