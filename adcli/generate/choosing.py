"""Which of several texts to run: what the record bears out, draws clicks, reads well and is not running yet.

What is not known counts nothing: without a model of clicks, for instance, `click` is None for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Floats
from adcli.copy.ad import shown_to
from adcli.copy.checker import Checker
from adcli.copy.facts import ProductFacts

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
WEIGHTS = {"margin": 0.3, "click": 3.0, "fluency": 0.1, "novelty": 0.3, "human": 0.3}
"""Of each score in the merit of a text; of clicks it is the logarithm of the rate.

Of 1, 3 and 10 for clicks, 3 gave the highest rate under a known taste (`tests/benchmarks/generate`).
"""
TELLING = 0.001  # a change of the click rate that is worth naming


class Scores(NamedTuple):
    """What is known of one text.

    Attributes:
        margin: The probability of its least supported claim, by the checker; 1 if none is doubtful.
        click: The predicted click rate.
        fluency: The mean log-likelihood of its tokens.
        novelty: 1 - the cosine with the most alike ad of the product that runs already.
        human: The probability that people wrote it, by the discriminator that its writer learned against.
    """

    margin: float | None = None
    click: float | None = None
    fluency: float | None = None
    novelty: float | None = None
    human: float | None = None


class Chooser:
    """What texts are scored by.

    Args:
        checker: Of claims.
        clicks: Texts, each with its segment (`shown_to`), to the (n,) probabilities of a click.
        fluency: Texts to the (n,) mean log-likelihood of their tokens.
        running: Texts that run already, by `item_id`.
        encode: Texts to (n, d) unit vectors; needed for `running`.
        human: Texts about a product to the (n,) probabilities that people wrote them.
    """

    def __init__(
        self,
        checker: Checker,
        *,
        clicks: Callable[[Sequence[str]], Floats] | None = None,
        fluency: Callable[[Sequence[str]], Floats] | None = None,
        running: Mapping[str, Sequence[str]] | None = None,
        encode: Encode | None = None,
        human: Callable[[Sequence[str], ProductFacts], Floats] | None = None,
    ) -> None:
        self._checker, self._clicks, self._fluency, self._human = checker, clicks, fluency, human
        self._running, self._encode = running, encode

    def scores(
        self, texts: Sequence[str], product: ProductFacts, segment_id: str | None = None
    ) -> list[Scores]:
        """What is known of each text about one product for one segment."""
        if not texts:
            return []
        shown = [shown_to(text, segment_id) for text in texts]
        known = {
            "margin": self._checker.support(texts, product),
            "click": self._clicks(shown) if self._clicks else None,
            "fluency": self._fluency(texts) if self._fluency else None,
            "novelty": self._novelty(texts, product.item_id),
            "human": self._human(texts, product) if self._human else None,
        }
        found = {name: values.tolist() for name, values in known.items() if values is not None}
        return [Scores(**{name: its[place] for name, its in found.items()}) for place in range(len(texts))]

    def moved_by(self, text: str, segment_id: str | None = None) -> list[str]:
        """The words of a text that move its predicted click rate most: `slow +0.012`, the strongest first.

        A word's part is what the rate loses when the word is left out.
        """
        if self._clicks is None:
            return []
        said = text.split()
        without = [" ".join([*said[:place], *said[place + 1 :]]) for place in range(len(said))]
        whole, *rates = self._clicks([shown_to(each, segment_id) for each in (text, *without)])
        change = {word.strip(".,!?"): whole - rate for word, rate in zip(said, rates, strict=True)}
        strongest = sorted(change, key=lambda word: (-abs(change[word]), word))[:3]
        return [f"{word} {change[word]:+.3f}" for word in strongest if abs(change[word]) >= TELLING]

    def _novelty(self, texts: Sequence[str], item_id: str) -> Floats | None:
        if self._running is None or self._encode is None:
            return None
        running = self._running.get(item_id, ())
        if not running:
            return np.ones(len(texts))
        vectors = self._encode([*texts, *running])
        alike = vectors[: len(texts)] @ vectors[len(texts) :].T
        return np.asarray(1 - alike.max(axis=1), dtype=np.float64)


def merits(scores: Sequence[Scores]) -> Floats:
    """(n,) what each text of one product gains over their mean by its scores."""
    merit = np.zeros(len(scores))
    for name, weight in WEIGHTS.items():
        values = np.array([getattr(each, name) for each in scores], dtype=np.float64)
        if np.isfinite(values).all() and len(values):
            told = np.log(np.maximum(values, 1e-6)) if name == "click" else values
            merit += weight * (told - told.mean())
    return merit
