"""What a writer learns from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from adcli.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from adcli.core.adapters.audience import Audience


class Pair(NamedTuple):
    """A prompt, a text that answers it, and the profile vector of whom it is for, None for everybody."""

    prompt: str
    text: str
    audience: Audience | None = None


class Preferred(NamedTuple):
    """A prompt, of two texts that answer it the better and the worse, what the pair counts, and for whom."""

    prompt: str
    better: str
    worse: str
    weight: float
    audience: Audience | None = None


class Clicked(NamedTuple):
    """An ad that was clicked, which shows by what an audience is best told: its name or its vector.

    Attributes:
        by_name: Place of the prompt that has the audience's name.
        by_vector: Place of the one that has its vector.
        others: Number of another audience's vector.
        text: The ad.
        clicks: On it.
    """

    by_name: int
    by_vector: int
    others: int
    text: str
    clicks: float


FEWEST = 4  # items with texts that people wrote, to judge by
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
        items: Of each the number of the item it is about; empty where each is about one of its own.
        vectors: Profile vectors of audiences.
        audiences: Of prompts, by place, the number of the vector of whom the text is for.
        clicked: Ads held out, of which it is said by what an audience is best told.
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
    items: list[int] = field(default_factory=list)
    vectors: list[list[float]] = field(default_factory=list)
    audiences: list[tuple[int, int]] = field(default_factory=list)
    clicked: list[Clicked] = field(default_factory=list)
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

    def item_of(self, place: int) -> int:
        """The number of the item that a prompt is about."""
        return self.items[place] if self.items else place

    def asked(self, places: Iterable[int]) -> list[tuple[str, Audience | None]]:
        """The prompts at some places, and for whom each is."""
        numbers = dict(self.audiences)
        vectors = [tuple(vector) for vector in self.vectors]
        return [(self.prompts[at], vectors[numbers[at]] if at in numbers else None) for at in places]

    def pairs_of(self, places: Sequence[int]) -> list[Pair]:
        """The pairs of some prompts."""
        some = set(places)
        chosen = [pair for pair in self.pairs if pair[0] in some]
        asked = self.asked(place for place, _ in chosen)
        return [
            Pair(prompt, text, audience) for (_, text), (prompt, audience) in zip(chosen, asked, strict=True)
        ]

    def preferences_of(self, places: Sequence[int]) -> list[Preferred]:
        """The preferences of some prompts."""
        some = set(places)
        chosen = [pair for pair in self.preferences if pair[0] in some]
        asked = self.asked(place for place, *_ in chosen)
        return [
            Preferred(prompt, better, worse, weight, audience)
            for (_, better, worse, weight), (prompt, audience) in zip(chosen, asked, strict=True)
        ]


_MORE_HELD_OUT = "Give ads of more items, or a larger --held-out."


def check_count(task: WriterTask, batch_size: int) -> None:
    """Raise if there are fewer examples than one batch, or none to score by.

    Raises:
        DataError: If so.
    """
    learned = task.learned
    count, what = {
        "supervised": (len(task.pairs_of(learned)), "pairs"),
        "preference": (len(task.preferences_of(learned)), "pairs of a better and a worse text"),
        "reinforce": (len(learned), "prompts"),
        "adversarial": (len(task.pairs_of(learned)), "ads that people wrote"),
    }[task.stage]
    if count < batch_size:
        raise DataError(
            f"There are {count} {what} to learn from, fewer than one batch of {batch_size}.",
            fix="Give more data, or a smaller --batch-size.",
        )
    scored_by = {"supervised": task.pairs_of, "preference": task.preferences_of}
    if task.stage in scored_by and not scored_by[task.stage](task.held_out):
        raise DataError(f"There are no {what} of the items held out, to score by.", fix=_MORE_HELD_OUT)
    if task.stage == "adversarial":
        for places in (task.held_out, task.judging):
            some = set(places)
            if len({task.item_of(place) for place, _ in task.pairs if place in some}) < FEWEST:
                raise DataError(
                    f"People wrote ads for fewer than {FEWEST} of the items held out, to judge others by.",
                    fix=_MORE_HELD_OUT,
                )
