"""What an ad that a writer wrote is worth: the clicks it promises, its claims, length and variety."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adcli.arrays import Floats
from adcli.copy.checker import Checker, is_publishable
from adcli.copy.fact import Fact
from adcli.copy.facts import catalogue_facts
from adcli.optimize.writer.clicks import ClickModel, ShownAds, held_out_models
from adcli.statistics.ngrams import distinct, ngrams, self_bleu, tokens

OBJECTED, PER_COLUMN = 2.0, 0.05
REPEATED = 3.0  # of 1 the ads of a prompt soon say the same: it earns more clicks a piece than variety costs
SURE = 1.0  # deviations below its mean at which the click model is believed
FEWEST_WORDS = 3


class AdJudge:
    """Says what texts are worth. Made by `judge_of`.

    Attributes:
        gain: What the click model gains over a constant on other items; None without clicks.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        own = {item: [Fact(*fact) for fact in facts] for item, facts in content["own"].items()}
        self._products = catalogue_facts(content["products"], own=own).products
        self._item, self._segment = content["item"], content["segment"]
        self._columns = content["columns"]
        self._checker = Checker(content["market"])
        self._clicks: tuple[ClickModel, ClickModel] | None = None
        self.gain: float | None = None
        if content["shown"] is not None:
            shown = ShownAds(*content["shown"])
            learned, judge, self.gain = held_out_models(shown, seed=content["seed"])
            self._clicks = learned, judge

    def reward(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> dict[str, Floats]:
        """(texts,) the parts of the reward of what was written for each prompt."""
        flat = [text for its in texts for text in its]
        owners = [place for place, its in zip(places, texts, strict=True) for _ in its]
        parts = self._guards(owners, flat)
        parts["variety"] = -REPEATED * np.concatenate([_repeated(its) for its in texts])
        if self._clicks is not None:
            segments = [self._segment[place] for place in owners]
            odds, deviation = self._clicks[0].log_odds(flat, segments)
            parts["clicks"] = self._clicks[0].believed(odds - SURE * deviation, segments)
        return parts

    def watched(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> dict[str, float]:
        """The means of the reward and its parts, variety, and by the judge click rate and `score`."""
        rewards = self.reward(places, texts)
        flat = [text for its in texts for text in its]
        owners = [place for place, its in zip(places, texts, strict=True) for _ in its]
        said = [tokens(text) for text in flat]
        watched = {name: float(values.mean()) for name, values in rewards.items()}
        watched["reward"] = sum(watched.values())
        watched |= {"self_bleu": float(np.nanmean(self_bleu(said)))}
        watched |= {"distinct_2": float(np.nan_to_num(distinct(said, 2)))}  # single words: no pair differs
        if self._clicks is not None:
            segments = [self._segment[place] for place in owners]
            odds = self._clicks[1].believed(self._clicks[1].log_odds(flat, segments)[0], segments)
            watched["held_out_clicks"] = float((1 / (1 + np.exp(-odds))).mean())
            watched["score"] = float((odds + sum(rewards.values()) - rewards["clicks"]).mean())
        return watched

    def _guards(self, owners: Sequence[int], texts: Sequence[str]) -> dict[str, Floats]:
        products = [self._products[self._item[place]] for place in owners]
        findings = self._checker.findings(list(texts), products)
        over = np.array([max(0, len(text) - self._columns) for text in texts], float)
        short = np.array([len(text.split()) < FEWEST_WORDS for text in texts], float)
        return {
            "claims": -OBJECTED * np.array([not is_publishable(its) for its in findings], float),
            "length": -PER_COLUMN * over - OBJECTED * short,
        }


def judge_of(content: Mapping[str, Any]) -> AdJudge:
    """The judge that JSON describes: what is learned in it depends on nothing else."""
    return AdJudge(content)


def _repeated(texts: Sequence[str]) -> Floats:
    """(texts,) the share of each text's pairs of words that another text for the same prompt has."""
    pairs = [set(ngrams(tokens(text), 2)) for text in texts]
    seen = Counter(pair for its in pairs for pair in its)
    return np.array([sum(seen[pair] > 1 for pair in its) / max(len(its), 1) for its in pairs])
