"""Weights and biases of a transformer's layers, read from a loaded model, adapters on them included."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded


class Affine(NamedTuple):
    """Weight (out, in) and bias (out,) of a linear layer, or scale and shift of a normalisation."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def to(self, device: str, dtype: torch.dtype) -> Affine:
        """The same elsewhere, or in another precision."""
        return Affine(*(None if part is None else part.to(device, dtype) for part in self))  # type: ignore[arg-type]

    def with_scaled_queries(self, queries: int, heads: int) -> Affine:
        """The same for rows of queries, keys and values, attention's scale 1/√depth put into the queries."""
        scale = torch.ones(len(self.weight), device=self.weight.device)
        scale[:queries] = (queries // heads) ** -0.5
        return Affine(self.weight * scale[:, None], None if self.bias is None else self.bias * scale)


def affine(module: Any) -> Affine:
    """What a linear module or a normalisation multiplies by and adds.

    A low-rank adapter of peft on the module counts as it stands; GPT-2's transposed layers are turned.
    """
    weight = module.weight.detach()
    if hasattr(module, "get_delta_weight") and not module.disable_adapters:
        for adapter in module.active_adapters:
            if adapter not in module.merged_adapters:
                weight = weight + module.get_delta_weight(adapter).detach()
    if type(getattr(module, "base_layer", module)).__name__ == "Conv1D":
        weight = weight.t()
    bias = getattr(module, "bias", None)
    return Affine(weight, None if bias is None else bias.detach())


def joined(*modules: Any) -> Affine:
    """Several linear modules of one input as one, their outputs one after another."""
    parts = [affine(module) for module in modules]
    biases = [part.bias for part in parts if part.bias is not None]
    return Affine(torch.cat([part.weight for part in parts]), torch.cat(biases) if biases else None)
