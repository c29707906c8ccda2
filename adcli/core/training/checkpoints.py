"""The state of a training run on disk: whole or not there, safetensors and JSON.

A training that is killed resumes from its last checkpoint and ends with the weights it would have ended with.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from adcli.core.cache import build_directory
from adcli.core.models.fingerprint import settings_fingerprint

if TYPE_CHECKING:
    import torch

TENSORS, PROGRESS = "tensors.safetensors", "progress.json"
KEPT_S = 7 * 24 * 3600.0


class Checkpoint(NamedTuple):
    """What a training resumes from."""

    tensors: dict[str, torch.Tensor]  # weights, the optimizer's moments and whatever else is learned, by name
    progress: dict[str, Any]  # steps, losses, evaluations, as JSON


def checkpoint_folder(root: Path, identity: object) -> Path:
    """The folder of a training below `root`; those that were left a week ago are removed.

    `root`: the folder of all trainings; `identity`: all that the weights depend on, as JSON.
    """
    for folder in root.glob("*"):
        if time.time() - folder.stat().st_mtime > KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
    return root / settings_fingerprint(identity)


def save_checkpoint(
    directory: Path, step: int, tensors: Mapping[str, torch.Tensor], progress: object
) -> None:
    """Write the state after a step, and drop earlier ones."""
    from safetensors.torch import save_file

    def build(folder: Path) -> None:
        save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, folder / TENSORS)
        (folder / PROGRESS).write_text(json.dumps(progress), "utf-8")

    kept = build_directory(directory / f"step-{step:08}", build)
    for path in directory.glob("step-*"):
        if path != kept:
            shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(directory: Path) -> Checkpoint | None:
    """The state after the last step that was written, or None."""
    from safetensors.torch import load_file

    found = sorted(directory.glob("step-*"))
    if not found:
        return None
    return Checkpoint(load_file(found[-1] / TENSORS), json.loads((found[-1] / PROGRESS).read_text("utf-8")))
