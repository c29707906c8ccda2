"""Prompts in, texts out, by a causal language model.

    writer = Writer.load("smollm2")
    writer.write(["Write an ad for a steel water bottle."], n=4, seed=7)      # -> [[text, text, text, text]]

A model with a chat template is asked, any other continues the prompt. Each prompt
is read once for all of its variants. What is written depends on the model, the prompt, the settings, the seed
and the number of the prompt's row, and not on the prompts beside it or on how many processes share the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adcli.core.compute.batching import chunks
from adcli.core.models.resolution import ModelSource, resolve_model
from adcli.core.processes.runtime import Device, Precision, start_runtime
from adcli.core.writing.likelihood import Likelihood
from adcli.core.writing.prompts import Prompt, Request
from adcli.core.writing.settings import WritingSettings

if TYPE_CHECKING:
    from adcli.core.adapters.audience import Audience

Progress = Callable[[int], None]

CHUNK_PROMPTS = 512


class WritingEngine(Protocol):
    """Whatever writes: this process's model, or several processes."""

    @property
    def has_chat_template(self) -> bool:
        """Whether the model has a chat template."""
        ...

    def write(
        self, requests: Sequence[Request], settings: WritingSettings
    ) -> Iterator[tuple[int, list[str]]]:
        """The position of each request and its texts, each once, in any order."""
        ...

    def log_likelihood(self, pairs: Sequence[tuple[Prompt | None, str]]) -> Likelihood:
        """How likely the model finds each text after its prompt, or by itself if that is None."""
        ...


class Writer:
    """A model that writes. Made by `Writer.load`.

    Attributes:
        source: Where the model was found.
        notes: What was chosen for this machine and why, one sentence each.
    """

    def __init__(self, source: ModelSource, engine: WritingEngine, notes: Sequence[str]) -> None:
        self.source = source
        self.notes = list(notes)
        self._engine = engine

    @property
    def has_chat_template(self) -> bool:
        """Whether the model has a chat template."""
        return self._engine.has_chat_template

    @classmethod
    def load(
        cls,
        model: str = "smollm2",
        *,
        device: Device = "auto",
        precision: Precision = "auto",
        adapter: str | Path | None = None,
        exact: bool = False,
        processes: int | None = None,
    ) -> Writer:
        """The writer of a model.

        Args:
            model: A directory, a short name, or a model of the Hugging Face cache or hub.
            device: Where it computes; "auto" takes a GPU if there is one.
            precision: "auto" measures what this machine is fastest with.
            adapter: A directory of `adcli optimize writer`.
            exact: fp32, whatever the machine.
            processes: Processes that share the work; as many as there are GPUs (CPU: 1) if None.

        Raises:
            UsageError: If there is no such model, device or precision.
            DataError: If the model or the adapter can not be used.
        """
        from adcli.core.writing.loading import load_writing

        source = resolve_model(model, task="generate")
        runtime = start_runtime(device=device, precision=precision, processes=processes)
        local = load_writing(source, runtime, adapter=str(adapter or ""), exact=exact)
        if runtime.processes == 1:
            return cls(source, local, local.notes)
        from adcli.core.writing.worker_pool import WriterPool

        return cls(
            source, WriterPool(source, runtime, local, adapter=str(adapter or ""), exact=exact), local.notes
        )

    def write(
        self,
        prompts: Sequence[Prompt],
        *,
        n: int = 1,
        max_new_tokens: int = 64,
        temperature: float = 0.8,
        top_k: int = 50,
        top_p: float = 0.95,
        seed: int = 0,
        system: str | None = None,
        plain: bool = False,
        rows: Sequence[int] | None = None,
        columns: Sequence[int] | None = None,
        audiences: Sequence[Audience | None] | None = None,
        progress: Progress | None = None,
    ) -> list[list[str]]:
        """N texts for each prompt.

        Args:
            prompts: What is asked, or to be continued: texts, or messages of a chat.
            n: Texts for each prompt.
            max_new_tokens: Most tokens of a text.
            temperature: Scores are divided by it; 0 always takes the likeliest token.
            top_k: Only so many likeliest tokens are considered; 0 considers all.
            top_p: Of these only the likeliest that together reach this probability.
            seed: Of all random numbers.
            system: The system message before each prompt.
            plain: Whether prompts are continued as they stand, whatever chat template the model has.
            rows: A number for each prompt that its random numbers depend on; its position if None.
            columns: Display columns that a text of each prompt may take: it then is one sentence that ends in
                time; None for any number of both.
            audiences: The profile vector of whom each is for, which an adapter may have learned to heed.
            progress: Called with the number of further prompts that are done.

        Raises:
            UsageError: If a setting makes no sense.
            DataError: If a prompt leaves no room to write.
        """
        settings = WritingSettings(n, max_new_tokens, temperature, top_k, top_p, seed, system, plain)
        return list(
            self.write_stream(
                prompts, settings, rows=rows, columns=columns, audiences=audiences, progress=progress
            )
        )

    def write_stream(
        self,
        prompts: Iterable[Prompt],
        settings: WritingSettings,
        *,
        rows: Iterable[int] | None = None,
        columns: Iterable[int] | None = None,
        audiences: Iterable[Audience | None] | None = None,
        progress: Progress | None = None,
    ) -> Iterator[list[str]]:
        """The texts of each prompt in order, in memory that does not grow with their number.

        Args:
            prompts: What is asked, or to be continued: texts, or messages of a chat.
            settings: How.
            rows: A number for each prompt that its random numbers depend on; its position if None.
            columns: As in `write`.
            audiences: Likewise.
            progress: Called with the number of further prompts that are done.
        """
        numbers = count() if rows is None else rows
        rooms = repeat(None) if columns is None else columns
        whom = repeat(None) if audiences is None else audiences
        requests = map(Request, numbers, prompts, rooms, whom)
        for chunk in chunks(requests, CHUNK_PROMPTS):
            written: dict[int, list[str]] = {}
            for position, texts in self._engine.write(chunk, settings):
                written[position] = texts
                if progress is not None:
                    progress(1)
            yield from (written[position] for position in range(len(chunk)))

    def log_likelihood(self, texts: Sequence[str], prompts: Sequence[Prompt] | None = None) -> Likelihood:
        """How likely the model finds each text.

        Args:
            texts: The texts, each counted from its first token.
            prompts: What each text answers; if None, it stands by itself.
        """
        before: Sequence[Prompt | None] = [None] * len(texts) if prompts is None else prompts
        return self._engine.log_likelihood(list(zip(before, texts, strict=True)))
