"""How well an encoder does what it should, on what was held out.

Retrieval(["kettle", ...], [...], [0, ...])     # a text finds the one that belongs to it
NextItems([...], [0, ...], [3, ...], ...)       # what a customer took before finds what they take next
LabelProbe(known, held_out)                     # a logistic head on vectors predicts labels
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcli.arrays import Floats, Floats32, Integers
from adcli.core.compute.batching import distinct
from adcli.core.training.encoder.examples import Labelled, fit_head
from adcli.statistics.retrieval import RetrievalTask, retrieve

EncodeTexts = Callable[[Sequence[str]], Floats32]
Evaluate = Callable[[EncodeTexts], float]


@dataclass(frozen=True)
class Retrieval:
    """An evaluation: the share of queries whose document is among the k nearest others."""

    queries: Sequence[str]  # (n,) texts
    documents: Sequence[str]  # distinct texts among which theirs are to be found
    relevant: Sequence[int]  # (n,) position of each query's document
    k: int = 10  # documents looked at

    @property
    def metric(self) -> str:
        """What the score is."""
        return f"recall@{self.k}"

    @property
    def asked(self) -> int:
        """How many queries there are."""
        return len(self.queries)

    def __call__(self, encode: EncodeTexts) -> float:
        """Recall at k of an encoder."""
        queries, documents, relevant = encode(self.queries), encode(self.documents), np.asarray(self.relevant)
        row = {text: number for number, text in enumerate(self.documents)}
        itself = np.array([row.get(text, -1) for text in self.queries])
        task = RetrievalTask(
            queries,
            documents,
            lambda rows: relevant[rows, None] == np.arange(len(documents)),
            np.where(itself == relevant, -1, itself),
        )
        return float(retrieve(task, [self.k], seed=0).values[:, 0].mean())


@dataclass(frozen=True)
class NextItems:
    """An evaluation: the share of what customers took later among the k items nearest to them.

    A customer is the mean of the items they took before.
    """

    items: Sequence[str]  # texts of the items among which theirs are to be found
    customer: Sequence[int]  # (n,) number of the customer of something that was taken before
    item: Sequence[int]  # (n,) its place in `items`
    # (m,) number of the customer of something that was taken later, each item once
    later_customer: Sequence[int]
    later_item: Sequence[int]  # (m,) its place in `items`
    k: int = 20  # items looked at

    @property
    def metric(self) -> str:
        """What the score is."""
        return f"next-item recall@{self.k}"

    @property
    def asked(self) -> int:
        """How many customers there are."""
        return len(set(self.later_customer))

    def __call__(self, encode: EncodeTexts) -> float:
        """Recall at k of an encoder, the mean over customers."""
        vectors = encode(self.items)
        customers = max(self.later_customer) + 1
        queries = np.zeros((customers, vectors.shape[1]), np.float32)
        np.add.at(queries, np.asarray(self.customer), vectors[np.asarray(self.item)])
        wanted = np.zeros((customers, len(self.items)), bool)
        wanted[np.asarray(self.later_customer), np.asarray(self.later_item)] = True
        task = RetrievalTask(queries, vectors, lambda rows: wanted[rows], np.full(customers, -1))
        return float(retrieve(task, [self.k], seed=0).values[:, 0].mean())


@dataclass(frozen=True)
class LabelProbe:
    """An evaluation: how well a logistic head on the vectors predicts held-out labels."""

    known: Labelled  # what the head is fitted to
    held_out: Labelled  # what it is asked about

    @property
    def metric(self) -> str:
        """What the score is: the area under the ROC curve of two labels, the accuracy of more."""
        if not len(self.known.names) == len(set(self.held_out.labels)) == 2:
            return "accuracy"
        return "roc_auc within items" if len(self.held_out.groups) else "roc_auc"

    @property
    def asked(self) -> int:
        """How many texts are held out."""
        return len(self.held_out.texts)

    def __call__(self, encode: EncodeTexts) -> float:
        """How well a head on an encoder's vectors predicts the labels."""
        from sklearn.metrics import roc_auc_score

        known = self.known.each_once()
        texts, place = distinct(self.held_out.texts)
        weight, bias = fit_head(
            encode(known.texts), known.labels, len(known.names), groups=known.groups, weights=known.weights
        )
        logits = (encode(texts) @ weight.T + bias)[place]
        labels = np.asarray(self.held_out.labels)
        if self.metric == "roc_auc":
            return float(roc_auc_score(labels, logits[:, 1] - logits[:, 0]))
        if self.metric == "roc_auc within items":
            return _auc_within(labels, logits[:, 1] - logits[:, 0], np.asarray(self.held_out.groups))
        return float((logits.argmax(axis=1) == labels).mean())


def _auc_within(labels: Integers, scores: Floats, groups: Integers) -> float:
    """The share of pairs of one group, one of each label, that the scores put in order; ½ without pairs."""
    above = pairs = 0.0
    for group in np.unique(groups):
        first, second = (scores[(groups == group) & (labels == label)] for label in (0, 1))
        difference = second[:, None] - first[None, :]
        above += float((difference > 0).sum() + 0.5 * (difference == 0).sum())
        pairs += difference.size
    return above / pairs if pairs else 0.5


HeldOut = Retrieval | NextItems | LabelProbe


def evaluation_to_json(evaluation: HeldOut) -> dict[str, Any]:
    """The evaluation as what JSON can hold."""
    if isinstance(evaluation, Retrieval):
        return {
            "queries": list(evaluation.queries),
            "documents": list(evaluation.documents),
            "relevant": [int(place) for place in evaluation.relevant],
            "k": evaluation.k,
        }
    if isinstance(evaluation, NextItems):
        return {name: part if name == "k" else list(part) for name, part in vars(evaluation).items()}
    return {name: list(getattr(evaluation, name)) for name in ("known", "held_out")}


def evaluation_from_json(content: dict[str, Any]) -> HeldOut:
    """What `evaluation_to_json` was given."""
    if "known" in content:
        return LabelProbe(Labelled(*content["known"]), Labelled(*content["held_out"]))
    return NextItems(**content) if "items" in content else Retrieval(**content)
