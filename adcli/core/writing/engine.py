"""A loaded language model: from prompts over batches to texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.compute.batching import IntArray, plan_batches
from adcli.core.compute.forward import PackedBatch
from adcli.core.compute.workers import run_on_workers
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import Runtime
from adcli.core.writing.language_forward import LanguageModel
from adcli.core.writing.likelihood import Likelihood
from adcli.core.writing.prompts import Ids, Prompt, PromptReader
from adcli.core.writing.sampling import choose_tokens, uniform_stream
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

    @classmethod
    def load(cls, source: ModelSource, runtime: Runtime, *, adapter: str, exact: bool) -> LocalWriting:
        """The fastest form of a model that agrees with transformers."""
        from adcli.core.writing.loading import load_writer

        loaded = load_writer(source, runtime, adapter=adapter, exact=exact)
        return cls(loaded.model, loaded.reader, runtime, loaded.precision, loaded.notes)

    @property
    def talks(self) -> bool:
        """Whether the model has a chat template."""
        return self.reader.talks

    def write(
        self, rows: Sequence[tuple[int, Prompt]], settings: WritingSettings
    ) -> Iterator[tuple[int, list[str]]]:
        """The position of each (row number, prompt) and its texts, as batches are done."""
        prompts = [self.reader.prompt(text, settings.system) for _, text in rows]
        for ids in prompts:
            self.reader.check_room(ids, settings.max_new_tokens, self.model.max_positions)

        def compute(members: IntArray) -> tuple[IntArray, list[list[str]]]:
            numbers = [rows[i][0] for i in members]
            return members, self._write_batch([prompts[i] for i in members], numbers, settings)

        batches = self._batches(prompts, settings.n)
        for members, texts in run_on_workers(compute, batches, workers=self.runtime.workers):
            yield from zip(members.tolist(), texts, strict=True)

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

    def _batches(self, prompts: Sequence[Ids], variants: int) -> list[IntArray]:
        """Positions of the prompts that are written together: bounded in tokens read and in rows written."""
        kind = self.runtime.device.split(":")[0]
        together = max(1, ROW_BUDGET[kind] // variants)
        lengths = [len(ids) for ids in prompts]
        planned = plan_batches(lengths, token_budget=PROMPT_TOKENS[kind], max_padding=self.model.max_padding)
        return [batch[i : i + together] for batch in planned for i in range(0, len(batch), together)]

    def _write_batch(
        self, prompts: Sequence[Ids], numbers: Sequence[int], settings: WritingSettings
    ) -> list[list[str]]:
        """The texts of each prompt.

        Args:
            prompts: Longest first.
            numbers: The row each prompt's random numbers hang on.
            settings: How.
        """
        batch = PackedBatch.of(np.concatenate(prompts), np.array([len(ids) for ids in prompts]))
        limit, n = settings.max_new_tokens, settings.n
        uniform = torch.from_numpy(
            np.stack([uniform_stream(settings.seed, r, v, limit) for r in numbers for v in range(n)])
        ).to(self.runtime.device)
        decoding = self.model.begin(batch, variants=n, new_tokens=limit)
        stops = torch.tensor(self.reader.stops, device=self.runtime.device)
        scores = decoding.first()
        chosen = [choose_tokens(scores, uniform[:, 0], settings)]
        ended = torch.isin(chosen[0], stops)
        for place in range(1, limit):
            if bool(ended.all()):
                break
            scores = decoding.step(chosen[-1])
            chosen.append(choose_tokens(scores, uniform[:, place], settings))
            ended |= torch.isin(chosen[-1], stops)
        texts = [self.reader.read_back(ids) for ids in torch.stack(chosen, dim=1).tolist()]
        return [texts[i : i + n] for i in range(0, len(texts), n)]

    def _read_pair(self, prompt: Prompt | None, text: str) -> tuple[Ids, int]:
        """The ids of prompt and text, and how many of them come before the text."""
        if prompt is None:
            whole = self.reader.text(text)
            return whole, 1
        before = self.reader.prompt(prompt)
        return np.concatenate([before, self.reader.continuation(text)]), len(before)

    def _score_batch(self, read: Sequence[tuple[Ids, int]]) -> list[float]:
        batch = PackedBatch.of(
            np.concatenate([ids for ids, _ in read]), np.array([len(ids) for ids, _ in read])
        )
        scores = torch.log_softmax(self.model.scores(batch).float(), dim=-1)
        ids = torch.from_numpy(batch.ids).long().to(scores.device)
        found = scores[:-1].gather(1, ids[1:, None])[:, 0].double().cpu().numpy()
        ends = np.cumsum(batch.lengths)
        starts = ends - batch.lengths
        return [
            float(found[start + first - 1 : end - 1].sum())
            for start, end, (_, first) in zip(starts, ends, read, strict=True)
        ]
