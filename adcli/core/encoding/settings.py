"""What was asked of an encoder and what was chosen for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from adcli.core.compute.autotune_cache import AutotuneChoice, cache_choice, cached_choice
from adcli.core.models.fingerprint import settings_fingerprint
from adcli.core.processes.runtime import Device, Precision

ALGORITHM = 2  # raised when vectors change for the same model and settings


@dataclass(frozen=True)
class EncoderRequest:
    """What was asked for."""

    model: str  # the model's directory
    device: Device = "auto"  # "auto" takes a GPU if there is one
    precision: Precision = "auto"  # "auto" is measured
    adapter: str = ""  # directory of an adapter, or an empty string
    exact: bool = False  # whether only fp32 will do
    max_length: int | None = None  # tokens of a window; the model's own limit if None
    windows: int = 1  # windows read of one text; 1 cuts long texts off


@dataclass(frozen=True)
class EncoderSettings:
    """All that a vector depends on beside the text."""

    model: str  # fingerprint of weights, settings and tokenizer
    adapter: str  # fingerprint of the adapter, or an empty string
    precision: str  # "fp32", "bf16" or "fp16"
    forward: str  # what computes, in words
    pooling: str  # how token states become a vector
    max_length: int  # tokens of a window
    windows: int  # windows read of one text
    algorithm: int = ALGORITHM  # version of this code's arithmetic

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for these settings."""
        return settings_fingerprint(asdict(self))


class Chosen(NamedTuple):
    """What loading a model settled."""

    settings: EncoderSettings  # all that its vectors depend on
    dimension: int  # numbers in a vector
    tuned: AutotuneChoice  # the form it is run in, and why

    def to_json(self) -> dict[str, Any]:
        """The same as what JSON can hold."""
        return {"settings": asdict(self.settings), "dimension": self.dimension, "tuned": list(self.tuned)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What `to_json` was given."""
        settings = EncoderSettings(**content["settings"])
        return cls(settings, int(content["dimension"]), AutotuneChoice(*content["tuned"]))


def known_choice(request: EncoderRequest, model: str, adapter: str) -> Chosen | None:
    """What was chosen here before for this request, and this model and adapter by fingerprint."""
    content = cached_choice(_key(request, model, adapter))
    try:
        return None if content is None else Chosen.from_json(content)
    except (ValueError, KeyError, TypeError):
        return None


def keep_choice(request: EncoderRequest, chosen: Chosen) -> None:
    """Keep what was chosen for the next run."""
    cache_choice(_key(request, chosen.settings.model, chosen.settings.adapter), chosen.to_json())


def _key(request: EncoderRequest, model: str, adapter: str) -> dict[str, object]:
    return {**asdict(request), "model": model, "adapter": adapter, "algorithm": ALGORITHM}
