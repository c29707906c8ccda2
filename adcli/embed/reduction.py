"""Fewer dimensions with the nearest neighbours kept: an uncentred SVD, and vectors brought back to length 1.

    basis = fit_basis([vectors], 128)
    small = basis.reduce(vectors)            # (n, 128), unit length
    recall_kept(vectors, small, k=10, seed=0)

Centring first, as the usual PCA does, moves the origin that cosines are measured from and loses a fifth of
the neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.embed.neighbors import top_k
from adcli.embed.vectors import FloatArray
from adcli.errors import DataError, UsageError

RECALL_QUERIES: Final = 1_000
RECALL_ROWS: Final = 20_000


class Basis(NamedTuple):
    """Directions that vectors are reduced to.

    Attributes:
        directions: (d, r) orthonormal columns, those that hold most first.
        held: Share of the squared length that they hold.
    """

    directions: FloatArray
    held: float

    def reduce(self, vectors: FloatArray) -> FloatArray:
        """(n, r) unit vectors.

        Raises:
            DataError: If the vectors have another dimension than the basis was made for.
        """
        if vectors.shape[1] != len(self.directions):
            raise DataError(
                f"The basis is for vectors of {len(self.directions)} numbers, these have {vectors.shape[1]}.",
                fix="Use the model that the basis was made with.",
            )
        return unit(vectors @ self.directions)


def fit_basis(blocks: Iterable[FloatArray], dimensions: int) -> Basis:
    """The uncentred SVD of the rows of all blocks, from their (d, d) second moments.

    Args:
        blocks: (n, d) vectors.
        dimensions: Directions to keep.

    Raises:
        UsageError: If that is more than the vectors have.
    """
    moments: npt.NDArray[np.float64] | None = None
    for block in blocks:
        exact = block.astype(np.float64)
        moments = exact.T @ exact if moments is None else moments + exact.T @ exact
    width = 0 if moments is None else len(moments)
    if moments is None or not 1 <= dimensions <= width:
        raise UsageError(f"--dim {dimensions}: the vectors have {width} numbers.", fix="Give less.")
    values, vectors = np.linalg.eigh(moments)
    kept = vectors[:, ::-1][:, :dimensions]
    signs = np.where(kept[np.abs(kept).argmax(axis=0), np.arange(dimensions)] < 0, -1.0, 1.0)
    held = float(values[::-1][:dimensions].sum() / max(float(values.sum()), 1e-300))
    return Basis(np.ascontiguousarray(kept * signs, dtype=np.float32), held)


def recall_kept(before: FloatArray, after: FloatArray, *, k: int, seed: int) -> float:
    """Share of the `k` nearest rows by `before` that are among the `k` nearest by `after`.

    Measured on up to 1,000 rows among up to 20,000, drawn by `seed`.

    Args:
        before: (n, d) unit vectors.
        after: (n, r) unit vectors of the same rows.
        k: Neighbours looked at; fewer where there are fewer rows.
        seed: Of the rows drawn.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(before))[:RECALL_ROWS])
    asked = np.sort(rng.permutation(len(rows))[:RECALL_QUERIES])
    k = min(k, len(rows) - 1)
    if k < 1:
        return 1.0
    wanted, _ = top_k(before[rows], k, queries=asked)
    found, _ = top_k(after[rows], k, queries=asked)
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(wanted, found, strict=True)]))


def unit(vectors: npt.NDArray[np.floating]) -> FloatArray:
    """(n, d) the vectors at length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def basis_bytes(basis: Basis, about: Mapping[str, str]) -> bytes:
    """A basis as the content of a safetensors file.

    Args:
        basis: The basis.
        about: What it was made from, kept in the file's metadata.
    """
    from safetensors.numpy import save

    told = {"what": "basis of adcli embed --dim: uncentred SVD", "held": f"{basis.held:.9f}", **about}
    content: bytes = save({"directions": basis.directions}, metadata=told)
    return content


def basis_from(content: bytes, name: str) -> tuple[Basis, dict[str, str]]:
    """A basis, and what it was made from.

    Args:
        content: Of a file that `basis_bytes` made.
        name: What the file is called, for the error.

    Raises:
        DataError: If it is no such file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        directions = load(content)["directions"]
        size = int.from_bytes(content[:8], "little")
        about = json.loads(content[8 : 8 + size])["__metadata__"]
        return Basis(directions, float(about["held"])), about
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{name} is not a basis of --dim ({type(error).__name__}).") from None
