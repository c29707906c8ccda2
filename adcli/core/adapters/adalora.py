"""What AdaLoRA does in training beside its products: ranks shared out, products kept orthogonal.

peft does both only for models that compute their own loss.

Source: Zhang et al., "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning" (2023),
equation 4 for the regularization, algorithm 1 for the ranks.
"""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID253 - this module is reached only once a model is loaded

SCORES = ("ipt", "exp_avg_ipt", "exp_avg_unc")


def regularization(model: Any) -> torch.Tensor:
    """The mean distance of AᵀA and BBᵀ from the identity, weighted as peft's settings say."""
    parts = []
    for name, parameter in model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            square = parameter @ parameter.T if "lora_A" in name else parameter.T @ parameter
            parts.append(torch.linalg.matrix_norm(square - torch.eye(len(square), device=square.device)))
    weight = float(model.peft_config["default"].orth_reg_weight)
    return weight * torch.stack(parts).mean()


def share_out_ranks(model: Any, step: int) -> None:
    """Score each product and drop the least, after an optimizer step and before gradients are cleared."""
    model.base_model.update_and_allocate(step)


def state(model: Any) -> dict[str, torch.Tensor]:
    """The scores so far, by name."""
    allocator = model.base_model.rankallocator
    return {f"{kind}/{name}": value for kind in SCORES for name, value in getattr(allocator, kind).items()}


def restore(model: Any, tensors: dict[str, torch.Tensor], ranks: dict[str, list[bool]] | None) -> None:
    """Put back what `state` and `ranks` gave."""
    allocator = model.base_model.rankallocator
    for kind in SCORES:
        found = {k.removeprefix(f"{kind}/"): v for k, v in tensors.items() if k.startswith(f"{kind}/")}
        setattr(allocator, kind, found)
    model.peft_config["default"].rank_pattern = ranks


def ranks(model: Any) -> dict[str, list[bool]] | None:
    """Which products each layer keeps; None until that is settled."""
    found: dict[str, list[bool]] | None = model.peft_config["default"].rank_pattern
    return found or None
