"""The plane of quality and diversity, on which a writer is compared with the one it began as.

A writer buys quality with diversity by writing at a lower temperature. Training has gained something only if
it leads above the curve of points that the beginning writer reaches at all temperatures.

Quality is the mean log-odds of being human by a logistic regression on vectors of an encoder that nothing was
trained by; it learns from items of its own, from ads that people wrote against as many of either writer.
Diversity is one less self-BLEU. The prompts of every other item are for choosing among the weights of a
training, the rest for the verdict: the best of several evaluations lies above the curve by chance.

Source: Caccia et al., "Language GANs Falling Short" (2020), section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Floats
from adcli.core.training.encoder.examples import fit_head
from adcli.core.training.writer.discriminator import with_prompt
from adcli.core.training.writer.examples import WriterTask
from adcli.statistics.ngrams import self_bleu, tokens

Texts = Sequence[Sequence[str]]
Write = Callable[[Sequence[int], float, int, int], Texts]
"""Places of prompts, temperature, texts for each, and seed to what a writer, as it is, writes for them."""

CURVE = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2)
LEVELS = (0.5, 0.7, 0.85, 1.0)
CLEAR = 1.645  # standard errors by which the trained writer has to lie above the curve
ENOUGH = 3  # levels at which it may not lie below
JUDGED = 96  # texts that quality is learned of, at most, of people and of a writer at one temperature


class Level(NamedTuple):
    """A writer at one temperature.

    Attributes:
        temperature: At which it wrote.
        diversity: One less self-BLEU, 0 to 1.
        quality: (prompts,) of its texts, the mean of each prompt.
        above: (prompts,) by how much that is above what the beginning writer has at the same diversity.
    """

    temperature: float
    diversity: float
    quality: Floats
    above: Floats


class Plane:
    """Compares a writer in training with itself as it began. Made before training.

    Args:
        write: Writes with the weights of now.
        encode: Unit vectors of texts, by an encoder that is not trained.
        task: What is learned; `judging` has the prompts that quality is learned of.
        places: Of prompts to compare at.
        samples: Texts for each.
        seed: Of what is written.

    Attributes:
        is_choosing: (prompts,) those to choose among weights by; the verdict rests on those of other items.
    """

    def __init__(
        self,
        write: Write,
        encode: Callable[[Sequence[str]], npt.NDArray[np.float32]],
        task: WriterTask,
        places: Sequence[int],
        samples: int,
        seed: int,
    ) -> None:
        self._write, self._encode, self._task = write, encode, task
        self._places, self._samples, self._seed = places, samples, seed
        order = {item: number for number, item in enumerate(dict.fromkeys(map(task.item_of, places)))}
        self.is_choosing = np.array([order[task.item_of(place)] % 2 == 0 for place in places])
        self._judging = task.judging[:JUDGED]
        pairs = task.pairs_of(task.judging)[:JUDGED]
        self._human = encode([with_prompt(pair.prompt, pair.text) for pair in pairs])
        self._judged = {t: self._read(self._judging, t, 1)[0] for t in LEVELS}
        begun = [self._read(places, temperature, samples) for temperature in CURVE]
        self._begun = [(vectors, _diversity(texts)) for vectors, texts in begun]

    def compare(self, temperatures: Sequence[float]) -> tuple[list[Level], list[Level]]:
        """The beginning writer's curve, and the levels of the writer of now."""
        quality = self._quality(temperatures)
        curve = [
            Level(temperature, diversity, quality(vectors), np.zeros(len(self._places)))
            for temperature, (vectors, diversity) in zip(CURVE, self._begun, strict=True)
        ]
        order = sorted(curve, key=lambda level: level.diversity)
        reached = [level.diversity for level in order]
        levels = []
        for temperature in temperatures:
            vectors, texts = self._read(self._places, temperature, self._samples)
            diversity, own = _diversity(texts), quality(vectors)
            begun = [np.interp(diversity, reached, its) for its in np.array([o.quality for o in order]).T]
            levels.append(Level(temperature, diversity, own, own - np.array(begun)))
        return curve, levels

    def report(self) -> dict[str, Any]:
        """Both curves and the verdict, as JSON."""
        curve, levels = self.compare(LEVELS)
        apart = [level.above[~self.is_choosing] for level in levels]
        mean, error = _mean_and_error(np.mean(apart, axis=0))
        not_below = int(sum(above.mean() >= 0 for above in apart))
        return {
            "quality": "log-odds of being human by a second discriminator, fitted to other items",
            "diversity": "1 - self-BLEU",
            "before": [_row(level) for level in curve],
            "after": [
                {**_row(level), **dict(zip(("above", "error"), _mean_and_error(above), strict=True))}
                for level, above in zip(levels, apart, strict=True)
            ],
            "above": mean,
            "error": error,
            "not_below": not_below,
            "gain": bool(not_below >= ENOUGH and mean > CLEAR * error),
        }

    def _quality(self, temperatures: Sequence[float]) -> Callable[[Floats], Floats]:
        """A function from vectors of the texts for all places to each place's mean log-odds."""
        now = [self._read(self._judging, t, 1)[0] for t in temperatures]
        before = [self._judged[temperature] for temperature in temperatures]
        generated = np.concatenate([*before, *now])
        labels = [1] * len(self._human) + [0] * len(generated)
        share = len(generated) / len(self._human)
        weights = [share] * len(self._human) + [1.0] * len(generated)
        weight, bias = fit_head(np.concatenate([self._human, generated]), labels, 2, weights=weights)

        def quality(vectors: Floats) -> Floats:
            odds = (vectors @ (weight[1] - weight[0]) + bias[1] - bias[0]).astype(float)
            return np.asarray(odds.reshape(-1, self._samples).mean(axis=1))

        return quality

    def _read(self, places: Sequence[int], temperature: float, n: int) -> tuple[Any, Texts]:
        """The vectors of what is written now, and the texts."""
        written = self._write(places, temperature, n, self._seed)
        prompts = self._task.prompts
        both = zip(places, written, strict=True)
        return self._encode([with_prompt(prompts[at], text) for at, its in both for text in its]), written


def compared(task: WriterTask, most: int) -> list[int]:
    """Prompts that nothing is learned of: of as many items as there are, then further ones of the same."""
    of_items: dict[int, list[int]] = {}
    for place in task.held_out:
        of_items.setdefault(task.item_of(place), []).append(place)
    turned = [np.roll(its, -(number // 2)).tolist() for number, its in enumerate(of_items.values())]
    return [place for its in zip_longest(*turned) for place in its if place is not None][:most]


def _diversity(texts: Texts) -> float:
    return 1 - float(np.nanmean(self_bleu([tokens(text) for its in texts for text in its]))) / 100


def _mean_and_error(values: Floats) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _row(level: Level) -> dict[str, float]:
    return {
        "temperature": level.temperature,
        "diversity": level.diversity,
        "quality": float(level.quality.mean()),
    }
