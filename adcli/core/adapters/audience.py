"""A learned prefix that speaks of whom a text is for: keys and values as a function of a profile vector.

    layer's keys and values = constant + add · read · (h - mean) / spread

`read` is of low rank, so that an audience of which nothing was learned lies between those it resembles. The
prefix begins as what the model reads of a few random words, the same for every audience.

Source: Li and Liang, "Prefix-Tuning" (2021), section 4.2; Clive et al., "Control Prefixes for
Parameter-Efficient Text Generation" (2022), section 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.adapters.prefix import Prefix, read_of_words, without_prefix
from adcli.core.models.loading import check_finite
from adcli.errors import DataError

Audience = tuple[float, ...]
"""The profile vector of whom a text is for."""

WEIGHTS = "audience.safetensors"
LENGTH, RANK = 4, 8
LEARNING_RATES = {"lora": 10.0, "adalora": 10.0, "prefix": 1.0, "full": 100.0}
"""By the kind of adapter beside it, as multiples of its own: at the rates of weights it learns little."""


class AudiencePrefix(torch.nn.Module):
    """The prefix of a text for an audience.

    Args:
        constant: (layers, 2, key heads, length, depth) keys and values for every audience.
        mean: (width,) of the profile vectors it is taught with.
        spread: () their mean distance from it.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, constant: torch.Tensor, mean: torch.Tensor, spread: torch.Tensor) -> None:
        super().__init__()
        width = len(mean)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.constant = torch.nn.Parameter(constant)
        self.read = torch.nn.Parameter(torch.randn(width, RANK) / RANK**0.5)
        self.add = torch.nn.Parameter(torch.zeros(RANK, *constant.shape))

    @classmethod
    def begin(cls, model: Any, vectors: list[list[float]], *, seed: int) -> AudiencePrefix:
        """The prefix of a language model before training with these profile vectors."""
        torch.manual_seed(seed)
        read = read_of_words(without_prefix(model), LENGTH, seed=seed)
        constant = torch.stack([torch.cat([layer.keys, layer.values]) for layer in read.layers]).float()
        known = torch.tensor(vectors, dtype=torch.float32, device=constant.device)
        mean = known.mean(dim=0)
        return cls(constant, mean, (known - mean).norm(dim=1).mean().clamp(min=1e-6)).to(constant.device)

    @classmethod
    def load(cls, directory: Path) -> AudiencePrefix | None:
        """The prefix that a writer's directory keeps; None if it keeps none.

        Raises:
            DataError: If it can not be read.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        if not (directory / WEIGHTS).is_file():
            return None
        try:
            tensors = load_file(directory / WEIGHTS)
            prefix = cls(tensors["constant"], tensors["mean"], tensors["spread"])
            prefix.load_state_dict(tensors)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise DataError(
                f"{directory / WEIGHTS} can not be read.", fix="Train the writer again."
            ) from error
        check_finite(prefix, f"{directory / WEIGHTS}")
        return prefix

    def save(self, directory: Path) -> None:
        """Keep it beside an adapter."""
        from safetensors.torch import save_file

        save_file(
            {name: value.contiguous() for name, value in self.state_dict().items()}, directory / WEIGHTS
        )

    @property
    def length(self) -> int:
        """Tokens that it takes the place of."""
        return int(self.constant.shape[3])

    def of(self, audiences: list[Audience]) -> Prefix:
        """A prefix of a row for each audience.

        Raises:
            DataError: If the vectors have not the dimensions of those it was taught with.
        """
        device, width = self.read.device, len(self.mean)
        if len(audiences[0]) != width:
            raise DataError(
                f"The profiles have vectors of {len(audiences[0])} dimensions, the adapter was taught with "
                f"{width}.",
                fix="Give profiles of the same encoder and --dim.",
            )
        vectors = torch.tensor(audiences, dtype=torch.float32, device=device)
        with torch.autocast(device.type, enabled=False):
            apart = (vectors - self.mean) / self.spread
            said = self.constant + torch.tensordot(apart @ self.read, self.add, dims=1)
        return Prefix([(keys, values) for keys, values in (layer.unbind(1) for layer in said.unbind(1))])
