"""Linear layers for inference: oneDNN with weights laid out once, or torch's own.

On many CPUs torch multiplies fp32 matrices with MKL at less than half of what oneDNN reaches, and only
oneDNN adds bias, activation or a residual while a result is still in registers. The operators used for it
are private to torch: `is_onednn_usable` tries them first, and `TorchLinear` does the same with public ones on
any device.
"""

from __future__ import annotations

import torch  # noqa: TID253 - this module is reached only once a model is loaded
from torch.nn import functional  # noqa: TID253

from adcli.core.compute.affine import Affine

EXPECTED_ROWS = 1024
ONEDNN = torch.ops.mkldnn
ONEDNN_ACTIVATIONS = {
    "gelu": ("gelu", "none"),
    "gelu_new": ("gelu", "tanh"),
    "gelu_pytorch_tanh": ("gelu", "tanh"),
    "relu": ("relu", ""),
    "silu": ("swish", ""),
}


class TorchLinear:
    """A linear layer of public torch operators, on any device."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The product: (rows, out)."""
        return functional.linear(x, self._weight, self._bias)

    def activated(self, x: torch.Tensor, activation: str) -> torch.Tensor:
        """The product after an activation of `ONEDNN_ACTIVATIONS`."""
        y = self(x)
        if activation.startswith("gelu"):
            return functional.gelu(y, approximate=ONEDNN_ACTIVATIONS[activation][1])
        return functional.relu(y) if activation == "relu" else functional.silu(y)

    def added(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """The product plus a residual of its shape."""
        return self(x) + residual


class OneDnnLinear:
    """A linear layer whose weights oneDNN has laid out for this CPU.

    One row alone would take another kernel, whose sums differ in the last bit; it is computed twice instead,
    so that a row's product does not depend on how many rows there are. AMX alone, where a CPU has it, sums
    bf16 in an order that does: of many columns a sum may then differ by one bf16 step.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._weight = ONEDNN._reorder_linear_weight(weight.contiguous(), EXPECTED_ROWS)  # noqa: SLF001
        self._bias = bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The product: (rows, out)."""
        return self._product(x, "none", "")

    def activated(self, x: torch.Tensor, activation: str) -> torch.Tensor:
        """The product after an activation of `ONEDNN_ACTIVATIONS`."""
        return self._product(x, *ONEDNN_ACTIVATIONS[activation])

    def added(self, x: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """The product plus a residual of its shape."""
        if x.shape[0] == 1:
            return self.added(x.expand(2, -1), residual.expand(2, -1))[:1]
        product = ONEDNN._linear_pointwise.binary  # noqa: SLF001
        y: torch.Tensor = product(x, residual, self._weight, self._bias, "add")
        return y

    def _product(self, x: torch.Tensor, activation: str, algorithm: str) -> torch.Tensor:
        if x.shape[0] == 1:
            return self._product(x.expand(2, -1), activation, algorithm)[:1]
        product = ONEDNN._linear_pointwise  # noqa: SLF001
        y: torch.Tensor = product(x, self._weight, self._bias, activation, [], algorithm)
        return y


LinearLayer = TorchLinear | OneDnnLinear  # y = x Wᵀ + b for rows x, and what often follows it, in one step


def make_linear(affine: Affine, device: str, dtype: torch.dtype, *, onednn: bool) -> LinearLayer:
    """A linear layer's weights laid out for inference."""
    return (OneDnnLinear if onednn else TorchLinear)(*affine.to(device, dtype))


def is_onednn_usable(dtype: torch.dtype) -> bool:
    """Whether torch's private oneDNN operators exist here and compute what the public ones do."""
    generator = torch.Generator().manual_seed(0)
    x, weight, bias, residual = (
        torch.randn(shape, generator=generator).mul(0.3).to(dtype)
        for shape in ((64, 32), (48, 32), (48,), (64, 48))
    )
    plain = TorchLinear(weight, bias)
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    try:
        fast = OneDnnLinear(weight, bias)
        pairs = [(fast(x), plain(x)), (fast.added(x, residual), plain.added(x, residual))]
        pairs += [(fast.activated(x, name), plain.activated(x, name)) for name in ONEDNN_ACTIVATIONS]
    except (AttributeError, RuntimeError, NotImplementedError, TypeError):
        return False
    return all(torch.allclose(a.float(), b.float(), atol=tolerance) for a, b in pairs)
