"""From material to the examples that an objective learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np

from adcli.arrays import Floats32, Integers
from adcli.core.training.encoder.examples import Examples, Labelled, Pairs, Texts
from adcli.errors import UsageError

Objective = Literal["collaborative", "contrastive", "simcse", "denoise", "classify", "few-labels", "claims"]

LEARNS_FROM: Final[dict[str, type[Pairs | Texts | Labelled]]] = {
    "collaborative": Pairs,
    "contrastive": Pairs,
    "simcse": Texts,
    "denoise": Texts,
    "classify": Labelled,
    "few-labels": Labelled,
    "claims": Labelled,
}
FEW: Final = 500
ROUNDS: Final = 20  # partners of each labelled text, as in SetFit
NEAR: Final = range(5, 50)  # ranks a hard negative is drawn from: the very nearest are often right answers


def default_objective(material: Pairs | Texts | Labelled) -> Objective:
    """What is learned from this material if nobody says it."""
    if isinstance(material, Pairs):
        return "collaborative"
    if isinstance(material, Texts):
        return "simcse"
    return "few-labels" if len(material.texts) < FEW else "classify"


def check_objective(objective: Objective, material: Pairs | Texts | Labelled) -> None:
    """Make sure that the objective can be learned from the material. Raises UsageError if not."""
    wanted = LEARNS_FROM[objective]
    if not isinstance(material, wanted):
        needs = {Pairs: "a log of events", Texts: "texts without --label", Labelled: "--label COLUMN"}
        raise UsageError(
            f"--objective {objective} learns from {needs[wanted]}, and the input is "
            f"{needs[type(material)].replace('--label COLUMN', 'labelled texts')}.",
            fix=f"Leave --objective out: it is {default_objective(material)} then.",
        )


def examples_for(
    objective: Objective, material: Pairs | Texts | Labelled, *, most: int, seed: int
) -> Examples:
    """The examples an objective learns from, a random part of them where there are more than `most`.

    Source: Gao et al., "SimCSE" (2021); Tunstall et al., "Efficient Few-Shot Learning Without Prompts"
    (2022), for pairs of equal labels.
    """
    if objective == "simcse" and isinstance(material, Texts):
        texts = _some(material.texts, most, seed)
        return Pairs(texts, texts)
    if objective == "few-labels" and isinstance(material, Labelled):
        return label_pairs(material, most=most, seed=seed)
    if isinstance(material, Pairs):
        kept = _order(len(material.anchors), most, seed)
        return Pairs([material.anchors[i] for i in kept], [material.positives[i] for i in kept])
    if isinstance(material, Texts):
        return Texts(_some(material.texts, most, seed))
    return material


def label_pairs(labelled: Labelled, *, most: int, seed: int) -> Pairs:
    """Each text with other texts of its label; those of one label are not held against each other."""
    generator = np.random.default_rng(seed)
    labels = np.asarray(labelled.labels)
    anchors, positives = [], []
    for _ in range(ROUNDS):
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            if len(members) > 1:
                turned = generator.permutation(members)
                anchors.append(turned)
                positives.append(np.roll(turned, 1))
    first, second = (np.concatenate(parts) if parts else np.array([], int) for parts in (anchors, positives))
    kept = _order(len(first), most, seed)
    first, second = first[kept], second[kept]
    texts = labelled.texts
    return Pairs(
        [texts[i] for i in first], [texts[i] for i in second], (), [int(label) for label in labels[first]]
    )


def with_hard_negatives(
    pairs: Pairs, documents: Sequence[str], encode: Callable[[Sequence[str]], Floats32], *, seed: int
) -> Pairs:
    """The pairs, each with a document that is near its anchor and belongs to none of the anchor's pairs.

    Source: Xiong et al., "Approximate Nearest Neighbor Negative Contrastive Learning" (2020).
    """
    distinct = list(dict.fromkeys(documents))
    asked = list(dict.fromkeys(pairs.anchors))
    vectors, queries = encode(distinct), encode(asked)
    known: dict[str, set[str]] = {anchor: {anchor} for anchor in asked}
    for anchor, positive in zip(pairs.anchors, pairs.positives, strict=True):
        known[anchor].add(positive)
    near = {
        anchor: [distinct[i] for i in _nearest(query, vectors) if distinct[i] not in known[anchor]]
        for anchor, query in zip(asked, queries, strict=True)
    }
    draws = np.random.default_rng(seed).random(len(pairs.anchors))
    drawn = [
        near[anchor][int(draw * len(near[anchor]))] if near[anchor] else positive
        for anchor, positive, draw in zip(pairs.anchors, pairs.positives, draws, strict=True)
    ]
    return pairs._replace(negatives=drawn)


def _nearest(query: Floats32, vectors: Floats32) -> Integers:
    scores = vectors @ query
    deepest = min(NEAR.stop, len(scores))
    top = np.argpartition(-scores, deepest - 1)[:deepest]
    ordered: Integers = top[np.argsort(-scores[top], kind="stable")]
    return ordered[NEAR.start if deepest > 2 * NEAR.start else 0 :]


def _order(count: int, most: int, seed: int) -> Integers:
    kept: Integers = np.sort(np.random.default_rng(seed).permutation(count)[:most])
    return kept


def _some(texts: Sequence[str], most: int, seed: int) -> list[str]:
    return [texts[i] for i in _order(len(texts), most, seed)]
