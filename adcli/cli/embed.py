"""`adcli embed`: texts and behaviour in, vectors and profiles out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from adcli.cli.command import command
from adcli.cli.embed_options import ProfileOptions, VectorOptions
from adcli.cli.embed_profiles import UserProfiles, check_profile_options
from adcli.cli.embed_vectors import (
    Known,
    check_vector_options,
    described,
    given_vectors_of,
    reduced,
    tell_known,
)
from adcli.cli.encoding import EncoderOptions, TextEncoder
from adcli.cli.erasing import Erasing, erasing, require_users, tell_erased
from adcli.cli.money import Money
from adcli.cli.options import Inputs, Models, Reporting
from adcli.cli.run import Run
from adcli.errors import DataError, UsageError, require_known

if TYPE_CHECKING:
    import polars as pl

    from adcli.tables.read import TableStream

EMBEDDED = ("vectors", "events", "reviews", "products", "queries")


@command
def embed(
    profile_options: ProfileOptions,
    money: Money,
    vector_options: VectorOptions,
    encoding: EncoderOptions,
    models: Models,
    reporting: Reporting,
    erasing_options: Erasing,
    run: Run,
    inputs: Inputs = None,
    table: str | None = typer.Option(
        None, help=f"Table of the input: {', '.join(EMBEDDED)}.", show_default="recognised"
    ),
    text: list[str] = typer.Option(
        [], help="Column to embed; repeat.", show_default="title, brand, category, description; …"
    ),
) -> None:
    """A vector for each product, review or query; a profile for each user of an event log.

    \b
    Examples:
      adcli embed products.parquet -o vectors.parquet
      adcli embed events.parquet --catalog products.parquet --segments 8 -o users.parquet
      adcli embed vectors.parquet --dim 128 --neighbors 10 -o small.parquet
    """
    if table is not None:
        sentence, fix = f"--table {table}: there is no such table.", f"There are {', '.join(EMBEDDED)}."
        require_known(table, EMBEDDED, sentence, fix, error=UsageError)
    check_vector_options(vector_options, reporting)
    encode = TextEncoder(run, encoding, models)
    erasure = erasing(run, erasing_options.erase, erasing_options.key_file)
    stream = run.stream(inputs, tables=[table] if table else EMBEDDED)
    require_users(erasure, stream.names)
    if stream.table.name == "events":
        check_profile_options(profile_options, stream.names, has_given=bool(vector_options.with_vectors))
        made = UserProfiles(run, profile_options, vector_options, reporting, encode)
        run.write(made.rows(stream, money))
        tell_erased(run, erasure)
        return
    if stream.table.name == "vectors":
        if vector_options.explain is not None:
            raise UsageError("--explain needs the texts or events, not their vectors.")
        rows = run.frames(stream)
    else:
        rows = _rows(run, stream, encode, run.columns(text), vector_options)
    if vector_options.with_vectors:
        rows = _fused(run, rows, vector_options)
    run.write(
        _with_vector_options(run, rows, vector_options, reporting) if vector_options.needs_all else rows
    )
    tell_erased(run, erasure)


def _rows(
    run: Run, stream: TableStream, encode: TextEncoder, text: list[str], vector_options: VectorOptions
) -> Iterator[pl.DataFrame]:
    """A vector for each row; with --explain an explanation of one instead."""
    from adcli.embed.vectors import row_vectors

    if vector_options.explain is not None:
        yield _explained(run, stream, encode, text, vector_options.explain)
        return
    with run.console.progress("embedding", None, "texts") as bar:
        frames = _frames(run, stream)
        yield from row_vectors(frames, stream.table.name, lambda texts: encode(texts, bar), text)


def _frames(run: Run, stream: TableStream) -> Iterator[pl.DataFrame]:
    """The frames of a stream, without progress of their own."""
    for batch in stream.batches():
        run.reject(batch.rejects)
        yield batch.frame


def _explained(
    run: Run, stream: TableStream, encode: TextEncoder, text: list[str], name: str
) -> pl.DataFrame:
    from adcli.embed.explain import explain_text
    from adcli.embed.vectors import row_texts

    found = None
    for ids, texts in row_texts(run.frames(stream), stream.table.name, text):
        row = ids.index_of(name)
        if found is None and row is not None:
            found = str(texts[row])
    if found is None:
        raise DataError(f"--explain {name}: no row has this id.")
    return explain_text(name, found, encode)


def _fused(run: Run, frames: Iterator[pl.DataFrame], vector_options: VectorOptions) -> Iterator[pl.DataFrame]:
    """The frames with the vectors of `--with` fused into theirs."""
    from adcli.embed.fusion import fuse, known_rows
    from adcli.embed.vectors import embedding_column, matrix
    from adcli.statistics.retrieval import unit_vectors

    given = given_vectors_of(run, vector_options)
    rows = known = 0
    for frame in frames:
        rows, known = rows + frame.height, known + known_rows(frame["id"], given)
        units = unit_vectors(matrix(frame["embedding"]))
        yield frame.with_columns(embedding_column(fuse(frame["id"], units, given)))
    tell_known(run, known, rows)


def _with_vector_options(
    run: Run, frames: Iterator[pl.DataFrame], vector_options: VectorOptions, reporting: Reporting
) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.anomalies import row_features
    from adcli.embed.segment_names import terms_of_rows

    table = pl.concat(frames, how="diagonal_relaxed")
    known = Known(
        lambda: terms_of_rows(table), row_features(table) if vector_options.anomalies else pl.DataFrame()
    )
    return reduced(run, described(run, table, vector_options, known, reporting), vector_options)
