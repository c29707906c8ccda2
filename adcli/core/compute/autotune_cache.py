"""The autotune cache: choices that take seconds to make and stay true on a machine.

Which precision a machine is fastest with is measured once. A run that finds everything else in a cache then
never loads a model, and two runs on one machine never choose differently.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from adcli.core.cache import cache_directory
from adcli.core.models.fingerprint import settings_fingerprint
from adcli.files import write_whole

DECIDING_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "peft")
DECIDING_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES")


class AutotuneChoice(NamedTuple):
    """The form that a model is run in."""

    form: str  # which of the forms that were offered
    precision: str  # "fp32", "bf16" or "fp16"
    onednn: bool  # whether oneDNN computes the projections
    notes: list[str]  # what was found, one sentence each


def cached_choice(asked: Mapping[str, object]) -> dict[str, Any] | None:
    """What was chosen for this request on this machine before, if anything."""
    try:
        content = json.loads(_place(asked).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def cache_choice(asked: Mapping[str, object], chosen: Mapping[str, object]) -> None:
    """Keep what was chosen for the next run."""
    with contextlib.suppress(OSError):  # a cache that may only be read
        write_whole(_place(asked), json.dumps(dict(chosen), indent=1).encode())


def _place(asked: Mapping[str, object]) -> Path:
    return cache_directory("choices") / f"{settings_fingerprint([dict(asked), _machine()])}.json"


def _machine() -> dict[str, object]:
    """What a choice depends on beside the request: processor, devices, versions."""
    processor = Path("/proc/cpuinfo")
    lines = processor.read_text("utf-8").splitlines() if processor.exists() else [platform.processor()]
    features = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return {
        "processor": [platform.machine(), *features],
        "devices": sorted(str(path) for path in Path("/dev").glob("nvidia[0-9]*")),
        "variables": [os.environ.get(name) for name in DECIDING_VARIABLES],
        "versions": [_version(name) for name in DECIDING_PACKAGES],
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
