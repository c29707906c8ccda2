"""What a writer learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from adcli.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Pairs(NamedTuple):
    """Prompts, and a text that answers each."""

    prompts: Sequence[str]
    texts: Sequence[str]


class Preferences(NamedTuple):
    """Prompts, of two texts that answer each the better and the worse, and how much the pair counts."""

    prompts: Sequence[str]
    better: Sequence[str]
    worse: Sequence[str]
    weights: Sequence[float]


def pairs_from(rows: Sequence[tuple[str, str]]) -> Pairs:
    """Prompts with their texts as pairs."""
    return Pairs([prompt for prompt, _ in rows], [text for _, text in rows])


FEWEST = 4  # prompts with texts that people wrote, to judge by
Stage = Literal["supervised", "preference", "reinforce", "adversarial"]


class Judge(Protocol):
    """What a text is worth, by the place of its prompt."""

    def reward(
        self, places: Sequence[int], texts: Sequence[Sequence[str]]
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """(texts,) the parts of the reward of what was written for each prompt, whose sum it is."""
        ...

    def watched(self, places: Sequence[int], texts: Sequence[Sequence[str]]) -> Mapping[str, float]:
        """What is measured of texts that are not learned from; `score`, if there, decides what is kept."""
        ...


@dataclass(frozen=True)
class WriterTask:
    """What a writer is to learn.

    Attributes:
        stage: How it learns.
        prompts: All prompts.
        pairs: Place of the prompt, and a text that answers it.
        replay: Prompts and texts of an earlier training that are learned again beside the pairs.
        replay_held_out: Others of it, which show what is forgotten.
        preferences: Place of the prompt, the better text, the worse, and what the pair counts.
        held_out: Places of prompts that nothing is learned of.
        judging: Places of further ones, of which a second discriminator learns to judge.
        judge: "module:function" that makes the `Judge` of `judged_by`; empty for none.
        judged_by: What it needs to know, as JSON.
        discriminator: Name of the encoder that tells human texts from generated ones.
        samples: Texts written for a prompt, in reinforcement.
        kept: Of them, those learned from.
        new_tokens: Most tokens of a text.
        max_length: Tokens of a prompt; longer ones lose their beginning.
    """

    stage: Stage
    prompts: list[str]
    pairs: list[tuple[int, str]] = field(default_factory=list)
    replay: list[tuple[str, str]] = field(default_factory=list)
    replay_held_out: list[tuple[str, str]] = field(default_factory=list)
    preferences: list[tuple[int, str, str, float]] = field(default_factory=list)
    held_out: list[int] = field(default_factory=list)
    judging: list[int] = field(default_factory=list)
    judge: str = ""
    judged_by: Mapping[str, Any] = field(default_factory=dict)
    discriminator: str = "minilm"
    samples: int = 8
    kept: int = 4
    new_tokens: int = 30
    max_length: int = 256

    @property
    def learned(self) -> list[int]:
        """Places of prompts that are learned of."""
        apart = {*self.held_out, *self.judging}
        return [place for place in range(len(self.prompts)) if place not in apart]

    def pairs_of(self, places: Sequence[int]) -> Pairs:
        """The pairs of some prompts."""
        some = set(places)
        return pairs_from([(self.prompts[place], text) for place, text in self.pairs if place in some])

    def preferences_of(self, places: Sequence[int]) -> Preferences:
        """The preferences of some prompts."""
        some = set(places)
        chosen = [(self.prompts[place], *rest) for place, *rest in self.preferences if place in some]
        return Preferences(*map(list, zip(*chosen, strict=True))) if chosen else Preferences([], [], [], [])


def check_count(task: WriterTask, batch_size: int) -> None:
    """Raise if there are fewer examples than one batch.

    Raises:
        DataError: If so.
    """
    learned = task.learned
    count, what = {
        "supervised": (len(task.pairs_of(learned).texts), "pairs"),
        "preference": (len(task.preferences_of(learned).better), "pairs of a better and a worse text"),
        "reinforce": (len(learned), "prompts"),
        "adversarial": (len(task.pairs_of(learned).texts), "ads that people wrote"),
    }[task.stage]
    if count < batch_size:
        raise DataError(
            f"There are {count} {what} to learn from, fewer than one batch of {batch_size}.",
            fix="Give more data, or a smaller --batch-size.",
        )
    if task.stage == "adversarial":
        for places in (task.held_out, task.judging):
            if len(set(task.pairs_of(places).prompts)) < FEWEST:
                raise DataError(
                    f"People wrote ads for fewer than {FEWEST} of the prompts held out, to judge others by.",
                    fix="Give ads of more items, or a larger --held-out.",
                )
