"""The forms a reward model may take, each linear for every action in the context, or in a layer made of it.

A linear form is a design matrix of (context x, action a, action features e): what the reward depends on. Its
fitted coefficients unfold to one weight vector and one bias per action, so that every form predicts the same
way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcli.policies.action_features import principal
from adcli.policies.hidden_layer import HiddenLayer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Kind = Literal["additive", "features", "interactions", "low_rank", "hidden"]
MOST_PRODUCTS = 400  # columns of the context x feature products


class Form(NamedTuple):
    """A design and how far its coefficients may move.

    `additive`: context + action (+ action features). `features`: and context x action features.
    `interactions`: and context x action. `low_rank`: as `features`, with `rank` features of each action read
    off the fitted interactions. `strength` is the prior variance of a coefficient, `share` scales the
    deviation of the products' coefficients against it. `hidden`: a layer of units that bend the context.
    """

    kind: Kind
    strength: float
    share: float = 1.0
    rank: int = 0

    def __str__(self) -> str:
        """The form in words."""
        if self.kind == "hidden":
            return "hidden layer"
        kind = f"low rank {self.rank}" if self.kind == "low_rank" else self.kind
        products = "" if self.kind == "additive" else f", products x {self.share:g}"
        return f"{kind}, strength {self.strength:g}{products}"


class Scores(NamedTuple):
    """A score for each action: context @ weights + bias, weights of shape (d, K), bias of shape (K,).

    With a hidden layer, its units stand beside the context.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    hidden: HiddenLayer | None = None

    def of_logged(self, context: NDArray[np.float32], action: NDArray[np.int32]) -> NDArray[np.float64]:
        """The score of each row's own action, shape (n,)."""
        whole = context if self.hidden is None else self.hidden.beside(context)
        own: NDArray[np.float64] = np.einsum("ij,ij->i", whole, self.weights.T[action])
        return own + self.bias[action]


def product_features(features: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """The action features to multiply with a context of so many dimensions: as many as stay affordable."""
    most = max(2, MOST_PRODUCTS // max(dimensions, 1))
    return features if features.shape[1] <= most else principal(features, most)


def design(
    form: Form,
    context: NDArray[np.float32],
    action: NDArray[np.int32],
    features: NDArray[np.float32],
) -> csr_matrix:
    """The design matrix, n rows: the context, the action, its features, and the form's products."""
    from scipy import sparse

    n, d = context.shape
    n_actions = features.shape[0]
    own = features[action]
    one_hot = sparse.csr_matrix((np.ones(n), action, np.arange(n + 1)), shape=(n, n_actions))
    blocks = [sparse.csr_matrix(context), one_hot, sparse.csr_matrix(own)]
    if form.kind == "features":
        multiplied = product_features(features, d)[action]
        products = (context[:, :, None] * multiplied[:, None, :]).reshape(n, -1)
        blocks.append(sparse.csr_matrix(products * form.share))
    if form.kind == "interactions":
        columns = (action.astype(np.int64)[:, None] * d + np.arange(d)).ravel()
        rows = np.arange(0, n * d + 1, d)
        values = context.ravel().astype(np.float64) * form.share
        blocks.append(sparse.csr_matrix((values, columns, rows), shape=(n, n_actions * d)))
    return sparse.hstack(blocks, format="csr")


def unfold(
    form: Form,
    coefficients: NDArray[np.float64],
    intercept: float,
    features: NDArray[np.float32],
    d: int,
) -> Scores:
    """The fitted coefficients of a design as one weight vector and bias per action."""
    k, e = features.shape
    common, actions, linear, products = np.split(coefficients, np.cumsum([d, k, e]))
    weights = np.repeat(common[:, None], k, axis=1)
    if form.kind == "features":
        multiplied = product_features(features, d)
        weights = weights + form.share * products.reshape(d, -1) @ multiplied.T
    if form.kind == "interactions":
        weights = weights + form.share * products.reshape(k, d).T
    return Scores(weights, intercept + actions + features @ linear)
