"""On what a model runs: device, precision, processes, threads of work.

    runtime = start_runtime(device="auto", precision="auto")
    runtime.device        # 'cuda:0', 'mps' or 'cpu'

Accelerate says which process this is and which device is its own, so the same command runs on a CPU, on one
or several GPUs, and below `torchrun` or `accelerate launch`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adcli.errors import AdcliError, UsageError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Runtime:
    """One process's place in a run."""

    device: str  # the device of this process: "cpu", "mps" or "cuda:N"
    precision: Precision  # as asked for; "auto" is settled when a model is loaded
    processes: int  # processes that do this run's work, this one among them or started by it
    rank: int  # which of the processes started together this one is, from 0
    workers: int  # threads that each run a model single-threaded; on a GPU 1


def start_runtime(
    *, device: Device = "auto", precision: Precision = "auto", processes: int | None = None
) -> Runtime:
    """The runtime of this process.

    Args:
        device: "auto" takes a GPU if there is one.
        precision: "auto" is measured when a model is loaded.
        processes: As many as there are GPUs (CPU: 1) if None.

    Raises:
        UsageError: If the device is not there or can not compute in this precision.
        AdcliError: If this process was started together with others and they are not as many as asked for.
    """
    from accelerate import PartialState

    kind = _device_kind(device)
    _check_precision(kind, precision)
    state = PartialState(cpu=kind == "cpu")
    came_up = state.num_processes
    if started_from_outside():
        if processes not in {None, came_up}:
            raise AdcliError(
                f"{processes} processes were asked for and {came_up} came up.",
                fix="Give --processes and the launcher the same number, or leave --processes out.",
            )
        count = came_up
    else:
        count = processes if processes is not None else _gpu_count(kind)
    if count < 1:
        raise UsageError(f"--processes {count} makes no sense.", fix="Give 1 or more.")
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    workers = max(1, available_cores() // here) if kind == "cpu" else 1
    where = "cpu" if kind == "cpu" else str(state.device)
    return Runtime(where, precision, count, state.process_index, workers)


def started_from_outside() -> bool:
    """Whether a launcher such as torchrun started this process and says how many there are."""
    return "WORLD_SIZE" in os.environ


def available_cores() -> int:
    """Cores this process may use: torch's count of them, bounded by a container's quota."""
    import torch

    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        allowed = max(1, int(quota) // int(period))
    except (OSError, ValueError):
        allowed = torch.get_num_threads()
    return min(allowed, torch.get_num_threads())


def _device_kind(device: Device) -> str:
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(kind for kind, is_there in there.items() if is_there)
    if device not in there:
        raise UsageError(f"--device {device} is none of auto, cpu, cuda, mps.")
    if not there[device]:
        raise UsageError(f"--device {device}: this machine has none.", fix="Leave --device out, or give cpu.")
    return device


def _check_precision(kind: str, precision: Precision) -> None:
    if precision not in {"auto", "fp32", "bf16", "fp16"}:
        raise UsageError(f"--precision {precision} is none of auto, fp32, bf16, fp16.")
    if precision == "fp16" and kind == "cpu":
        raise UsageError("--precision fp16 needs a GPU.", fix="On a CPU give auto, bf16 or fp32.")


def _gpu_count(kind: str) -> int:
    import torch

    return torch.cuda.device_count() if kind == "cuda" else 1
