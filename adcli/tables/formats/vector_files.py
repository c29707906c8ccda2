"""Vectors for other programs: the column `embedding` as NumPy's .npy or as safetensors.

An .npy file holds the vectors alone, in order of the rows. A safetensors file holds them as the tensor
`embedding`, and as `id` the rows' ids: UTF-8, one a line.
"""

from __future__ import annotations

import json
from typing import IO, Final

import numpy as np
import polars as pl

from adcli.errors import DataError

VECTOR_FORMATS: Final = ("npy", "safetensors")
_HEADER_BYTES: Final = 512  # room for a header whose numbers are known only at the end
_SAFETENSORS_TYPES: Final = {"float32": "F32", "int8": "I8", "uint8": "U8"}


class VectorSink:
    """Writes the vectors of frames one after another into a file that can be sought in; then its header."""

    def __init__(self, handle: IO[bytes], format_name: str) -> None:
        self._handle = handle
        self._format = format_name
        self._rows = 0
        self._width = 0
        self._type = np.dtype(np.float32)
        self._ids: list[bytes] = []
        handle.write(b" " * _HEADER_BYTES)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's vectors. Raises DataError if it has none."""
        name = next((name for name in ("embedding", "embedding_bits") if name in frame.columns), None)
        if name is None:
            raise DataError(
                f"There are no vectors to write as {self._format}, only {', '.join(frame.columns)}.",
                fix="Name an output such as FILE.parquet or FILE.csv.",
            )
        vectors = frame[name].to_numpy()
        self._type, self._width = vectors.dtype, vectors.shape[1]
        self._rows += len(vectors)
        self._handle.write(np.ascontiguousarray(vectors).tobytes())
        if self._format == "safetensors":
            self._ids += [text.encode() for text in frame["id"].to_list()]

    def close(self) -> None:
        """Write the ids, and the header over the room left for it."""
        ids = b"\n".join(self._ids)
        self._handle.write(ids)
        self._handle.seek(0)
        header = self._npy_header() if self._format == "npy" else self._safetensors_header(len(ids))
        self._handle.write(header)
        self._handle.seek(0, 2)
        self._handle.flush()

    def _npy_header(self) -> bytes:
        """Source: NumPy's description of its format 1.0."""
        shape = (self._rows, self._width)
        text = str({"descr": self._type.str, "fortran_order": False, "shape": shape})
        room = _HEADER_BYTES - len(np.lib.format.magic(1, 0)) - 2
        return np.lib.format.magic(1, 0) + room.to_bytes(2, "little") + text.ljust(room - 1).encode() + b"\n"

    def _safetensors_header(self, id_bytes: int) -> bytes:
        """Source: the description of the format by its authors: length, JSON, tensors."""
        size = self._rows * self._width * self._type.itemsize
        tensors = {
            "embedding": {
                "dtype": _SAFETENSORS_TYPES[self._type.name],
                "shape": [self._rows, self._width],
                "data_offsets": [0, size],
            },
            "id": {"dtype": "U8", "shape": [id_bytes], "data_offsets": [size, size + id_bytes]},
        }
        room = _HEADER_BYTES - 8
        return room.to_bytes(8, "little") + json.dumps(tensors).ljust(room).encode()
