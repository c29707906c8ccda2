"""An encoder whose vectors carry gradients: for training.

Texts of a batch are sorted by length and go through the model in a few parts, so that little is padding.
Parts are computed by single-threaded workers, forward and backward, and their gradients added in a fixed
order: the result does not depend on how many workers there are. In half precision products are bf16 by
autocast and weights stay fp32.

Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (2021), for
taking gradients part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a model is loaded

from adcli.arrays import Floats32, Integers, Integers32
from adcli.core.compute.autotune_cache import cache_choice, cached_choice
from adcli.core.compute.batching import plan_batches
from adcli.core.compute.forward import padded
from adcli.core.compute.precision import choose_precision
from adcli.core.compute.workers import map_on_workers, run_on_workers
from adcli.core.encoding.pooling import read_pooling
from adcli.core.encoding.tokens import TextReader
from adcli.core.models.loading import load_encoder_model
from adcli.core.models.resolution import ModelSource
from adcli.core.processes.runtime import Device, Precision, start_runtime
from adcli.core.training.dropout import seed_dropout, use_seeded_dropout
from adcli.core.training.gradients import add_gradients

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_PADDING = 0.15
LARGEST_PART = 1_024
ENCODED_TOGETHER = 256


class LengthBatch(NamedTuple):
    """Texts of similar length."""

    number: int  # of the part in its batch
    ids: Integers32  # (tokens,) one text after another
    lengths: Integers  # (texts,) tokens of each


class GradientEncoder:
    """An encoder in training.

    Args:
        model: What `load_for_training` made, with or without an adapter.
        source: Where it was found.
        device: Where it computes.
        precision: Of its products.
        max_length: Tokens of a text.

    Attributes:
        model: The transformers model.
        device: Where it computes.
        precision: Of its products: "bf16" or "fp32".
    """

    def __init__(
        self,
        model: PreTrainedModel,
        source: ModelSource,
        *,
        device: Device = "auto",
        precision: Precision = "auto",
        max_length: int = 64,
    ) -> None:
        runtime = start_runtime(device=device, precision=precision)
        self.model, self.device = model, runtime.device
        self.precision = training_precision(precision, runtime.device, model.config.hidden_size)
        rule = read_pooling(source.path)
        self._mode = rule.mode
        self._reader = TextReader.load(
            source.path, rule, position_limit=1 << 20, max_length=max_length, windows=1
        )
        self._workers = runtime.workers
        self._filler = model.config.pad_token_id or 0

    def backward(
        self, texts: Sequence[str], loss_of: Callable[[torch.Tensor], torch.Tensor], *, seed: int
    ) -> float:
        """The loss of a batch; its gradients are added to those of the trained weights and of the loss's own.

        `texts`: the texts; `loss_of`: the loss of their (n, dimension) unit vectors; `seed`: of dropout.
        """
        trained = [p for p in self.model.parameters() if p.requires_grad]
        parts, back = self._parts(texts)
        forward = list(map_on_workers(lambda part: self._pooled(part, seed), parts, workers=self._workers))
        vectors = torch.cat(forward).detach().requires_grad_()
        loss = loss_of(torch.nn.functional.normalize(vectors[back], dim=-1))
        loss.backward()  # type: ignore[no-untyped-call]
        slope = torch.zeros_like(vectors) if vectors.grad is None else vectors.grad
        wanted = torch.split(slope, [len(part.lengths) for part in parts])
        tasks = list(zip(forward, wanted, strict=True))
        gradients = map_on_workers(
            lambda task: torch.autograd.grad(task[0], trained, task[1], allow_unused=True),
            tasks,
            workers=self._workers,
        )
        add_gradients(trained, gradients)
        return float(loss.detach())

    def encode(self, texts: Sequence[str]) -> Floats32:
        """(n, dimension) unit vectors of the model as it is, without gradients."""
        blocks = [
            self._encode(texts[i : i + ENCODED_TOGETHER]) for i in range(0, len(texts), ENCODED_TOGETHER)
        ]
        return np.concatenate(blocks)

    def token_ids(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """(texts, longest) token ids, filled up at the end, and which of them are tokens."""
        tokens = self._reader.read(texts)
        return self._padded(tokens.flat(np.arange(len(texts))), tokens.lengths)

    def autocast(self) -> torch.autocast:
        """A context in which products are computed in this encoder's precision."""
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.precision == "bf16")

    def _encode(self, texts: Sequence[str]) -> Floats32:
        parts, back = self._parts(texts)
        pooled = run_on_workers(lambda part: self._pooled(part, 0), parts, workers=self._workers)
        vectors = torch.cat(list(pooled))[back]
        found: Floats32 = torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()
        return found

    def _parts(self, texts: Sequence[str]) -> tuple[list[LengthBatch], torch.Tensor]:
        """The texts by length, and for each text its place among those of all parts."""
        tokens = self._reader.read(texts)
        planned = plan_batches(tokens.lengths, token_budget=LARGEST_PART, max_padding=MOST_PADDING)
        parts = [LengthBatch(i, tokens.flat(p), tokens.lengths[p]) for i, p in enumerate(planned)]
        back = np.argsort(np.concatenate(planned), kind="stable")
        return parts, torch.from_numpy(back).to(self.device)

    def _pooled(self, part: LengthBatch, seed: int) -> torch.Tensor:
        """(texts, dimension) fp32 vectors of a part; its dropout depends on the seed and its number."""
        seed_dropout(seed, part.number, self.device)
        ids, mask = self._padded(part.ids, part.lengths)
        with self.autocast():
            output = self.model(input_ids=ids, attention_mask=mask.long())
        states: torch.Tensor = output.last_hidden_state.float()
        if self._mode == "cls":
            return states[:, 0]
        last = mask.sum(dim=1)
        if self._mode == "lasttoken":
            return states[torch.arange(len(states), device=states.device), last - 1]
        return (states * mask.unsqueeze(-1)).sum(dim=1) / last.unsqueeze(-1)

    def _padded(self, ids: Integers32, lengths: Integers) -> tuple[torch.Tensor, torch.Tensor]:
        return padded(ids, lengths, self.device, filler=self._filler)


def load_for_training(source: ModelSource, *, device: Device, precision: Precision) -> PreTrainedModel:
    """The encoder in `source` on its device, with dropout that depends on seeds alone."""
    runtime = start_runtime(device=device, precision=precision)
    model: PreTrainedModel = load_encoder_model(source.path).to(runtime.device)
    is_half = training_precision(precision, runtime.device, model.config.hidden_size) == "bf16"
    if runtime.device == "cpu" and is_half:
        model.set_attn_implementation("eager")  # torch's fused attention is slower in bf16 on CPUs
    use_seeded_dropout(model)
    return model


def training_precision(asked: Precision, device: torch.device | str, width: int) -> str:
    """What products are computed in: measured once on this machine, so that a resumed training is the same.

    fp16 would need its loss scaled: fp32 is taken instead.
    """
    device = str(device)
    request = {"training": asked, "device": device, "width": width}
    known = cached_choice(request)
    if known is None:
        known = {"precision": choose_precision(asked, device=device, width=width).precision}
        cache_choice(request, known)
    return "bf16" if known["precision"] == "bf16" else "fp32"
