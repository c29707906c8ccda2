"""How well semantic roles are read on documents that were held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from adcli.core.roles.frames import Frame, Sentence
from adcli.errors import DataError


class Split(NamedTuple):
    """Sentences to learn from, and sentences of other documents."""

    learned: list[Sentence]
    held_out: list[Sentence]


class Found(NamedTuple):
    """Precision, recall and F1 of what was found, and how many there are to find."""

    precision: float
    recall: float
    f1: float
    there: int


def split_by_document(documents: Sequence[Sequence[Sentence]], *, share: float, seed: int) -> Split:
    """Documents, drawn by seed, held out until they have a share of the sentences.

    Raises DataError if that leaves nothing to learn from, or nothing with roles is held out.
    """
    order = np.random.default_rng(seed).permutation(len(documents))
    wanted = share * sum(map(len, documents))
    held_out: list[Sentence] = []
    learned: list[Sentence] = []
    for place in order:
        (held_out if len(held_out) < wanted else learned).extend(documents[place])
    if not any(s.frames for s in learned) or not any(s.frames for s in held_out):
        raise DataError(
            f"{len(documents):,} documents are too few to hold some of them out.",
            fix="Mark documents by lines '# newdoc', or give more files: each has documents of its own.",
        )
    return Split(learned, held_out)


def score_roles(found: Sequence[Sentence], true: Sequence[Sentence]) -> dict[str, Found]:
    """What was found of roles at given predicates: by role, and of `all` together.

    A role counts as found if the head word of the argument is, with the role.
    """
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for ours, theirs in zip(found, true, strict=True):
        known, labelled = _arguments(theirs.frames), _arguments(ours.frames)
        right.update(role for *_, role in known & labelled)
        said.update(role for *_, role in labelled)
        there.update(role for *_, role in known)
    names = sorted(there, key=lambda name: (-there[name], name))
    total = _found(right.total(), said.total(), there.total())
    return {"all": total} | {name: _found(right[name], said[name], there[name]) for name in names}


def score_predicates(found: Sequence[Sentence], true: Sequence[Sentence]) -> Found:
    """What was found of the predicates."""
    pairs = [
        ({f.predicate for f in ours.frames}, {f.predicate for f in theirs.frames})
        for ours, theirs in zip(found, true, strict=True)
    ]
    return _found(
        sum(len(ours & theirs) for ours, theirs in pairs),
        sum(len(ours) for ours, _ in pairs),
        sum(len(theirs) for _, theirs in pairs),
    )


def _arguments(frames: Sequence[Frame]) -> set[tuple[int, int, str]]:
    return {(frame.predicate, word, role) for frame in frames for word, role in frame.roles}


def _found(right: int, said: int, there: int) -> Found:
    precision, recall = right / max(said, 1), right / max(there, 1)
    return Found(round(precision, 4), round(recall, 4), round(2 * right / max(said + there, 1), 4), there)
