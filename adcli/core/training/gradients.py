"""Gradients from parts of a batch, and from several processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch  # noqa: TID253 - this module is reached only once a model is loaded

MOST_AT_ONCE = 1 << 24  # numbers of one collective: 64 MiB of fp32


def add_gradients(
    parameters: Sequence[torch.nn.Parameter], parts: Iterable[Sequence[torch.Tensor | None]]
) -> None:
    """Add each part's gradients to those of the parameters, in the parts' order."""
    for gradients in parts:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)


def average_over_ranks(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average gradients over all processes, many tensors in one collective.

    Of a weight of which only some processes' shares have a gradient, that of the others is 0.
    """
    from accelerate.utils import reduce

    every = list(parameters)
    has_one = torch.tensor([p.grad is not None for p in every], dtype=torch.float32)
    for parameter, share in zip(every, reduce(has_one, reduction="mean").tolist(), strict=True):
        if share and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    for together in _in_few([p.grad for p in every if p.grad is not None]):
        flat = reduce(torch.cat([gradient.flatten() for gradient in together]), reduction="mean")
        averages = torch.split(flat, [gradient.numel() for gradient in together])
        for gradient, average in zip(together, averages, strict=True):
            gradient.copy_(average.view_as(gradient))


def average(value: float) -> float:
    """The mean of a number over all processes."""
    from accelerate.utils import reduce

    found: torch.Tensor = reduce(torch.tensor([value], dtype=torch.float64), reduction="mean")
    return float(found[0])


def _in_few(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """The tensors in groups, none larger than `MOST_AT_ONCE` unless it is one tensor."""
    group: list[torch.Tensor] = []
    for tensor in tensors:
        if group and sum(map(torch.Tensor.numel, group)) + tensor.numel() > MOST_AT_ONCE:
            yield group
            group = []
        group.append(tensor)
    if group:
        yield group
