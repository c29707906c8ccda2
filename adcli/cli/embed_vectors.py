"""Segments, anomalies, neighbours, dimension reduction and quantization of vectors for `adcli embed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adcli.cli.embed_options import VectorOptions
from adcli.cli.options import Reporting
from adcli.cli.reporting import publish
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.arrays import Floats32
    from adcli.behaviour.segments import SegmentCentres
    from adcli.embed.fusion import GivenVectors
    from adcli.embed.segment_names import SegmentTerms

RECALL_AT = 10


class Known(NamedTuple):
    """What is known of the rows beside their vectors."""

    terms: Callable[[], SegmentTerms]  # their texts, for names of segments
    features: pl.DataFrame  # columns of `adcli.behaviour.anomaly_reasons.FEATURES`
    earlier: SegmentCentres | None = None  # segments whose names are kept


def check_vector_options(options: VectorOptions, reporting: Reporting) -> None:
    """Check that the options go together. Raises UsageError if not."""
    if options.dim is not None and options.basis is not None:
        raise UsageError("--dim makes a basis and --basis takes one.", fix="Give one of them.")
    for name, path in (("--report", reporting.report), ("--plots", reporting.plots)):
        if path is not None and options.segments is None:
            raise UsageError(f"{name} shows segments, and there are none.", fix="Give --segments K.")
        if path is not None and options.explain is not None:
            raise UsageError(f"{name} shows segments, and --explain makes none.", fix="Leave one out.")


def given_vectors_of(run: Run, options: VectorOptions) -> list[GivenVectors]:
    """The vectors of `--with`, read."""
    from adcli.embed.fusion import given_vectors

    return [
        given_vectors(run.read([path], tables=["vectors"], secondary=True)) for path in options.with_vectors
    ]


def tell_known(run: Run, known: int, rows: int) -> None:
    """Say how many rows the vectors of `--with` are known of. Raises DataError if of none."""
    if not known:
        raise DataError(
            "--with: none of the ids has a vector there.", fix="Name the column of the ids: --map id=COLUMN."
        )
    run.note(f"--with: vectors of {known:,} of {rows:,}; the others have that of their text alone.")


def described(
    run: Run, table: pl.DataFrame, options: VectorOptions, known: Known, reporting: Reporting
) -> pl.DataFrame:
    """The table with the columns that `--segments`, `--anomalies` and `--neighbors` add; and their page."""
    import polars as pl

    from adcli.embed.vectors import matrix

    vectors = matrix(table["embedding"])
    parts = [table]
    if options.segments is not None:
        parts.append(_segments(run, vectors, options.segments, known))
        if reporting.report is not None or reporting.plots is not None:
            from adcli.embed.segments_page import segments_page

            with run.step("report"):
                segmented = pl.concat(parts, how="horizontal")
                publish(run, segments_page(segmented, known.terms(), seed=run.seed), reporting)
    if options.anomalies:
        from adcli.embed.anomalies import anomalies

        with run.step("anomalies"):
            parts.append(anomalies(vectors, known.features))
    if options.neighbors is not None:
        parts.append(_neighbors(run, table["id"], vectors, options.neighbors))
    return pl.concat(parts, how="horizontal")


def reduced(run: Run, table: pl.DataFrame, options: VectorOptions) -> pl.DataFrame:
    """The table with the vectors of `--dim`, `--basis` and `--quantize`; says which neighbours they lose."""
    from adcli.embed.vectors import embedding_column, matrix

    if not (options.dim or options.basis or options.quantize):
        return table
    before = matrix(table["embedding"])
    with run.step("reduce"):
        vectors = _reduce(run, before, options)
        if vectors is not before:
            _tell_recall(run, f"{before.shape[1]} dimensions to {vectors.shape[1]}", before, vectors)
            table = table.with_columns(embedding_column(vectors))
        return (
            table if options.quantize is None else _quantized(run, table, before, vectors, options.quantize)
        )


def _segments(run: Run, vectors: Floats32, k: int, known: Known) -> pl.DataFrame:
    from adcli.embed.segments import segment

    with run.step("segments"):
        found = segment(vectors, k, known.terms(), seed=run.seed, earlier=known.earlier)
    sizes = [int((found.labels == number).sum()) for number in range(k)]
    listed = "; ".join(f"{name} ({size:,})" for name, size in zip(found.names, sizes, strict=True))
    run.note(f"{k} segments, which explain {found.explained:.0%} of the variance: {listed}")
    return found.frame()


def _neighbors(run: Run, names: pl.Series, vectors: Floats32, k: int) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.neighbors import nearest

    with run.step("neighbors"), run.console.progress("neighbours", len(vectors), "rows") as bar:
        found = nearest(vectors, k, seed=run.seed, advance=bar)
    if found.recall < 1:
        run.note(f"neighbours: {found.method}, recall@{k} {found.recall:.3f}")
    nearest_names = names.gather(found.rows.ravel()).to_numpy().reshape(found.rows.shape)
    return pl.DataFrame(
        {"neighbors": nearest_names.tolist(), "neighbor_similarity": found.cosines.tolist()},
        schema={"neighbors": pl.List(pl.String), "neighbor_similarity": pl.List(pl.Float32)},
    )


def _reduce(run: Run, vectors: Floats32, options: VectorOptions) -> Floats32:
    from adcli.embed.reduction import basis_bytes, basis_from, fit_basis
    from adcli.tables.manifest import verify

    settings = str(run.facts.get("model", {}).get("settings", ""))
    if options.dim is not None:
        basis = fit_basis([vectors], options.dim)
        if run.output is None:
            run.warn("without -o the basis of --dim is not saved.")
        else:
            beside = run.output.with_name(run.output.name + ".basis.safetensors")
            run.attach(beside, basis_bytes(basis, {"model": settings}))
        return basis.reduce(vectors)
    if options.basis is not None:
        path = Path(options.basis)
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


def _quantized(run: Run, table: pl.DataFrame, before: Floats32, vectors: Floats32, to: str) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.reduction import from_bits, to_bits, to_int8
    from adcli.statistics.retrieval import unit_vectors

    width = vectors.shape[1]
    if to == "int8":
        whole = to_int8(vectors)
        _tell_recall(
            run,
            f"{before.shape[1]} dimensions to {width} in int8",
            before,
            unit_vectors(whole.astype("float32")),
        )
        return table.with_columns(pl.Series("embedding", whole, dtype=pl.Array(pl.Int8, width)))
    bits = to_bits(vectors)
    _tell_recall(run, f"{before.shape[1]} dimensions to {width} bits", before, from_bits(bits, width))
    column = pl.Series("embedding_bits", bits, dtype=pl.Array(pl.UInt8, bits.shape[1]))
    names = ["embedding_bits" if name == "embedding" else name for name in table.columns]
    return table.with_columns(column).select(names)


def _tell_recall(run: Run, what: str, before: Floats32, after: Floats32) -> None:
    from adcli.embed.reduction import neighbor_recall

    kept = neighbor_recall(before, after, k=RECALL_AT, seed=run.seed)
    run.facts.setdefault("recall_lost", {})[what] = round(1 - kept, 4)
    run.note(f"{what}: {1 - kept:.1%} of the {RECALL_AT} nearest neighbours are lost.")
