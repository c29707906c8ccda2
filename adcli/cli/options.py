"""The options that commands share, in groups; `adcli.cli.command` puts them into each command's signature."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from adcli.cli.config import load_defaults
from adcli.cli.option_rules import Needs, Suffix, option_group
from adcli.errors import UsageError

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files, globs, URLs (s3, gs, az, https, databases); - or nothing reads standard input.",
        show_default=False,
        metavar="INPUT",
    ),
]

Confidence = Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence level of the intervals.")]
MinUsers = Annotated[int, typer.Option(min=0, help="Hide cells of fewer users.")]


@option_group()
class Comparing:
    """How groups or arms are compared."""

    confidence: Confidence = 0.95
    correction: Annotated[Literal["holm", "benjamini-hochberg", "none"], Needs("compare", "trend")] = (
        typer.Option("holm", help="Correction of p-values for multiple comparisons.")
    )
    smallest_effect: Annotated[float, Needs("compare", "trend")] = typer.Option(
        0.05, min=0.0, help="Smallest relative effect of interest."
    )


@option_group("Input")
class Reading:
    """How inputs are read."""

    format: str | None = typer.Option(
        None,
        help="Format of the input: csv, tsv, ndjson, json, parquet, arrow, log, aligned, xml.",
        show_default="recognised",
    )
    delimiter: str | None = typer.Option(None, help="Delimiter of the input.", show_default="recognised")
    quote: str | None = typer.Option(
        None, help="What encloses fields of the input: \" or ', or none.", show_default="recognised"
    )
    escape: str | None = typer.Option(
        None, metavar="CHAR", help="What stands before a delimiter or quote that is text, such as \\."
    )
    skip_lines: int = typer.Option(0, min=0, help="Lines above the table that are no part of it.")
    comment: str | None = typer.Option(
        None, metavar="CHAR", help="What begins lines that are no rows, such as #."
    )
    log_format: str | None = typer.Option(
        None,
        metavar="FORMAT",
        help="Lines of a web server's log, as Apache's LogFormat or nginx's log_format says.",
        show_default="recognised",
    )
    encoding: str | None = typer.Option(
        None,
        help="Encoding of the input, such as utf-8, utf-16, cp1252, shift_jis, gb18030.",
        show_default="recognised",
    )
    sheet: str | None = typer.Option(None, help="Sheet of a workbook, where several have cells.")
    query: str | None = typer.Option(None, metavar="SQL", help="Rows to read of a database that INPUT names.")
    time_format: str | None = typer.Option(
        None,
        metavar="PATTERN",
        help="How times are written: a strptime pattern, epoch-s, epoch-ms, epoch-us, epoch-ns or excel.",
    )
    timezone: str | None = typer.Option(
        None, help="Time zone of times that name none, such as Europe/Berlin.", show_default="UTC"
    )
    day_first: bool | None = typer.Option(
        None,
        "--day-first/--month-first",
        help="What stands first in dates such as 03/04/2024.",
        show_default="by all rows",
    )
    decimal: Literal["point", "comma"] | None = typer.Option(
        None, help="Decimal mark of numbers; the other mark groups thousands.", show_default="by all rows"
    )
    map: list[str] = typer.Option(
        [], metavar="STANDARD=SOURCE", help="Name a column by hand; repeat for more."
    )
    set: list[str] = typer.Option([], metavar="STANDARD=VALUE", help="Give a column one value on each row.")
    memory: str | None = typer.Option(
        None,
        metavar="SIZE",
        help="Most that a table may take in memory, such as 4GB.",
        show_default="a third of what is free",
    )
    rejects: Path | None = typer.Option(None, help="Keep rejected rows here: file, line, reason, raw row.")
    strict: bool = typer.Option(False, "--strict", help="Fail with exit code 4 if any row is rejected.")
    no_verify: bool = typer.Option(False, "--no-verify", help="Do not check inputs against their manifests.")


@option_group("Output")
class Writing:
    """Where the output goes."""

    output: Path | None = typer.Option(None, "--output", "-o", help="Output; its extension says the format.")
    to: str | None = typer.Option(None, help="Format of the output: csv, tsv, ndjson, parquet, arrow.")
    partition_by: Annotated[list[str], Needs("output")] = typer.Option(
        [],
        metavar="COLUMN",
        help="Make of -o a folder of Parquet, with one in it for each value; month, day and hour "
        "are those of event_time; repeat for more.",
    )
    formula_safe: bool = typer.Option(
        False, "--formula-safe", help="Put ' before texts of CSV that a spreadsheet would compute."
    )
    rows: int = typer.Option(20, min=1, help="Rows to show on a terminal, without -o.")
    all: bool = typer.Option(False, "--all", help="Show all rows on a terminal, without -o.")


@option_group("General")
class Common:
    """What every command takes."""

    seed: int = typer.Option(0, min=0, envvar="ADCLI_SEED", help="Seed of all that is random.")
    config: Path | None = typer.Option(
        None,
        envvar="ADCLI_CONFIG",
        help="TOML file with a table of defaults per command.",
        is_eager=True,
        callback=load_defaults,
    )
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Only errors.")
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Explain decisions.")
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks.")


Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(envvar="ADCLI_DEVICE", help="Where models run.", rich_help_panel="Models"),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(
        envvar="ADCLI_PRECISION", help="Floating-point precision of models.", rich_help_panel="Models"
    ),
]


@option_group("Models")
class Models:
    """Where and how models run."""

    device: Device = "auto"
    precision: Precision = "auto"
    processes: int | None = typer.Option(
        None,
        min=1,
        envvar="ADCLI_PROCESSES",
        help="Processes that share the work.",
        show_default="one per GPU, or 1",
    )


@option_group("General")
class Tracking:
    """Experiment tracking."""

    track: Literal["tensorboard", "wandb"] | None = typer.Option(
        None, help="Log the figures to this experiment tracker."
    )
    track_dir: Annotated[Path, Needs("track")] = typer.Option(
        Path("runs"), help="Folder of the tracker's files."
    )


@option_group("Output")
class Reporting:
    """What else an evaluation leaves for people."""

    report: Annotated[Path | None, Suffix(".html", ".htm")] = typer.Option(
        None, help="Write one self-contained HTML page here."
    )
    plots: Path | None = typer.Option(None, help="Write each plot as SVG and PNG into this folder.")


def moment_of(given: str, option: str = "--cutoff") -> datetime:
    """The time that an option names, in UTC where it names no zone. Raises UsageError if it is none."""
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(
            f"{option} {given}: expected a time such as 2024-05-01 or 2024-05-01T18:00."
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
