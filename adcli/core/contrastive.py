"""Tuning an encoder on pairs that belong together: what was seen, bought or asked for with what.

    pairs = Pairs(["kettle", ...], ["water cooker, 1.7 l", ...])
    trained = train_contrastive("minilm", pairs, Path("encoder"), settings=TrainingSettings(steps=300))
    Encoder.load("minilm", adapter="encoder")

Each anchor is to be nearer to its own positive than to all other positives of its batch and to its mined hard
negatives. Texts that occur twice in a batch are not held against each other. With positives equal to their
anchors this is SimCSE: two readings of a text differ by dropout alone.

Source: van den Oord et al., "Representation Learning with Contrastive Predictive Coding" (2018), equation 4;
Gao et al., "SimCSE" (2021), equation 4; Gillick et al., "Learning Dense Representations for Entity Retrieval"
(2019), for hard negatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.core.models import resolve_model
from adcli.core.runtime import start_runtime
from adcli.core.training_settings import Trained, TrainingSettings
from adcli.errors import DataError, UsageError

FloatArray = npt.NDArray[np.float32]
EncodeTexts = Callable[[Sequence[str]], FloatArray]
Evaluate = Callable[[EncodeTexts], float]
Progress = Callable[[int], None]


class Pairs(NamedTuple):
    """Texts that belong together.

    Attributes:
        anchors: (n,) what is asked with.
        positives: (n,) what belongs to it.
        negatives: (n,) what does not although it is near; empty if none were mined.
    """

    anchors: Sequence[str]
    positives: Sequence[str]
    negatives: Sequence[str] = ()


class Run(NamedTuple):
    """What `train_contrastive` was asked for, as JSON can hold it; paths are absolute, empty for none."""

    model: str
    pairs: Pairs
    directory: str
    settings: TrainingSettings
    start_from: str
    checkpoints: str
    about: dict[str, object]
    trackers: tuple[str, ...]
    log_directory: str


@dataclass(frozen=True)
class Retrieval:
    """An evaluation: the share of queries whose document is among the k nearest.

    Attributes:
        queries: (n,) texts.
        documents: Texts among which theirs are to be found.
        relevant: (n,) position of each query's document.
        k: Documents looked at.
    """

    queries: Sequence[str]
    documents: Sequence[str]
    relevant: Sequence[int]
    k: int = 10

    def __call__(self, encode: EncodeTexts) -> float:
        """Recall at k of an encoder."""
        scores = encode(self.queries) @ encode(self.documents).T
        own = scores[np.arange(len(self.queries)), np.asarray(self.relevant)]
        return float(((scores > own[:, None]).sum(axis=1) < self.k).mean())


def train_contrastive(
    model: str,
    pairs: Pairs,
    directory: Path,
    *,
    settings: TrainingSettings,
    evaluate: Evaluate | None = None,
    start_from: Path | None = None,
    checkpoints: Path | None = None,
    about: Mapping[str, object] | None = None,
    processes: int | None = None,
    trackers: tuple[str, ...] = (),
    log_directory: Path | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Tune an encoder, and write its adapter into a directory.

    Args:
        model: A directory, a short name, or a model of the Hugging Face cache or hub.
        pairs: Texts that belong together.
        directory: Is filled with the adapter of the best evaluation, or of the last step without one.
        settings: How.
        evaluate: Given a function from texts to unit vectors, a score; higher is better. Several processes
            need a `Retrieval`.
        start_from: An adapter of the same model and tuning that training goes on from.
        checkpoints: A folder; a run of the same model, data and settings goes on from what it finds there.
        about: What else the adapter's JSON is to say.
        processes: Processes that share each step; as many as there are GPUs (CPU: 1) if None.
        trackers: Names of Accelerate's trackers.
        log_directory: Where trackers write.
        progress: Called with the number of further steps that are done.

    Raises:
        UsageError: If the model, the tuning or a tracker is not there.
        DataError: If there are too few pairs, or model or adapter can not be used.
    """
    from adcli.core.contrastive_training import train_here, train_together

    check_pairs(pairs, settings)
    runtime = start_runtime(device=settings.device, precision=settings.precision, processes=processes)
    run = Run(
        str(resolve_model(model, task="embed").path),
        pairs,
        str(directory.absolute()),
        settings,
        str(start_from.absolute()) if start_from else "",
        str(checkpoints.absolute()) if checkpoints else "",
        dict(about or {}),
        trackers,
        str(log_directory.absolute()) if log_directory else "",
    )
    if runtime.processes == 1:
        return train_here(run, evaluate, progress)
    if not isinstance(evaluate, Retrieval | None):
        raise UsageError(
            "Several processes can not evaluate by a function.", fix="Give a Retrieval, or --processes 1."
        )
    return train_together(run, evaluate, runtime.processes, progress)


def check_pairs(pairs: Pairs, settings: TrainingSettings) -> None:
    """Raise if there is nothing to learn from.

    Raises:
        DataError: If there are fewer pairs than a batch holds, or their parts differ in number.
    """
    count = len(pairs.anchors)
    if len(pairs.positives) != count or len(pairs.negatives) not in {0, count}:
        raise DataError(
            f"{count} anchors have {len(pairs.positives)} positives and {len(pairs.negatives)} negatives."
        )
    if count < settings.batch_size:
        raise DataError(
            f"There are {count} pairs, fewer than one batch of {settings.batch_size}.",
            fix="Give more data, or a smaller --batch-size.",
        )


def batch_members(count: int, batch: int, settings: TrainingSettings) -> npt.NDArray[np.int64]:
    """Which pairs are in a batch: each pair once before any comes again, in an order that hangs on the seed.

    Args:
        count: Pairs there are.
        batch: Number of the batch since training began.
        settings: Batch size and seed.
    """
    per_pass = count // settings.batch_size
    rounds, place = divmod(batch, per_pass)
    order = np.random.default_rng([settings.seed, rounds]).permutation(count)
    return order[place * settings.batch_size : (place + 1) * settings.batch_size]


def clashes(
    anchors: Sequence[str], positives: Sequence[str], negatives: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """(n, n + negatives) which texts may not count as wrong for which anchor.

    Another pair's positive that is this pair's too, or belongs to the same anchor, is no wrong answer.
    """
    offered = np.array([*positives, *negatives], dtype=object)
    asked, right = np.array(anchors, dtype=object), np.array(positives, dtype=object)
    same_answer = right[:, None] == offered[None, :]
    of_anchor = np.array([*anchors, *[None] * len(negatives)], dtype=object)
    same_anchor = asked[:, None] == of_anchor[None, :]
    clash: npt.NDArray[np.bool_] = (same_answer | same_anchor).astype(np.bool_)
    clash[np.arange(len(asked)), np.arange(len(asked))] = False
    return clash
