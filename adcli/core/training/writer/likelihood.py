"""To write like given texts, and to prefer some to others: supervised learning and direct preference.

Source: Rafailov et al., "Direct Preference Optimization" (2023), equation 7; Pang et al., "Iterative
Reasoning Preference Optimization" (2024), equation 1, for the likelihood of the better text beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.training.batches import batch_members
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.writer.examples import Pair, Preferred
from adcli.core.training.writer.gradient_writer import GradientWriter, Group

BETA = 0.1  # how far a preference may lead from where training began
LIKELIHOOD = 0.1  # of the better text, beside the preference


def own_share(number: int, count: int, settings: TrainingSettings, processes: int) -> list[int]:
    """The examples of this process in the batch that all processes share.

    Args:
        number: Of the batch, counted over all processes.
        count: Examples there are.
        settings: Batch size and seed.
        processes: That share the batch.
    """
    batch, rank = divmod(number, processes)
    members: list[int] = batch_members(count, batch, settings).tolist()
    return members[rank::processes]


def add_loss_gradients(
    writer: GradientWriter,
    groups: Sequence[Group],
    loss_of: Callable[[torch.Tensor, Sequence[int]], torch.Tensor],
) -> float:
    """The loss of a batch, part by part; its gradients are added to those of the trained weights.

    Args:
        writer: The model in training.
        groups: Prompts with the same number of texts each.
        loss_of: Given log-probabilities of the tokens of some groups and the places of these, their share of
            the loss.
    """
    total = 0.0
    for part in writer.parts(groups):
        places = part.tolist()
        loss = loss_of(writer.log_probabilities([groups[place] for place in places]), places)
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total


class Supervised:
    """To write each prompt's text: the mean cross-entropy of its tokens."""

    def __init__(
        self, writer: GradientWriter, pairs: Sequence[Pair], settings: TrainingSettings, processes: int
    ) -> None:
        self._writer, self._settings, self._processes = writer, settings, processes
        self._groups = groups_of(writer, pairs)

    def add_gradients(self, number: int, seed: int) -> float:
        """The loss of this process's share of a batch, whose gradients are added."""
        del seed  # nothing is drawn
        batch = batch_members(len(self._groups), number // self._processes, self._settings)
        tokens = sum(len(self._groups[place].texts[0]) for place in batch)
        own = own_share(number, len(self._groups), self._settings, self._processes)
        scale = self._processes / tokens
        return add_loss_gradients(
            self._writer, [self._groups[place] for place in own], lambda found, _: -found.sum() * scale
        )


class Preference:
    """To find the better of two texts likelier than the worse, by more than where training began."""

    def __init__(
        self,
        writer: GradientWriter,
        preferences: Sequence[Preferred],
        settings: TrainingSettings,
        processes: int,
    ) -> None:
        self._writer, self._settings, self._processes = writer, settings, processes
        self._groups = preference_groups(writer, preferences)
        mean = sum(pair.weight for pair in preferences) / len(preferences)
        self._weights = [pair.weight / mean for pair in preferences]

    def add_gradients(self, number: int, seed: int) -> float:
        """The loss of this process's share of a batch, whose gradients are added."""
        del seed  # nothing is drawn
        own = own_share(number, len(self._groups), self._settings, self._processes)
        groups = [self._groups[place] for place in own]
        scale = self._processes / self._settings.batch_size
        with self._writer.as_begun():
            margin = margins(self._writer, groups)

        def loss_of(found: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
            better, worse = _sums(found, [groups[place] for place in places])
            before = found.new_tensor([margin[place] for place in places])
            weight = found.new_tensor([self._weights[own[place]] for place in places])
            tokens = found.new_tensor([len(groups[place].texts[0]) for place in places])
            gain = functional.logsigmoid(BETA * (better - worse - before))
            return -((gain + LIKELIHOOD * better / tokens) * weight).sum() * scale

        return add_loss_gradients(self._writer, groups, loss_of)


def groups_of(writer: GradientWriter, pairs: Sequence[Pair]) -> list[Group]:
    """Each prompt with its one text, as tokens."""
    return [writer.group(pair.prompt, pair.audience, [pair.text]) for pair in pairs]


def preference_groups(writer: GradientWriter, preferences: Sequence[Preferred]) -> list[Group]:
    """Each prompt with the better and the worse of its two texts, as tokens."""
    return [writer.group(pair.prompt, pair.audience, [pair.better, pair.worse]) for pair in preferences]


def margins(writer: GradientWriter, groups: Sequence[Group]) -> list[float]:
    """(n,) by how much each group's first text is likelier than its second."""
    found = [0.0] * len(groups)
    with torch.no_grad():
        for part in writer.parts(groups):
            chosen = [groups[place] for place in part]
            better, worse = _sums(writer.log_probabilities(chosen), chosen)
            for place, margin in zip(part.tolist(), (better - worse).tolist(), strict=True):
                found[place] = margin
    return found


def mean_log_likelihood(writer: GradientWriter, groups: Sequence[Group]) -> float:
    """Of a token of the groups' texts."""
    total, tokens = 0.0, 0
    with torch.no_grad():
        for part in writer.parts(groups):
            found = writer.log_probabilities([groups[place] for place in part])
            total, tokens = total + float(found.double().sum()), tokens + len(found)
    return total / max(tokens, 1)


def _sums(found: torch.Tensor, groups: Sequence[Group]) -> tuple[torch.Tensor, torch.Tensor]:
    """The log-probabilities of each group's first and second text."""
    lengths = [len(text) for group in groups for text in group.texts]
    sums = torch.stack([piece.sum() for piece in torch.split(found, lengths)])
    return sums[0::2], sums[1::2]
