"""What an encoder is tuned on.

Pairs(["kettle", ...], ["water cooker, 1.7 l", ...])    # each anchor is to find its own positive
TeacherVectors(["kettle", ...], vectors)                # to have these vectors
Texts(["kettle", ...])                                  # to be reconstructed from their vectors
Labelled(["kettle", ...], [0, 1, ...], ["no", "yes"])   # to be classified
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Flags, Floats32
from adcli.errors import DataError


class Pairs(NamedTuple):
    """Texts that belong together."""

    anchors: Sequence[str]  # (n,) what is asked with
    positives: Sequence[str]  # (n,) what belongs to it
    # (n,) hard negatives: what does not although it is near; empty if none were mined
    negatives: Sequence[str] = ()
    # (n,) pairs of one group are no negatives of each other; empty if there are none
    groups: Sequence[int] = ()


class TeacherVectors(NamedTuple):
    """Texts and the vectors that a teacher gives them."""

    texts: Sequence[str]  # (n,) the texts
    vectors: Floats32  # (n, dimension) unit vectors


class Texts(NamedTuple):
    """Texts of which nothing else is known."""

    texts: Sequence[str]  # (n,) the texts


class Labelled(NamedTuple):
    """Texts with their labels."""

    texts: Sequence[str]  # (n,) the texts
    labels: Sequence[int]  # (n,) position of each text's label in `names`
    names: Sequence[str]  # the labels there are
    # (n,) number of what a text is about: of two labels it is learned what makes the difference within a
    # group, not between groups; empty if there are none
    groups: Sequence[int] = ()
    weights: Sequence[float] = ()  # (n,) what each text counts; empty if all count the same

    def those(self, places: Iterable[int]) -> Labelled:
        """The texts at these places, in this order."""
        kept = [int(place) for place in places]
        return Labelled(
            [self.texts[place] for place in kept],
            [int(self.labels[place]) for place in kept],
            self.names,
            [self.groups[place] for place in kept] if self.groups else (),
            [self.weights[place] for place in kept] if self.weights else (),
        )

    def each_once(self) -> Labelled:
        """Rows of one text, label and group as one that counts as they do together; one on average."""
        groups = self.groups or [0] * len(self.texts)
        counted: dict[tuple[str, int, int], float] = {}
        for row, key in enumerate(zip(self.texts, self.labels, groups, strict=True)):
            counted[key] = counted.get(key, 0.0) + (self.weights[row] if self.weights else 1.0)
        if len(counted) == len(self.texts):
            return self
        texts, labels, of = (list(part) for part in zip(*counted, strict=True))
        mean = sum(counted.values()) / len(counted)
        weights = [counts / mean for counts in counted.values()]
        return Labelled(texts, labels, self.names, of if self.groups else (), weights)


HEAD_C = 10.0  # unit vectors lie close together: scikit-learn's 1.0 would hardly move the head
Examples = Pairs | TeacherVectors | Texts | Labelled
KINDS: dict[str, type[Pairs | TeacherVectors | Texts | Labelled]] = {
    "pairs": Pairs,
    "teacher_vectors": TeacherVectors,
    "texts": Texts,
    "labelled": Labelled,
}


def fit_head(
    vectors: Floats32,
    labels: Sequence[int],
    names: int,
    *,
    groups: Sequence[int] = (),
    weights: Sequence[float] = (),
) -> tuple[Floats32, Floats32]:
    """The weight (names, d) and bias (names,) of a multinomial logistic regression on unit vectors.

    Args:
        vectors: (n, d) of the texts.
        labels: (n,) of each.
        names: How many labels there are.
        groups: (n,) as in `Labelled`: the regression is on what vectors differ by within their group.
        weights: (n,) what each text counts.

    Raises:
        DataError: If there is only one label.
    """
    from sklearn.linear_model import LogisticRegression

    found = np.unique(np.asarray(labels))
    if len(found) < 2:
        raise DataError("All texts have the same label, so there is nothing to learn.")
    means = group_means(vectors, groups, weights=weights) if len(groups) else np.zeros_like(vectors[0])
    regression = LogisticRegression(C=HEAD_C, max_iter=1_000).fit(
        vectors - means, np.asarray(labels), sample_weight=np.asarray(weights) if len(weights) else None
    )
    if len(groups):  # as it is for the mean of all texts
        regression.intercept_ -= regression.coef_ @ vectors.mean(axis=0)
    weight = np.zeros((names, vectors.shape[1]), np.float32)
    bias = np.full(names, -1e3, np.float32)
    if len(found) == 2:
        weight[found] = np.vstack([-regression.coef_, regression.coef_]) / 2
        bias[found] = np.concatenate([-regression.intercept_, regression.intercept_]) / 2
    else:
        weight[found], bias[found] = regression.coef_, regression.intercept_
    return weight, bias


def group_means(
    values: npt.NDArray[Any], groups: Sequence[int], prior: float = 0.0, *, weights: Sequence[float] = ()
) -> npt.NDArray[Any]:
    """(n, …) the mean of each value's group, with as much of the mean of all as `prior` values."""
    place = np.unique(groups, return_inverse=True)[1]
    counts = np.asarray(weights if len(weights) else np.ones(len(place)))
    each = (-1, *[1] * (values.ndim - 1))
    total = np.zeros((place.max() + 1, *values.shape[1:]))
    np.add.at(total, place, values * counts.reshape(each))
    counted = np.bincount(place, counts).reshape(each)
    means: npt.NDArray[Any] = (total + prior * values.mean(axis=0)) / (counted + prior)
    of_each: npt.NDArray[Any] = means.astype(values.dtype)[place]
    return of_each


