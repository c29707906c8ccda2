"""Texts in, unit vectors out.

    encoder = Encoder.load("minilm")
    encoder.encode(["a mug", "a cup"])            # -> (2, 384) float32

Each distinct text is computed once. Batches are made by token budget over texts of equal length and run by
single-threaded workers on a queue, which holds its speed on a busy machine where one process with threads
waits for its slowest thread. A text longer than the model's limit is read in overlapping windows whose
vectors are averaged by their tokens; an empty text has the vector of the empty string. Vectors have length 1.

Not here: training (adcli.core.training.loop), keeping vectors between runs (adcli.core.encoding.cached).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from adcli.arrays import Floats32, Integers
from adcli.core.adapters.adapter import adapter_fingerprint
from adcli.core.compute.batching import distinct
from adcli.core.encoding.settings import Chosen, EncoderRequest, keep_choice, known_choice
from adcli.core.encoding.tokens import MAX_WINDOWS
from adcli.core.models.resolution import ModelSource, resolve_model
from adcli.core.processes.runtime import Device, Precision
from adcli.errors import AdcliError

if TYPE_CHECKING:
    from adcli.core.encoding.engine import LocalEngine
    from adcli.core.encoding.worker_pool import EncoderPool

Progress = Callable[[int], None]

CHUNK_TEXTS = 8_192


class Encoder:
    """A model that turns texts into vectors. Made by `Encoder.load`.

    The model itself is loaded when the first vector has to be computed.

    Attributes:
        source: Where the model was found.
        settings: All that a vector depends on beside its text.
        dimension: Numbers in a vector.
        notes: What was chosen for this machine and why, one sentence each.
    """

    def __init__(
        self,
        source: ModelSource,
        request: EncoderRequest,
        chosen: Chosen,
        *,
        processes: int | None,
        loaded: LocalEngine | None,
    ) -> None:
        self.source = source
        self.settings = chosen.settings
        self.dimension = chosen.dimension
        self.notes = chosen.tuned.notes
        self._request, self._chosen = request, chosen
        self._processes = processes
        self._local = loaded

    @classmethod
    def load(
        cls,
        model: str = "minilm",
        *,
        device: Device = "auto",
        precision: Precision = "auto",
        adapter: str | Path | None = None,
        exact: bool = False,
        processes: int | None = None,
        max_length: int | None = None,
        long_texts: Literal["windows", "truncate"] = "windows",
    ) -> Encoder:
        """The encoder of a model.

        Args:
            model: A directory, a short name, or a model of the Hugging Face cache or hub.
            device: Where it computes; "auto" takes a GPU if there is one.
            precision: "auto" measures what this machine is fastest with.
            adapter: A directory of `adcli optimize encoder`.
            exact: fp32, whatever the machine.
            processes: Processes that share the work; as many as there are GPUs (CPU: 1) if None.
            max_length: Tokens of a window; the model's own limit if None.
            long_texts: "windows" reads long texts whole, "truncate" only their beginning, as
                sentence-transformers does.

        Raises:
            UsageError: If there is no such model, device or precision.
            DataError: If the model or the adapter can not be used.
        """
        source = resolve_model(model, task="embed")
        windows = MAX_WINDOWS if long_texts == "windows" else 1
        folder = str(source.path)
        request = EncoderRequest(folder, device, precision, str(adapter or ""), exact, max_length, windows)
        chosen = known_choice(request, source.fingerprint, adapter_fingerprint(adapter))
        if chosen is not None:
            return cls(source, request, chosen, processes=processes, loaded=None)
        from adcli.core.encoding.loading import load_engine

        engine, chosen = load_engine(request, source, known=None)
        keep_choice(request, chosen)
        return cls(source, request, chosen, processes=processes, loaded=engine)

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats32:
        """(n, dimension) unit vectors, one for each text, equal texts computed once.

        `texts`: the texts; `progress`: called with the number of further texts that are done.
        """
        once, place = distinct(texts)
        repeats = np.bincount(place, minlength=len(once))
        vectors = np.empty((len(once), self.dimension), np.float32)
        for start in range(0, len(once), CHUNK_TEXTS):
            for positions, block in self.encode_as_ready(once[start : start + CHUNK_TEXTS]):
                vectors[start + positions] = block
                if progress is not None:
                    progress(int(repeats[start + positions].sum()))
        return vectors[place]

    def encode_as_ready(self, texts: Sequence[str]) -> Iterator[tuple[Integers, Floats32]]:
        """Positions of texts and their unit vectors as batches are done.

        The order of what comes depends on the machine; each text's vector does not.
        """
        if texts:
            yield from self._engine.encode_as_ready(texts)

    def token_vectors(self, texts: Sequence[str]) -> list[Floats32]:
        """One (tokens, dimension) array of unit vectors for each text; computed by this process alone."""
        return self.local.token_vectors(texts)

    @cached_property
    def _engine(self) -> LocalEngine | EncoderPool:
        """This process's model, or the processes that were asked for."""
        from adcli.core.processes.runtime import start_runtime

        asked = self._request
        runtime = start_runtime(device=asked.device, precision=asked.precision, processes=self._processes)
        if runtime.processes > 1:
            from adcli.core.encoding.worker_pool import EncoderPool

            return EncoderPool(asked, self._chosen, runtime.processes)
        return self.local

    @cached_property
    def local(self) -> LocalEngine:
        """This process's model."""
        if self._local is not None:
            return self._local
        from adcli.core.encoding.loading import load_engine

        asked = self._request
        engine, chosen = load_engine(asked, self.source, known=self._chosen)
        if chosen.settings != self.settings:
            raise AdcliError(
                "The model computes otherwise than it did when it was last loaded here.",
                fix="Remove the folder 'choices' from ADCLI_CACHE and run again.",
            )
        return engine
