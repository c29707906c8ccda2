"""Vectors for other programs."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.sinks import format_of, open_sink

VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


def frame(vectors=VECTORS, dtype=pl.Float32):
    column = pl.Series("embedding", vectors, dtype=pl.Array(dtype, vectors.shape[1]))
    return pl.DataFrame({"id": ["a", "b", "ü", "d"], "kind": ["product"] * 4}).insert_column(2, column)


def written(path, *frames):
    with path.open("wb") as handle:
        sink = open_sink(handle, format_of(path, None))
        for part in frames:
            sink.write(part)
        sink.close()
    return path


def test_numpy_reads_the_npy_file_whole_and_mapped(tmp_path):
    path = written(tmp_path / "v.npy", frame().head(1), frame().tail(3))
    np.testing.assert_array_equal(np.load(path), VECTORS)
    np.testing.assert_array_equal(np.load(path, mmap_mode="r"), VECTORS)


def test_safetensors_reads_vectors_and_names(tmp_path):
    from safetensors.numpy import load_file

    tensors = load_file(written(tmp_path / "v.safetensors", frame().head(1), frame().tail(3)))
    np.testing.assert_array_equal(tensors["embedding"], VECTORS)
    assert bytes(tensors["id"]).decode().split("\n") == ["a", "b", "ü", "d"]


def test_whole_numbers_stay_whole(tmp_path):
    whole = VECTORS.astype(np.int8)
    assert np.load(written(tmp_path / "v.npy", frame(whole, pl.Int8))).dtype == np.int8


def test_a_table_without_vectors_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="no vectors to write as npy, only id, kind"):
        written(tmp_path / "v.npy", frame().drop("embedding"))


def test_a_pipe_gets_none(tmp_path):
    with pytest.raises(UsageError, match="--to npy"):
        format_of(tmp_path / "x", "npy")
