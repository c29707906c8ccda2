"""A sample of earlier data, learned again beside the new so that it is not forgotten.

Source: Rolnick et al., "Experience Replay for Continual Learning" (2019).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from adcli.core.training.encoder.evaluations import HeldOut, evaluation_from_json, evaluation_to_json
from adcli.core.training.encoder.examples import Labelled, Pairs, Texts, examples_from_json, examples_to_json
from adcli.errors import DataError

KEPT: Final = 1_000
SHARE: Final = 0.25  # of what is learned from

Material = Pairs | Texts | Labelled


def sample_to_json(material: Material, test: HeldOut | None, *, seed: int) -> dict[str, Any]:
    """What a later run needs in order not to forget: some of the material, and what it is tested on."""
    kept = _part(material, KEPT, seed)
    return {"examples": examples_to_json(kept), "test": None if test is None else evaluation_to_json(test)}


def sample_from_json(content: dict[str, Any]) -> tuple[Material, HeldOut | None]:
    """What `sample_to_json` was given."""
    test, kept = content["test"], examples_from_json(content["examples"])
    if not isinstance(kept, Material):
        raise DataError("The sample that --from keeps is none of pairs, texts or labelled texts.")
    return kept, None if test is None else evaluation_from_json(test)


def mixed(new: Material, earlier: Material, *, seed: int) -> Material:
    """The new material with as much of the earlier of its kind as makes at most a quarter of the whole."""
    part = _part(earlier, round(len(new[0]) * SHARE / (1 - SHARE)), seed)
    if isinstance(new, Pairs) and isinstance(part, Pairs):
        return Pairs([*new.anchors, *part.anchors], [*new.positives, *part.positives])
    if isinstance(new, Texts) and isinstance(part, Texts):
        return Texts(list(dict.fromkeys([*new.texts, *part.texts])))
    if isinstance(new, Labelled) and isinstance(part, Labelled):
        names = list(dict.fromkeys([*new.names, *part.names]))
        labels = [names.index(part.names[label]) for label in part.labels]
        return Labelled([*new.texts, *part.texts], [*new.labels, *labels], names)
    return new


def _part(material: Material, most: int, seed: int) -> Material:
    kept = np.sort(np.random.default_rng(seed).permutation(len(material[0]))[:most])
    if isinstance(material, Pairs):
        return Pairs([material.anchors[i] for i in kept], [material.positives[i] for i in kept])
    if isinstance(material, Texts):
        return Texts([material.texts[i] for i in kept])
    return material.those(kept)