def save_head(directory: Path, weight: Floats32, bias: Floats32) -> None:
    """Write a logistic head beside the adapter whose vectors it was fitted to, as `head.safetensors`."""
    from safetensors.numpy import save_file

    save_file({"weight": weight, "bias": bias}, directory / "head.safetensors")


def load_head(directory: Path) -> tuple[Floats32, Floats32]:
    """The weight (names, d) and bias (names,) that `save_head` wrote.

    Raises DataError if the directory holds no head, as one that was not tuned on labels.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        held = load_file(directory / "head.safetensors")
        return held["weight"], held["bias"]
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(
            f"{directory} holds no head that tells labels apart.",
            fix="Name a directory of adcli optimize encoder with --label or --objective claims.",
        ) from error


def kind_of(examples: Examples) -> str:
    """The name of a kind of examples, as JSON knows it."""
    return next(name for name, kind in KINDS.items() if isinstance(examples, kind))


def examples_to_json(examples: Examples) -> dict[str, Any]:
    """The examples as what JSON can hold."""
    return {
        "kind": kind_of(examples),
        **{name: _part_to_json(part) for name, part in examples._asdict().items()},
    }


def examples_from_json(content: dict[str, Any]) -> Examples:
    """What `examples_to_json` was given."""
    parts = {name: _part_from_json(part) for name, part in content.items() if name != "kind"}
    return KINDS[content["kind"]](**parts)


def _part_to_json(part: Sequence[Any] | Floats32) -> Any:
    if isinstance(part, np.ndarray):
        content = np.ascontiguousarray(part, "<f4").tobytes()
        return {"shape": list(part.shape), "float32": base64.b64encode(content).decode("ascii")}
    return list(part)


def _part_from_json(part: Any) -> Any:
    if isinstance(part, dict):
        return np.frombuffer(base64.b64decode(part["float32"]), "<f4").reshape(part["shape"])
    return part


def check_examples(examples: Examples, batch_size: int) -> None:
    """Raise if there is nothing to learn from.

    Raises DataError if there are fewer examples than a batch holds, or their parts differ in number.
    """
    count = len(examples[0])
    if isinstance(examples, Pairs) and (
        len(examples.positives) != count
        or len(examples.negatives) not in {0, count}
        or len(examples.groups) not in {0, count}
    ):
        raise DataError(
            f"{count} anchors have {len(examples.positives)} positives, {len(examples.negatives)} negatives "
            f"and {len(examples.groups)} groups."
        )
    if isinstance(examples, TeacherVectors) and len(examples.vectors) != count:
        raise DataError(f"{count} texts have {len(examples.vectors)} teacher vectors.")
    if isinstance(examples, Labelled) and len(examples.labels) != count:
        raise DataError(f"{count} texts have {len(examples.labels)} labels.")
    if count < batch_size:
        raise DataError(
            f"There are {count} {kind_of(examples).replace('_', ' ')}, fewer than one batch of {batch_size}.",
            fix="Give more data, or a smaller --batch-size.",
        )


def false_negatives(
    anchors: Sequence[str],
    positives: Sequence[str],
    negatives: Sequence[str] = (),
    groups: Sequence[int] = (),
) -> Flags:
    """(n, n + negatives) which texts of a batch may not count as negatives of which anchor.

    Another pair's positive that is this pair's too, belongs to the same anchor or is of the same group, is no
    wrong answer; nor is the anchor itself.
    """
    offered = np.array([*positives, *negatives], dtype=object)
    asked, right = np.array(anchors, dtype=object), np.array(positives, dtype=object)
    same_answer = (right[:, None] == offered[None, :]) | (asked[:, None] == offered[None, :])
    of_anchor = np.array([*anchors, *[None] * len(negatives)], dtype=object)
    same_anchor = asked[:, None] == of_anchor[None, :]
    false: Flags = (same_answer | same_anchor).astype(np.bool_)
    if groups:
        false[:, : len(positives)] |= np.asarray(groups)[:, None] == np.asarray(groups)[None, :]
    false[np.arange(len(asked)), np.arange(len(asked))] = False
    return false
