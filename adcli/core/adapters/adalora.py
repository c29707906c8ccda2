"""What AdaLoRA does in training beside its products: ranks allocated, products kept orthogonal.

peft does both only for models that compute their own loss.

Source: Zhang et al., "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning" (2023),
equation 4 for the regularization, algorithm 1 for the ranks.
"""

from __future__ import annotations

from typing import Any

import torch  # noqa: TID253 - this module is reached only once a model is loaded

SCORES = ("ipt", "exp_avg_ipt", "exp_avg_unc")


class RankAllocation:
    """AdaLoRA's part of each training step.

    Args:
        model: What peft made for AdaLoRA.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._allocator = model.base_model.rankallocator
        self._config = model.peft_config["default"]

    def before_step(self) -> None:
        """Add the gradients of the mean distance of AᵀA and BBᵀ from the identity, weighted as peft says."""
        distances = []
        for name, parameter in self._model.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                square = parameter @ parameter.T if "lora_A" in name else parameter.T @ parameter
                identity = torch.eye(len(square), device=square.device)
                distances.append(torch.linalg.matrix_norm(square - identity))
        loss = float(self._config.orth_reg_weight) * torch.stack(distances).mean()
        loss.backward()  # type: ignore[no-untyped-call]

    def after_step(self, step: int) -> None:
        """Score each product and drop the least, before gradients are cleared."""
        self._model.base_model.update_and_allocate(step)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, list[bool]] | None]:
        """The scores so far by name, and which products each layer keeps; None until that is settled."""
        scores = {
            f"{kind}/{name}": value
            for kind in SCORES
            for name, value in getattr(self._allocator, kind).items()
        }
        return scores, self._config.rank_pattern or None

    def restore(self, tensors: dict[str, torch.Tensor], rest: dict[str, list[bool]] | None) -> None:
        """Put back what `state` gave."""
        for kind in SCORES:
            found = {k.removeprefix(f"{kind}/"): v for k, v in tensors.items() if k.startswith(f"{kind}/")}
            setattr(self._allocator, kind, found)
        self._config.rank_pattern = rest
