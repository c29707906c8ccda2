"""The precision and the matrix product that this very machine is fastest with.

    choice = choose_precision("auto", device="cpu", width=384)
    choice.sentence      # 'bf16: 431 GFLOP/s a core against 214 in fp32 (oneDNN); AVX512-BF16 is there'

Half precision on a CPU is a gain where the CPU multiplies bf16 and a large loss where it does not: the CPU's
flags say which, and 50 ms of products confirm it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.core.compute.linear import LinearLayer, OneDnnLinear, TorchLinear, is_onednn_usable
from adcli.core.processes.runtime import Precision

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
ROWS = 512
REPEATS = 4
CLEAR_GAIN = 1.25  # a smaller one could turn with the weather, and the output with it


class PrecisionChoice(NamedTuple):
    """What a model computes in."""

    precision: str  # "fp32", "bf16" or "fp16"
    onednn: bool  # whether oneDNN computes the projections
    sentence: str  # why, for people
    gflops: float = 0.0  # billions of operations a second and core of the chosen product; 0 if not measured

    @property
    def dtype(self) -> torch.dtype:
        """The torch type of this precision."""
        return DTYPES[self.precision]


def choose_precision(asked: Precision, *, device: str, width: int, exact: bool = False) -> PrecisionChoice:
    """The precision to load a model in.

    Args:
        asked: "auto" leaves it to the device.
        device: "cpu", "mps" or "cuda:N".
        width: The model's hidden size, for products of its shape.
        exact: Whether only fp32 will do.
    """
    if exact or asked == "fp32":
        asked = "fp32"
    if device != "cpu":
        return _on_accelerator(asked, device)
    plain = _speed(TorchLinear, torch.float32, width)
    fast = _speed(OneDnnLinear, torch.float32, width) if is_onednn_usable(torch.float32) else 0.0
    onednn = fast * CLEAR_GAIN > plain
    best, by = (fast, "oneDNN") if onednn else (plain, "torch")
    if asked == "fp32":
        other = f"torch {plain:.0f}" if onednn else f"oneDNN {fast:.0f}"
        return PrecisionChoice("fp32", onednn, f"fp32: {best:.0f} GFLOP/s a core by {by}, {other}", best)
    flags = _bf16_flags()
    if asked == "auto" and not flags:
        why = f"fp32: this CPU does not multiply bf16 ({best:.0f} GFLOP/s a core by {by})"
        return PrecisionChoice("fp32", onednn, why, best)
    half_usable = is_onednn_usable(torch.bfloat16)
    half = _speed(OneDnnLinear if half_usable else TorchLinear, torch.bfloat16, width)
    compared = f"bf16 {half:.0f} GFLOP/s a core, fp32 {best:.0f} by {by}; the CPU has {flags or 'no bf16'}"
    if asked == "bf16" or half > CLEAR_GAIN * best:
        return PrecisionChoice("bf16", half_usable, f"bf16: {compared}", half)
    return PrecisionChoice("fp32", onednn, f"fp32: {compared}", best)


def _on_accelerator(asked: Precision, device: str) -> PrecisionChoice:
    if asked != "auto":
        return PrecisionChoice(asked, False, f"{asked}: as asked, on {device}")
    if device.startswith("cuda"):
        precision = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return PrecisionChoice(
            precision, False, f"{precision}: what {torch.cuda.get_device_name(device)} is made for"
        )
    return PrecisionChoice("fp32", False, f"fp32: the safe choice on {device}")


def _bf16_flags() -> str:
    """The CPU's instructions for bf16 products, or an empty string."""
    checks = {
        "AMX-BF16": getattr(torch.cpu, "_is_amx_tile_supported", None),
        "AVX512-BF16": getattr(torch.cpu, "_is_avx512_bf16_supported", None),
    }
    found = [name for name, check in checks.items() if check is not None and check()]
    if not found and torch.backends.cpu.get_cpu_capability() in {"SVE256", "SVE128"}:
        return "SVE"
    return " and ".join(found)


def _speed(kind: type[OneDnnLinear | TorchLinear], dtype: torch.dtype, width: int) -> float:
    """Billions of operations a second of processor time that one thread reaches on the widest projection."""
    weight = torch.full((4 * width, width), 0.01, dtype=dtype)
    x = torch.full((ROWS, width), 0.01, dtype=dtype)
    product: LinearLayer = kind(weight, None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            product(x)
            spent = min(_seconds(product, x) for _ in range(REPEATS))
    finally:
        torch.set_num_threads(threads)
    return 2 * ROWS * weight.numel() / spent / 1e9


def _seconds(product: LinearLayer, x: torch.Tensor) -> float:
    start = time.thread_time()
    product(x)
    return max(time.thread_time() - start, 1e-9)
