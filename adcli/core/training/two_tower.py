"""A two-tower regression of rewards, several heads at once, trained with AdamW and early stopping."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch  # noqa: TID253 - this module is reached only once a network is learned

from adcli.arrays import Flags, Floats, Floats32, Integers32
from adcli.core.training.loop import Objective, TrainingLoop
from adcli.core.training.settings import TrainingSettings

HEADS, HIDDEN, DIRECTIONS = 3, 32, 12
EPOCHS, MOST_STEPS = 20, 4_000
SMALLEST_BATCH, LARGEST_BATCH = 64, 512
LEARNING_RATE, WARMUP_SHARE, PATIENCE = 4e-3, 0.2, 5


class Towers(NamedTuple):
    """What was learned; the mean of the heads is one model."""

    # the context's tower, with the head first in each shape: weights and bias of two tanh layers, weights and
    # bias of what is read off them, and the weights of the context itself
    layers: dict[str, Floats32]
    actions: Floats32  # (K, heads x directions) what an action makes of the towers
    linear: Floats32  # (d,) the weight of the context, whatever the action
    bias: Floats32  # (K,) of the actions


class _TwoTower(torch.nn.Module):
    """Scores of pairs of context and action, by each head."""

    def __init__(self, dimensions: int, features: torch.Tensor, start: float) -> None:
        super().__init__()
        (k, e), d = features.shape, dimensions
        self.features = features
        generator = torch.Generator().manual_seed(0)

        def weights(rows: int, columns: int) -> torch.nn.Parameter:
            bound = 1 / math.sqrt(max(rows, 1))
            uniform = torch.rand((HEADS, rows, columns), generator=generator)
            return torch.nn.Parameter((2 * uniform - 1) * bound)

        def zeros(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.zeros(HEADS, *shape))

        self.first, self.first_bias = weights(d, HIDDEN), zeros(1, HIDDEN)
        self.second, self.second_bias = weights(HIDDEN, HIDDEN), zeros(1, HIDDEN)
        self.third, self.third_bias = weights(HIDDEN, DIRECTIONS), zeros(1, DIRECTIONS)
        self.skip = weights(d, DIRECTIONS)
        self.offer, self.offer_bias = weights(e, HIDDEN), zeros(1, HIDDEN)
        self.offer_out, self.offer_skip = weights(HIDDEN, DIRECTIONS), weights(e, DIRECTIONS)
        self.free = torch.nn.Parameter(0.1 * torch.randn((HEADS, k, DIRECTIONS), generator=generator))
        self.action, self.linear, self.by_feature = zeros(k), zeros(d, 1), zeros(e, 1)
        self.intercept = torch.nn.Parameter(torch.full((HEADS, 1), start))

    def towers(self, context: torch.Tensor) -> torch.Tensor:
        """(heads, n, directions) what each context asks for."""
        inner = torch.tanh(context @ self.first + self.first_bias)
        inner = torch.tanh(inner @ self.second + self.second_bias)
        return inner @ self.third + self.third_bias + context @ self.skip

    def offers(self) -> torch.Tensor:
        """(heads, K, directions) what each action offers."""
        if not self.features.shape[1]:
            return self.free
        inner = torch.tanh(self.features @ self.offer + self.offer_bias)
        return self.free + inner @ self.offer_out + self.features @ self.offer_skip

    def bias(self) -> torch.Tensor:
        """(heads, K) of the actions."""
        return self.action + (self.features @ self.by_feature)[..., 0] + self.intercept

    def forward(self, context: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        """(heads, n) the score of each pair."""
        products = (self.towers(context) * self.offers()[:, action]).sum(dim=-1)
        return products + self.bias()[:, action] + (context @ self.linear)[..., 0]


def fit_towers(
    context: Floats32,
    action: Integers32,
    reward: Floats,
    weight: Floats,
    features: Floats32,
    *,
    apart: Flags,
    logit: bool,
    start: float,
) -> Towers:
    """Towers fitted to rows, on a GPU where there is one.

    Args:
        context: Encoded context, shape (n, d).
        action: The action of each row, shape (n,), in [0, K).
        reward: The reward of each row; 0 and 1 if `logit`, else of about unit variance.
        weight: The rows each stands for.
        features: Features of the actions, shape (K, e); e may be 0.
        apart: Which rows decide when to stop, and are not learned from, shape (n,).
        logit: Whether the loss is the log loss of log-odds, and not the squared error.
        start: The score to start from.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    numbers = (context, action.astype(np.int64), reward.astype(np.float32), weight / weight.mean())
    tensors = [torch.as_tensor(np.ascontiguousarray(one)).to(device) for one in numbers]
    tensors[3] = tensors[3].float()
    learned, check = ([one[torch.from_numpy(rows).to(device)] for one in tensors] for rows in (~apart, apart))
    model = _TwoTower(context.shape[1], torch.from_numpy(features), start)
    model.features = model.features.to(device)
    model.to(device)
    n = learned[1].numel()
    batch = min(max(n // 16, SMALLEST_BATCH), LARGEST_BATCH)
    each = math.ceil(n / batch)
    order = torch.empty(0, dtype=torch.int64)

    def loss_of(scores: torch.Tensor, reward: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if logit:
            each_loss = torch.nn.functional.softplus(scores) - reward * scores
        else:
            each_loss = 0.5 * torch.square(scores - reward)
        return (each_loss * weight).mean(dim=-1).sum()

    def add_gradients(number: int, seed: int) -> float:
        nonlocal order
        epoch, place = divmod(number, each)
        if place == 0:
            order = torch.randperm(n, generator=torch.Generator().manual_seed(epoch)).to(device)
        rows = order[place * batch : (place + 1) * batch]
        own_context, own_action, own_reward, own_weight = (one[rows] for one in learned)
        loss = loss_of(model(own_context, own_action), own_reward, own_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def evaluate() -> float:
        own_context, own_action, own_reward, own_weight = check
        return -float(loss_of(model(own_context, own_action).mean(dim=0), own_reward, own_weight))

    settings = TrainingSettings(
        steps=min(EPOCHS * each, max(MOST_STEPS, each)),
        batch_size=batch,
        learning_rate=LEARNING_RATE,
        warmup_share=WARMUP_SHARE,
        evaluate_every=each,
        patience=PATIENCE,
        checkpoint_every=0,
    )
    TrainingLoop(model, Objective(add_gradients, evaluate), settings).run()
    return _read_off(model)


def _read_off(model: _TwoTower) -> Towers:
    with torch.no_grad():
        offers = model.offers().permute(1, 0, 2).reshape(model.features.shape[0], -1) / HEADS
        names = ("first", "first_bias", "second", "second_bias", "third", "third_bias", "skip")
        layers = {name: getattr(model, name).cpu().numpy() for name in names}
        linear, bias = model.linear.mean(dim=0)[:, 0], model.bias().mean(dim=0)
        return Towers(layers, offers.cpu().numpy(), linear.cpu().numpy(), bias.cpu().numpy())
