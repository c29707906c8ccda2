"""To earn a reward: texts are sampled, and those of a group that earn more than its others become likelier.

Advantages are divided by one deviation for the whole batch and sums by one constant length, so that neither
easy prompts nor short texts count more. A penalty keeps the writer near where it began.

Source: Shao et al., "DeepSeekMath" (2024), equations 3 and 4; Liu et al., "Understanding R1-Zero-Like
Training" (2025), for the constant normaliser; Schulman, "Approximating KL Divergence" (2020), for the
estimate of it; Xu et al., "Not All Rollouts are Useful" (2025), for learning from the samples that differ
most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Floats
from adcli.core.compute.precision import choose_precision
from adcli.core.processes.runtime import Precision
from adcli.core.training.batches import batch_members
from adcli.core.training.gradients import average
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.writer.gradient_writer import GradientWriter, Group
from adcli.core.training.writer.likelihood import add_loss_gradients, own_share
from adcli.core.writing.live import LiveWriting
from adcli.core.writing.settings import WritingSettings

Rewards = Mapping[str, Floats]
Reward = Callable[[Sequence[int], Sequence[Sequence[str]]], Rewards]
"""Places of prompts and the texts written for each to (texts,) parts of the reward, whose sum it is."""

PENALTY = 0.05  # of the divergence, in deviations of the reward


class Reinforcement:
    """To write what earns a reward.

    Args:
        writer: The model in training.
        live: The same as what samples.
        prompts: To write for, without texts.
        reward: Of texts.
        settings: Prompts of a batch, and seed.
        how: Texts written for each prompt; of them, those learned from, which earn most and least; most
            tokens of a text.
        processes: That share a batch.

    Attributes:
        seen: What the last batch of this process earned, by part, and its divergence a token.
    """

    def __init__(
        self,
        writer: GradientWriter,
        live: LiveWriting,
        prompts: Sequence[Group],
        reward: Reward,
        settings: TrainingSettings,
        *,
        how: tuple[int, int, int],
        processes: int,
    ) -> None:
        self._writer, self._reward, self._settings = writer, reward, settings
        self._prompts = prompts
        samples, self._learned, new_tokens = how
        self._processes, self._live = processes, live
        self._how = WritingSettings(samples, new_tokens, 1.0, 0, 1.0, settings.seed)
        self.seen: dict[str, float] = {}

    def add_gradients(self, number: int, seed: int) -> float:
        """The loss of this process's share of a batch, whose gradients are added."""
        del seed  # what is drawn depends on the batch and the place in it
        writer, n = self._writer, self._how.n
        own = own_share(number, len(self._prompts), self._settings, self._processes)
        batch = batch_members(len(self._prompts), number // self._processes, self._settings).tolist()
        rows = [(number // self._processes) * self._settings.batch_size + batch.index(place) for place in own]
        written = written_by(self._live, [self._prompts[place] for place in own], self._how, rows)
        texts = [[writer.reader.read_back(ids.tolist()) for ids in group.texts] for group in written]
        parts = self._reward(own, texts)
        earned = np.sum(list(parts.values()), axis=0).reshape(-1, n)
        groups, advantages = self._most_telling(written, earned)
        scale = self._processes / (self._settings.batch_size * self._learned * self._how.max_new_tokens)
        with writer.as_begun():
            before = log_probabilities_of(writer, groups)
        divergence, tokens = 0.0, 0

        def loss_of(found: torch.Tensor, places: Sequence[int]) -> torch.Tensor:
            nonlocal divergence, tokens
            advantage = found.new_tensor([value for place in places for value in advantages[place]])
            lengths = torch.tensor([len(ids) for place in places for ids in groups[place].texts])
            each = advantage.repeat_interleave(lengths.to(found.device))
            apart = torch.cat([before[place] for place in places]).to(found.device) - found
            away = apart.exp() - apart - 1
            divergence, tokens = divergence + float(away.detach().sum()), tokens + len(found)
            return -(each * (found - found.detach()).exp() - PENALTY * away).sum() * scale

        loss = add_loss_gradients(writer, groups, loss_of)
        self.seen = {name: float(values.mean()) for name, values in parts.items()}
        self.seen |= {"reward": float(earned.mean()), "kl": divergence / max(tokens, 1)}
        return loss

    def _most_telling(
        self, written: Sequence[Group], earned: Floats
    ) -> tuple[list[Group], list[list[float]]]:
        """Of each group the samples that earned most and least, with their advantages."""
        deviation = self._deviation(earned) + 1e-3
        groups, advantages = [], []
        for group, its in zip(written, earned, strict=True):
            order = np.argsort(its, kind="stable")
            least = self._learned // 2
            chosen = [*order[:least], *order[len(order) - self._learned + least :]]
            groups.append(group._replace(texts=[group.texts[place] for place in chosen]))
            advantages.append(((its - its.mean()) / deviation)[chosen].tolist())
        return groups, advantages

    def _deviation(self, earned: Floats) -> float:
        """Of what all processes' samples of the batch earned."""
        if self._processes == 1:
            return float(earned.std())
        share = self._processes / (self._settings.batch_size * self._how.n)
        mean = average(float(earned.sum()) * share)
        return float(np.sqrt(average(float(((earned - mean) ** 2).sum()) * share)))


def live_writing(writer: GradientWriter) -> LiveWriting:
    """A writer in training as what samples."""
    runtime = writer.runtime
    asked: Precision = "bf16" if writer.precision == "bf16" else "fp32"  # as when a resumed training began
    choice = choose_precision(asked, device=runtime.device, width=writer.model.config.hidden_size)
    return LiveWriting(writer.model, writer.reader, runtime, choice, writer.audience)


def written_by(
    live: LiveWriting, prompts: Sequence[Group], how: WritingSettings, rows: Sequence[int]
) -> list[Group]:
    """Prompts with what a writer, as it is, writes for them.

    Args:
        live: The writer.
        prompts: Without texts.
        how: It writes.
        rows: A number for each prompt that its random numbers depend on.
    """
    whom = [group.audience for group in prompts]
    samples = live.sample([group.prompt for group in prompts], how, rows, whom)
    texts = [np.array(ids, np.int32) for ids in samples.ids()]
    return [group._replace(texts=texts[at * how.n : (at + 1) * how.n]) for at, group in enumerate(prompts)]


def log_probabilities_of(writer: GradientWriter, groups: Sequence[Group]) -> list[torch.Tensor]:
    """The log-probabilities of the tokens of each group's texts, as the writer is."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(groups)
    for part in writer.parts(groups):
        chosen = [groups[place] for place in part]
        lengths = [sum(map(len, group.texts)) for group in chosen]
        for place, its in zip(
            part.tolist(), torch.split(writer.log_probabilities(chosen), lengths), strict=True
        ):
            found[place] = its
    return found
