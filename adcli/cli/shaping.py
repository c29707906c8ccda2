"""What `adcli embed` does with vectors once they are there: segments, anomalies, neighbours, less."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adcli.cli.embed_options import Shaping
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.embed.segment_names import Tellings
    from adcli.embed.segments import Earlier
    from adcli.embed.vectors import FloatArray

RECALL_AT = 10


class Known(NamedTuple):
    """What is known of the rows beside their vectors.

    Attributes:
        tellings: What they say in words, where asked for.
        features: Numbers that tell unusual rows, by names of `adcli.embed.anomalies.FEATURES`.
        earlier: Segments to keep the names of.
    """

    tellings: Callable[[], Tellings]
    features: pl.DataFrame
    earlier: Earlier | None = None


def check_shaping(shaping: Shaping) -> None:
    """Make sure that the options can be meant together.

    Raises:
        UsageError: If not.
    """
    if shaping.dim is not None and shaping.basis is not None:
        raise UsageError("--dim makes a basis and --basis takes one.", fix="Give one of them.")


def described(run: Run, table: pl.DataFrame, shaping: Shaping, known: Known) -> pl.DataFrame:
    """The table with the columns that `--segments`, `--anomalies` and `--neighbors` add."""
    import polars as pl

    from adcli.embed.vectors import matrix

    vectors = matrix(table["embedding"])
    parts = [table]
    if shaping.segments is not None:
        parts.append(_segments(run, vectors, shaping.segments, known))
    if shaping.anomalies:
        from adcli.embed.anomalies import anomalies

        with run.step("anomalies"):
            parts.append(anomalies(vectors, known.features))
    if shaping.neighbors is not None:
        parts.append(_neighbors(run, table["id"], vectors, shaping.neighbors))
    return pl.concat(parts, how="horizontal")


def reduced(run: Run, table: pl.DataFrame, shaping: Shaping) -> pl.DataFrame:
    """The table with the vectors that `--dim`, `--basis` and `--quantize` ask for; says what they lose."""
    from adcli.embed.vectors import embedding_column, matrix

    if not (shaping.dim or shaping.basis or shaping.quantize):
        return table
    before = matrix(table["embedding"])
    with run.step("reduce"):
        vectors = _fewer(run, before, shaping)
        if vectors is not before:
            _tell_recall(run, f"{before.shape[1]} numbers to {vectors.shape[1]}", before, vectors)
            table = table.with_columns(embedding_column(vectors))
        return (
            table if shaping.quantize is None else _quantized(run, table, before, vectors, shaping.quantize)
        )


def _segments(run: Run, vectors: FloatArray, k: int, known: Known) -> pl.DataFrame:
    from adcli.embed.segments import segment

    with run.step("segments"):
        found = segment(vectors, k, known.tellings(), seed=run.seed, earlier=known.earlier)
    sizes = [int((found.labels == number).sum()) for number in range(k)]
    listed = "; ".join(f"{name} ({size:,})" for name, size in zip(found.names, sizes, strict=True))
    run.note(f"{k} segments, which account for {found.explained:.0%} of the spread: {listed}")
    return found.frame()


def _neighbors(run: Run, names: pl.Series, vectors: FloatArray, k: int) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.neighbors import nearest

    with run.step("neighbors"), run.console.progress("neighbours", len(vectors), "rows") as bar:
        found = nearest(vectors, k, seed=run.seed, advance=bar)
    if found.recall < 1:
        run.note(f"neighbours: {found.method}, recall@{k} {found.recall:.3f}")
    nearest_names = names.gather(found.places.ravel()).to_numpy().reshape(found.places.shape)
    return pl.DataFrame(
        {"neighbors": nearest_names.tolist(), "neighbor_similarity": found.cosines.tolist()},
        schema={"neighbors": pl.List(pl.String), "neighbor_similarity": pl.List(pl.Float32)},
    )


def _fewer(run: Run, vectors: FloatArray, shaping: Shaping) -> FloatArray:
    from adcli.embed.reduction import basis_bytes, basis_from, fit_basis
    from adcli.tables.manifest import verify

    settings = str(run.facts.get("model", {}).get("settings", ""))
    if shaping.dim is not None:
        basis = fit_basis([vectors], shaping.dim)
        if run.output is None:
            run.warn("without -o the basis of --dim is lost, and no other vectors can be reduced alike.")
        else:
            beside = run.output.with_name(run.output.name + ".basis.safetensors")
            run.attach(beside, basis_bytes(basis, {"model": settings}))
        return basis.reduce(vectors)
    if shaping.basis is not None:
        path = Path(shaping.basis)
        if not path.is_file():
            raise UsageError(f"--basis {path}: there is no such file.", fix="Name OUTPUT.basis.safetensors.")
        verify(path)
        basis, about = basis_from(path.read_bytes(), str(path))
        if settings and about.get("model") not in ("", settings):
            raise DataError(
                f"{path} was made for vectors of another model or other settings of it.",
                fix="Use the model that it was made with.",
            )
        return basis.reduce(vectors)
    return vectors


def _quantized(
    run: Run, table: pl.DataFrame, before: FloatArray, vectors: FloatArray, to: str
) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.quantization import from_bits, to_bits, to_int8
    from adcli.embed.reduction import unit

    width = vectors.shape[1]
    if to == "int8":
        whole = to_int8(vectors)
        _tell_recall(
            run, f"{before.shape[1]} numbers to {width} in int8", before, unit(whole.astype("float32"))
        )
        return table.with_columns(pl.Series("embedding", whole, dtype=pl.Array(pl.Int8, width)))
    bits = to_bits(vectors)
    _tell_recall(run, f"{before.shape[1]} numbers to {width} bits", before, from_bits(bits, width))
    column = pl.Series("embedding_bits", bits, dtype=pl.Array(pl.UInt8, bits.shape[1]))
    names = ["embedding_bits" if name == "embedding" else name for name in table.columns]
    return table.with_columns(column).select(names)


def _tell_recall(run: Run, what: str, before: FloatArray, after: FloatArray) -> None:
    from adcli.embed.reduction import recall_kept

    kept = recall_kept(before, after, k=RECALL_AT, seed=run.seed)
    run.facts.setdefault("recall_lost", {})[what] = round(1 - kept, 4)
    run.note(f"{what}: {1 - kept:.1%} of the {RECALL_AT} nearest neighbours are lost.")
