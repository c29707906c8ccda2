"""Bottleneck adapters: a narrow layer behind each block of an encoder, which begins as the identity.

peft has none. Source: Houlsby et al., "Parameter-Efficient Transfer Learning for NLP" (2019), figure 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch  # noqa: TID253 - this module is reached only once a model is loaded

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BLOCK_ENDS = ("output.dense", "attention.out_lin", "ffn.lin2")
WEIGHTS = "adapter_model.safetensors"
OWN = (".down.", ".up.")
SPREAD = 1e-3


class Bottleneck(torch.nn.Module):
    """A linear layer, and behind it x + U gelu(D x).

    Args:
        dense: The layer.
        width: Of the bottleneck.
    """

    def __init__(self, dense: torch.nn.Linear, width: int) -> None:
        super().__init__()
        self.dense = dense
        self.down = torch.nn.Linear(dense.out_features, width)
        self.up = torch.nn.Linear(width, dense.out_features)
        torch.nn.init.normal_(self.down.weight, std=SPREAD**0.5)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            torch.nn.init.zeros_(zero)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, out) what the layer gives, moved by the bottleneck."""
        y: torch.Tensor = self.dense(x)
        moved: torch.Tensor = self.up(torch.nn.functional.gelu(self.down(y)))
        return y + moved


def insert_bottlenecks(model: PreTrainedModel, width: int) -> PreTrainedModel:
    """The model with a bottleneck behind each block; all else is frozen."""
    model.requires_grad_(requires_grad=False)
    for parent, name, dense in list(_block_ends(model)):
        setattr(parent, name, Bottleneck(dense, width).to(dense.weight.device))
    return model


def has_bottlenecks(model: torch.nn.Module) -> bool:
    """Whether `insert_bottlenecks` was here."""
    return any(isinstance(module, Bottleneck) for module in model.modules())


def save_bottlenecks(model: PreTrainedModel, directory: Path) -> None:
    """Write the bottlenecks' weights."""
    from safetensors.torch import save_file

    own = {name: value for name, value in model.state_dict().items() if any(part in name for part in OWN)}
    save_file({name: value.contiguous() for name, value in own.items()}, directory / WEIGHTS)


def load_bottlenecks(model: PreTrainedModel, directory: Path) -> PreTrainedModel:
    """The model with the bottlenecks that `save_bottlenecks` wrote.

    Raises:
        RuntimeError: If they are of another shape.
    """
    from safetensors.torch import load_file

    weights = load_file(directory / WEIGHTS)
    widths = {value.numel() for name, value in weights.items() if name.endswith(".down.bias")}
    if len(widths) != 1:
        raise RuntimeError("its layers are not of one width")
    model = insert_bottlenecks(model, widths.pop())
    wanted = {name for name in model.state_dict() if any(part in name for part in OWN)}
    if set(weights) != wanted:
        raise RuntimeError("its layers are not those of the model")
    model.load_state_dict(weights, strict=False)
    return model


def _block_ends(model: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, str, torch.nn.Linear]]:
    for path, module in model.named_modules():
        if path.endswith(BLOCK_ENDS) and isinstance(module, torch.nn.Linear):
            parent, name = path.rsplit(".", 1)
            yield model.get_submodule(parent), name, module
