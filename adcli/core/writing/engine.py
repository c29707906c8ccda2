"""A loaded language model: from prompts over batches to texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.audience import Audience
from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.processes.runtime import Runtime
from adcli.core.writing.closing import ANY_ROOM, Closing
from adcli.core.writing.language_model import LanguageModel
from adcli.core.writing.likelihood import Likelihood
from adcli.core.writing.prompts import Ids, Prompt, PromptReader, Request
from adcli.core.writing.sampling import Samples, sample_batch
from adcli.core.writing.settings import WritingSettings

ROW_BUDGET = {"cpu": 128, "cuda": 1_024, "mps": 256}
PROMPT_TOKENS = {"cpu": 4_096, "cuda": 65_536, "mps": 16_384}
SCORED_TOKENS = 512  # scores over a whole vocabulary are kept for so many tokens at once


class LocalWriting(NamedTuple):
    """A language model in this process.

    Attributes:
        model: Gives scores of next tokens.
        reader: Makes prompts and texts.
        runtime: On what it runs.
        precision: What it computes in.
        notes: What was chosen and why, one sentence each.
    """

    model: LanguageModel
    reader: PromptReader
    runtime: Runtime
    precision: str
    notes: list[str]

    @property
    def has_chat_template(self) -> bool:
        """Whether the model is asked in messages; else it continues a text."""
        return self.reader.has_chat_template

    def write(
        self, requests: Sequence[Request], settings: WritingSettings
    ) -> Iterator[tuple[int, list[str]]]:
        """The position of each request and its texts, as batches are done."""
        prompts = [
            self.reader.prompt(asked.prompt, settings.system, plain=settings.plain) for asked in requests
        ]
        numbers = [asked.row for asked in requests]
        rooms = [asked.columns for asked in requests]
        whom = [asked.audience for asked in requests]
        for members, samples in self._sampled(prompts, numbers, settings, whom, rooms):
            texts = [self.reader.read_back(ids) for ids in samples.ids()]
            for place, position in enumerate(members.tolist()):
                yield position, texts[place * settings.n : (place + 1) * settings.n]

    def sample(
        self,
        prompts: Sequence[Ids],
        settings: WritingSettings,
        rows: Sequence[int] | None = None,
        audiences: Sequence[Audience | None] | None = None,
    ) -> Samples:
        """`settings.n` continuations of each prompt with their log-probabilities, prompts in order.

        Args:
            prompts: Token ids.
            settings: How; `system` has no part in it.
            rows: A number for each prompt that its random numbers depend on; its position if None.
            audiences: For whom each is; everybody if None.

        Raises:
            DataError: If a prompt leaves no room to write.
        """
        numbers = range(len(prompts)) if rows is None else rows
        whom = [None] * len(prompts) if audiences is None else audiences
        variants = np.arange(settings.n)
        return Samples.joined(
            [
                ((members[:, None] * settings.n + variants).ravel(), samples)
                for members, samples in self._sampled(prompts, numbers, settings, whom)
            ]
        )

    def _sampled(
        self,
        prompts: Sequence[Ids],
        numbers: Sequence[int],
        settings: WritingSettings,
        audiences: Sequence[Audience | None],
        rooms: Sequence[int | None] = (),
    ) -> Iterator[tuple[IntArray, Samples]]:
        """The positions of the prompts of each batch and their samples, as batches are done."""
        for ids in prompts:
            self.reader.check_room(ids, settings.max_new_tokens, self.model.max_positions)

        def compute(members: IntArray) -> tuple[IntArray, Samples]:
            return members, sample_batch(
                self.model,
                [prompts[i] for i in members],
                [numbers[i] for i in members],
                settings,
                stops=self.reader.stops,
                device=self.runtime.device,
                closing=self._closing([rooms[i] for i in members], settings.n) if any(rooms) else None,
                audience=audiences[members[0]],
            )

        batches = self._batches(prompts, audiences, settings.n)
        yield from run_on_workers(compute, batches, workers=self.runtime.workers)

    def _closing(self, rooms: Sequence[int | None], variants: int) -> Closing:
        columns = [ANY_ROOM if room is None else room for room in rooms for _ in range(variants)]
        return Closing(self.reader.shapes, columns, self.runtime.device)

    def log_likelihood(self, pairs: Sequence[tuple[Prompt | None, str]]) -> Likelihood:
        """How likely the model finds each text after its prompt, or by itself if that is None."""
        read = [self._read_pair(prompt, text) for prompt, text in pairs]
        for whole, _ in read:
            self.reader.check_room(whole, 0, self.model.max_positions)
        lengths = np.array([len(whole) for whole, _ in read], np.int64)
        batches = plan_batches(lengths, token_budget=SCORED_TOKENS, max_padding=self.model.max_padding)

        def compute(members: IntArray) -> tuple[IntArray, list[float]]:
            return members, self._score_batch([read[i] for i in members])

        total = np.zeros(len(pairs))
        for members, sums in run_on_workers(compute, batches, workers=self.runtime.workers):
            total[members] = sums
        scored = np.array([len(whole) - first for whole, first in read], np.int64)
        return Likelihood(total, scored)

    def _batches(
        self, prompts: Sequence[Ids], audiences: Sequence[Audience | None], variants: int
    ) -> list[IntArray]:
        """Positions of the prompts that are written together, for one audience; few tokens and rows."""
        kind = self.runtime.device.split(":")[0]
        together = max(1, ROW_BUDGET[kind] // variants)
        same: dict[Audience | None, list[int]] = {}
        for position, audience in enumerate(audiences):
            same.setdefault(audience, []).append(position)
        planned = [
            np.array(positions)[batch]
            for positions in same.values()
            for batch in plan_batches(
                [len(prompts[position]) for position in positions],
                token_budget=PROMPT_TOKENS[kind],
                max_padding=self.model.max_padding,
            )
        ]
        return [batch[i : i + together] for batch in planned for i in range(0, len(batch), together)]

    def _read_pair(self, prompt: Prompt | None, text: str) -> tuple[Ids, int]:
        """The ids of prompt and text, and how many of them come before the text."""
        if prompt is None:
            whole = self.reader.text(text)
            return whole, 1
        before = self.reader.prompt(prompt)
        return np.concatenate([before, self.reader.continuation(text)]), len(before)

    def _score_batch(self, read: Sequence[tuple[Ids, int]]) -> list[float]:
        batch = PackedBatch.of_each([ids for ids, _ in read])
        scores = torch.log_softmax(self.model.scores(batch).float(), dim=-1)
        ids = torch.from_numpy(batch.ids).long().to(scores.device)
        found = scores[:-1].gather(1, ids[1:, None])[:, 0].double().cpu().numpy()
        ends = np.cumsum(batch.lengths)
        starts = ends - batch.lengths
        return [
            float(found[start + first - 1 : end - 1].sum())
            for start, end, (_, first) in zip(starts, ends, read, strict=True)
        ]
