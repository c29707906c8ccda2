"""Dimension reduction by an uncentred SVD, and vectors scaled back to length 1.

    basis = fit_basis([vectors], 128)
    small = basis.reduce(vectors)            # (n, 128), unit length
    neighbor_recall(vectors, small, k=10, seed=0)

Centring first, as PCA does, moves the origin of the cosines and loses a fifth of the neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from adcli.arrays import Floats, Floats32
from adcli.embed.neighbors import top_k
from adcli.errors import DataError, UsageError
from adcli.statistics.retrieval import unit_vectors

RECALL_QUERIES: Final = 1_000
RECALL_ROWS: Final = 20_000
_LARGEST = 127.0


class Basis(NamedTuple):
    """The components that vectors are projected on."""

    components: Floats32  # (d, r) orthonormal columns, by explained share
    explained: float  # share of the squared length that they explain

    def reduce(self, vectors: Floats32) -> Floats32:
        """(n, r) unit vectors.

        Raises DataError if the vectors have another dimension than the basis was made for.
        """
        if vectors.shape[1] != len(self.components):
            raise DataError(
                f"The basis is for vectors of {len(self.components)} dimensions; these have "
                f"{vectors.shape[1]}.",
                fix="Use the model that the basis was made with.",
            )
        return unit_vectors(vectors @ self.components)


def fit_basis(blocks: Iterable[Floats32], dimensions: int) -> Basis:
    """The uncentred SVD of the rows of all blocks, from their (d, d) second moments.

    `blocks` (n, d) vectors; `dimensions`: components to keep. Raises UsageError if the vectors have fewer.
    """
    moments: Floats | None = None
    for block in blocks:
        exact = block.astype(np.float64)
        moments = exact.T @ exact if moments is None else moments + exact.T @ exact
    width = 0 if moments is None else len(moments)
    if moments is None or not 1 <= dimensions <= width:
        raise UsageError(f"--dim {dimensions}: the vectors have {width} dimensions.", fix="Give fewer.")
    values, vectors = np.linalg.eigh(moments)
    kept = vectors[:, ::-1][:, :dimensions]
    signs = np.where(kept[np.abs(kept).argmax(axis=0), np.arange(dimensions)] < 0, -1.0, 1.0)
    explained = float(values[::-1][:dimensions].sum() / max(float(values.sum()), 1e-300))
    return Basis(np.ascontiguousarray(kept * signs, dtype=np.float32), explained)


def neighbor_recall(before: Floats32, after: Floats32, *, k: int, seed: int) -> float:
    """Recall of the `k` nearest rows by `before` among the `k` nearest by `after`.

    Measured on up to 1,000 rows among up to 20,000, drawn by `seed`.

    `before` (n, d) unit vectors; `after` (n, r) unit vectors of the same rows; `k`: neighbours, fewer where
    there are fewer rows.
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


def basis_bytes(basis: Basis, about: Mapping[str, str]) -> bytes:
    """A basis as the content of a safetensors file.

    `basis`: the basis; `about`: metadata of the file, such as the model.
    """
    from safetensors.numpy import save

    metadata = {
        "what": "basis of adcli embed --dim: uncentred SVD",
        "held": f"{basis.explained:.9f}",
        **about,
    }
    content: bytes = save({"directions": basis.components}, metadata=metadata)
    return content


def basis_from(content: bytes, name: str) -> tuple[Basis, dict[str, str]]:
    """A basis and its metadata. `content`: as `basis_bytes` gives it. Raises DataError if it is no basis."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        components = load(content)["directions"]
        size = int.from_bytes(content[:8], "little")
        about = json.loads(content[8 : 8 + size])["__metadata__"]
        return Basis(components, float(about["held"])), about
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{name} is not a basis of --dim ({type(error).__name__}).") from None


def to_int8(vectors: Floats32) -> npt.NDArray[np.int8]:
    """(n, d) vectors as integers from -127 to 127, each vector with its own scale."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(np.rint(vectors / np.where(largest > 0, largest, 1) * _LARGEST), np.int8)


def to_bits(vectors: Floats32) -> npt.NDArray[np.uint8]:
    """(n, ceil(d / 8)) signs, packed: bit 1 for a number above 0, the first number in the highest bit."""
    return np.packbits(vectors > 0, axis=1)


def from_bits(bits: npt.NDArray[np.uint8], dimensions: int) -> Floats32:
    """(n, d) unit vectors of the signs: their cosine is 1 - 2 x the share of bits that differ."""
    signs = np.unpackbits(bits, axis=1, count=dimensions).astype(np.float32) * 2 - 1
    return np.asarray(signs / np.sqrt(dimensions), np.float32)
