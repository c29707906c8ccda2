"""Any transformers model on oneDNN: its linear modules exchanged for prepacked ones."""

from __future__ import annotations

import copy
from typing import Any, cast

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.compute.linear import OneDnnLinear


class OneDnnModule(torch.nn.Module):
    """An inference-only stand-in for a linear module."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._linear = OneDnnLinear(weight.detach(), None if bias is None else bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product over the last dimension."""
        return self._linear(x.flatten(0, -2)).view(*x.shape[:-1], -1)


def own_copy(model: Any, dtype: torch.dtype, *, onednn: bool) -> Any:
    """The model, or a copy of it where it is about to be converted or its modules exchanged."""
    return copy.deepcopy(model) if onednn or dtype != torch.float32 else model


def exchange_linears(model: torch.nn.Module) -> None:
    """Put oneDNN's layers in the place of a model's linear modules, GPT-2's transposed ones among them."""
    from transformers.pytorch_utils import Conv1D

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is torch.nn.Linear:
                setattr(parent, name, OneDnnModule(child.weight, child.bias))
            elif type(child) is Conv1D:
                weight, bias = cast("torch.Tensor", child.weight), cast("torch.Tensor", child.bias)
                setattr(parent, name, OneDnnModule(weight.t(), bias))
