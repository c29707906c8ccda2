"""How good a writer is at prompts that nothing is learned of, and how far it has gone from where it began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.training.settings import Evaluation
from adcli.core.training.writer.examples import FEWEST, Judge, Pair, WriterTask
from adcli.core.training.writer.gradient_writer import GradientWriter, Group
from adcli.core.training.writer.likelihood import (
    BETA,
    groups_of,
    margins,
    mean_log_likelihood,
    preference_groups,
)
from adcli.core.training.writer.reinforcement import log_probabilities_of, written_by
from adcli.core.writing.live import LiveWriting
from adcli.core.writing.settings import WritingSettings

PROMPTS, SAMPLES, PAIRS = 24, 4, 64
MOST_COMPARED = 200  # texts by which it is said what was gained and forgotten, and what tells audiences best
MISLED = 2  # evaluations whose reward rose alone, after which training is stopped
CLEAR = 1.645  # standard errors that a gain has to exceed
READ_AGAIN = 8  # prompts whose texts the divergence is of


class Watch:
    """The score of a writer in training, and what else is measured.

    Supervised learning is scored by the mean log-likelihood of a token, preference by that of the pairs, of
    which the share whose better text gained soon is 1, reinforcement and an adversary by what the judge says.
    """

    def __init__(
        self, writer: GradientWriter, live: LiveWriting, task: WriterTask, judge: Judge | None, *, seed: int
    ) -> None:
        self._writer, self._live, self._judge = writer, live, judge
        self._places = task.held_out[:PROMPTS]
        self._prompts = [writer.group(*asked) for asked in task.asked(self._places)]
        self._how = WritingSettings(SAMPLES, task.new_tokens, 1.0, 0, 1.0, seed + 1)
        self._pairs = groups_of(writer, task.pairs_of(task.held_out))[:PAIRS]
        self._preferences = preference_groups(writer, task.preferences_of(task.held_out))[:PAIRS]
        self._margins = margins(writer, self._preferences)

    def __call__(self) -> tuple[float, Mapping[str, float]]:
        """The score, higher is better, and what else was measured, by name."""
        watched = self._watched() if self._prompts else {}
        if self._pairs:
            watched["log_likelihood"] = mean_log_likelihood(self._writer, self._pairs)
        if self._preferences:
            gained = np.subtract(margins(self._writer, self._preferences), self._margins)
            watched["preferred"] = float((gained > 0).mean())
            watched["log_preferred"] = float(-np.logaddexp(0, -BETA * gained).mean())
        order = ("score", "log_preferred", "log_likelihood")
        score = next((watched[name] for name in order if name in watched), 0.0)
        return score, {name: value for name, value in watched.items() if name != "score"}

    def _watched(self) -> dict[str, float]:
        written = written_by(self._live, self._prompts, self._how, self._places)
        texts = [[self._writer.reader.read_back(ids.tolist()) for ids in group.texts] for group in written]
        watched = dict(self._judge.watched(self._places, texts)) if self._judge else {}
        return {**watched, "kl": self._divergence(written[:READ_AGAIN])}

    def _divergence(self, written: list[Group]) -> float:
        """Of a token, from where training began, by what was written now."""
        with torch.no_grad():
            now = torch.cat(log_probabilities_of(self._writer, written))
            with self._writer.as_begun():
                before = torch.cat(log_probabilities_of(self._writer, written))
        return float((now - before).mean())


def best_told(writer: GradientWriter, task: WriterTask) -> dict[str, dict[str, Any]]:
    """What tells an audience best, its vector or its name, by the likelihood of ads that it clicked.

    The vector's gain has to be clear, of more than a few ads, and more than what another audience's vector
    has.
    """
    ads = task.clicked[:MOST_COMPARED]
    by_names = task.asked(ad.by_name for ad in ads)
    by_vector = task.asked(ad.by_vector for ad in ads)
    others = [
        (prompt, tuple(task.vectors[ad.others])) for (prompt, _), ad in zip(by_vector, ads, strict=True)
    ]
    weights = np.array([ad.clicks for ad in ads])
    weights /= weights.sum()
    likelihood = {}
    for name, asked in (("names", by_names), ("vectors", by_vector), ("others", others)):
        both = zip(asked, ads, strict=True)
        groups = [writer.group(prompt, audience, [ad.text]) for (prompt, audience), ad in both]
        with torch.no_grad():
            found = log_probabilities_of(writer, groups)
        likelihood[name] = np.array([float(tokens.mean()) for tokens in found])
    means = {name: float(weights @ each) for name, each in likelihood.items()}
    apart = likelihood["vectors"] - likelihood["names"]
    gain = float(weights @ apart)
    error = float(np.sqrt(((weights * (apart - gain)) ** 2).sum()))
    is_better = len(ads) >= FEWEST and gain > CLEAR * error and means["vectors"] > means["others"]
    told = {"told_by": "vectors" if is_better else "names", "gain": gain, "error": error}
    return {"audience": {**told, **means, "ads": len(ads), "clicks": float(sum(ad.clicks for ad in ads))}}


def is_misled(evaluations: Sequence[Evaluation]) -> bool:
    """Whether the reward has gone on rising since the best evaluation while what it stands for fell.

    Source: Gao, Schulman and Hilton, "Scaling Laws for Reward Model Overoptimization" (2023).
    """
    best = max(evaluations, key=lambda evaluation: evaluation.score, default=None)
    if best is None:
        return False
    since = [e for e in evaluations if e.step > best.step and e.watched["reward"] > best.watched["reward"]]
    return len(since) >= MISLED and since == list(evaluations[-len(since) :])


def gained_and_forgotten(writer: GradientWriter, task: WriterTask) -> dict[str, dict[str, float]]:
    """By how much a token of new texts held out is likelier than before, and of earlier ones less likely."""
    earlier = [Pair(prompt, text) for prompt, text in task.replay_held_out]
    pairs = {"gained": task.pairs_of(task.held_out), "forgotten": earlier}
    found = {}
    for name, sign in (("gained", 1), ("forgotten", -1)):
        groups = groups_of(writer, pairs[name])[:MOST_COMPARED]
        after = mean_log_likelihood(writer, groups)
        with writer.as_begun():
            before = mean_log_likelihood(writer, groups)
        found[name] = {
            "before": before,
            "after": after,
            "change": sign * (after - before),
            "pairs": len(groups),
        }
    return found
