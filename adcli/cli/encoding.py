"""The encoder of a command, with its cache of vectors and its progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from adcli.cli.option_rules import option_group
from adcli.cli.options import Models
from adcli.cli.run import Run

if TYPE_CHECKING:
    from adcli.arrays import Floats32
    from adcli.core.encoding.encoder import Encoder
    from adcli.core.encoding.store import VectorStore
    from adcli.core.training.encoder.classifier import Classifier


@option_group("Models")
class EncoderOptions:
    """Which model encodes, and how."""

    model: str = typer.Option("minilm", help="Directory, short name or hub name of the encoder.")
    adapter: Path | None = typer.Option(None, help="Directory of `adcli optimize encoder`.")
    exact: bool = typer.Option(False, "--exact", help="Compute in fp32 on any device.")
    max_length: int | None = typer.Option(
        None,
        min=8,
        help="Tokens of a window; longer texts are split into windows.",
        show_default="the model's own",
    )
    no_cache: bool = typer.Option(False, "--no-cache", help="Neither read nor write the cache of vectors.")
    cache_limit: float = typer.Option(
        8.0,
        min=0.001,
        metavar="GB",
        envvar="ADCLI_CACHE_LIMIT",
        help="Size of the cache of vectors; least recently used are evicted.",
    )


def classifier_of(models: Models, directory: Path, model: str = "minilm") -> Classifier:
    """The classifier of texts in a directory of `adcli optimize encoder`, where and how models run."""
    from adcli.core.training.encoder.classifier import Classifier

    return Classifier.load(
        directory, model=model, device=models.device, precision=models.precision, processes=models.processes
    )


class TextEncoder:
    """Texts to unit vectors, each distinct text once, cached ones from the store; with progress.

    The model is loaded with the first texts.
    """

    def __init__(self, run: Run, encoding: EncoderOptions, models: Models) -> None:
        self._run, self._encoding, self._models = run, encoding, models

    def __call__(self, texts: Sequence[str], advance: Callable[[int], None] | None = None) -> Floats32:
        """(n, d) unit vectors of the texts.

        `advance`: called with the number of further texts done, None for a progress bar of its own.
        """
        from adcli.core.encoding.cached import encode_cached

        encoder, store = self._encoder, self._store
        with self._run.step("encode"):
            if advance is not None:
                return encode_cached(encoder, texts, store, advance)
            with self._run.console.progress("embedding", len(texts), "texts") as bar:
                return encode_cached(encoder, texts, store, bar)

    def tokens(self, texts: Sequence[str]) -> Sequence[Floats32]:
        """One (tokens, d) array of unit vectors for each text."""
        with self._run.step("encode"):
            return self._encoder.token_vectors(texts)

    @cached_property
    def _encoder(self) -> Encoder:
        from adcli.core.encoding.encoder import Encoder

        encoding, models = self._encoding, self._models
        with self._run.step("load model"):
            encoder = Encoder.load(
                encoding.model,
                device=models.device,
                precision=models.precision,
                adapter=encoding.adapter,
                exact=encoding.exact,
                processes=models.processes,
                max_length=encoding.max_length,
            )
        self._run.facts["model"] = _facts(encoding, models, encoder)
        for note in (f"{encoding.model} from {encoder.source.origin}", *encoder.notes):
            self._run.console.detail(note)
        return encoder

    @cached_property
    def _store(self) -> VectorStore:
        from adcli.core.encoding.store import VectorStore

        directory = self._run.scratch() if self._encoding.no_cache else None
        encoder = self._encoder
        store = VectorStore(
            encoder.settings.fingerprint,
            encoder.dimension,
            limit_bytes=int(self._encoding.cache_limit * 1e9),
            directory=directory,
        )
        self._run.until_end(store)
        return store


def _facts(encoding: EncoderOptions, models: Models, encoder: Encoder) -> dict[str, Any]:
    settings = encoder.settings
    return {
        "name": encoding.model,
        "fingerprint": settings.model,
        "adapter": settings.adapter or None,
        "device": models.device,
        "precision": settings.precision,
        "computed_by": settings.forward,
        "pooling": settings.pooling,
        "max_length": settings.max_length,
        "dimension": encoder.dimension,
        "settings": settings.fingerprint,
    }
