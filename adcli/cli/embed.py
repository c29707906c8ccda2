"""`adcli embed`: texts and behaviour in, vectors and profiles out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.command import command
from adcli.cli.embed_options import Profiling, Shaping
from adcli.cli.encoding import Encoding, TextEncoder
from adcli.cli.options import Inputs, Models
from adcli.cli.profiling import check_profiling, user_profiles
from adcli.cli.run import Run
from adcli.cli.shaping import Known, check_shaping, described, reduced
from adcli.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

    from adcli.tables.read import TableStream

EMBEDDED = ("vectors", "events", "reviews", "products", "queries")


@command
def embed(
    profiling: Profiling,
    shaping: Shaping,
    encoding: Encoding,
    models: Models,
    run: Run,
    inputs: Inputs = None,
    table: Annotated[
        str | None, typer.Option(help=f"What the input is, instead of looking: {', '.join(EMBEDDED)}.")
    ] = None,
    text: Annotated[
        list[str], typer.Option(help="Column that makes the text; repeat.", show_default="the usual ones")
    ] = [],  # noqa: B006
) -> None:
    """One vector for each product, review or query; one profile for each user of an event log.

    \b
    Examples:
      adcli embed products.parquet -o vectors.parquet
      adcli embed events.parquet --catalog products.parquet --segments 8 -o users.parquet
      adcli embed vectors.parquet --dim 128 --neighbors 10 -o small.parquet
    """
    if table is not None and table not in EMBEDDED:
        raise UsageError(f"--table {table}: there is no such table.", fix=did_you_mean(table, EMBEDDED))
    check_shaping(shaping)
    stream = run.stream(inputs, tables=[table] if table else EMBEDDED)
    if stream.table.name == "events":
        check_profiling(profiling, stream.names)
        run.write(user_profiles(run, stream, profiling, shaping, TextEncoder(run, encoding, models)))
        return
    if stream.table.name == "vectors":
        if shaping.explain is not None:
            raise UsageError("--explain needs what the vectors were made of, not the vectors.")
        rows = run.frames(stream)
    else:
        rows = _rows(run, stream, TextEncoder(run, encoding, models), run.columns(text), shaping)
    run.write(_shaped(run, rows, shaping) if shaping.needs_all else rows)


def _rows(
    run: Run, stream: TableStream, encode: TextEncoder, text: list[str], shaping: Shaping
) -> Iterator[pl.DataFrame]:
    """A vector for each row; or in place of them an explanation of one."""
    from adcli.embed.vectors import row_vectors

    if shaping.explain is not None:
        yield _explained(run, stream, encode, text, shaping.explain)
        return
    with run.console.progress("embedding", None, "texts") as bar:
        frames = _frames(run, stream)
        yield from row_vectors(frames, stream.table.name, lambda texts: encode(texts, bar), text)


def _frames(run: Run, stream: TableStream) -> Iterator[pl.DataFrame]:
    """The frames of a stream without a display of their own."""
    for batch in stream.batches():
        run.reject(batch.rejects)
        yield batch.frame


def _explained(
    run: Run, stream: TableStream, encode: TextEncoder, text: list[str], name: str
) -> pl.DataFrame:
    from adcli.embed.explain import explain_text
    from adcli.embed.vectors import row_texts

    found = None
    for names, texts in row_texts(run.frames(stream), stream.table.name, text):
        here = names.index_of(name)
        if found is None and here is not None:
            found = str(texts[here])
    if found is None:
        raise DataError(f"--explain {name}: no row has this id.")
    return explain_text(name, found, encode)


def _shaped(run: Run, frames: Iterator[pl.DataFrame], shaping: Shaping) -> pl.DataFrame:
    import polars as pl

    from adcli.embed.anomalies import row_features
    from adcli.embed.told import told_of_rows

    table = pl.concat(frames, how="diagonal_relaxed")
    known = Known(lambda: told_of_rows(table), row_features(table) if shaping.anomalies else pl.DataFrame())
    return reduced(run, described(run, table, shaping, known), shaping)
