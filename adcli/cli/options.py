"""The options that commands share, in groups; `adcli.cli.command` puts them into each command's signature."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from adcli.cli.config import load_defaults
from adcli.cli.option_rules import Needs, Suffix
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


@dataclass(frozen=True)
class Comparing:
    """How groups or arms are compared."""

    confidence: Confidence = 0.95
    correction: Annotated[
        Literal["holm", "benjamini-hochberg", "none"],
        typer.Option(help="Correction of p-values for multiple comparisons."),
        Needs("compare", "trend"),
    ] = "holm"
    smallest_effect: Annotated[
        float,
        typer.Option(min=0.0, help="Smallest relative effect of interest."),
        Needs("compare", "trend"),
    ] = 0.05


@dataclass(frozen=True)
class Reading:
    """How inputs are read."""

    format: Annotated[
        str | None,
        typer.Option(
            help="Format of the input: csv, tsv, ndjson, json, parquet, arrow, log, aligned, xml.",
            show_default="recognised",
            rich_help_panel="Input",
        ),
    ] = None
    delimiter: Annotated[
        str | None,
        typer.Option(help="Delimiter of the input.", show_default="recognised", rich_help_panel="Input"),
    ] = None
    quote: Annotated[
        str | None,
        typer.Option(
            help="What encloses fields of the input: \" or ', or none.",
            show_default="recognised",
            rich_help_panel="Input",
        ),
    ] = None
    escape: Annotated[
        str | None,
        typer.Option(
            metavar="CHAR",
            help="What stands before a delimiter or quote that is text, such as \\.",
            rich_help_panel="Input",
        ),
    ] = None
    skip_lines: Annotated[
        int,
        typer.Option(min=0, help="Lines above the table that are no part of it.", rich_help_panel="Input"),
    ] = 0
    comment: Annotated[
        str | None,
        typer.Option(
            metavar="CHAR", help="What begins lines that are no rows, such as #.", rich_help_panel="Input"
        ),
    ] = None
    log_format: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="Lines of a web server's log, as Apache's LogFormat or nginx's log_format says.",
            show_default="recognised",
            rich_help_panel="Input",
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Encoding of the input, such as utf-8, utf-16, cp1252, shift_jis, gb18030.",
            show_default="recognised",
            rich_help_panel="Input",
        ),
    ] = None
    sheet: Annotated[
        str | None,
        typer.Option(help="Sheet of a workbook, where several have cells.", rich_help_panel="Input"),
    ] = None
    query: Annotated[
        str | None,
        typer.Option(
            metavar="SQL", help="Rows to read of a database that INPUT names.", rich_help_panel="Input"
        ),
    ] = None
    time_format: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="How times are written: a strptime pattern, epoch-s, epoch-ms, epoch-us, epoch-ns or excel.",
            rich_help_panel="Input",
        ),
    ] = None
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of times that name none, such as Europe/Berlin.",
            show_default="UTC",
            rich_help_panel="Input",
        ),
    ] = None
    day_first: Annotated[
        bool | None,
        typer.Option(
            "--day-first/--month-first",
            help="What stands first in dates such as 03/04/2024.",
            show_default="by all rows",
            rich_help_panel="Input",
        ),
    ] = None
    decimal: Annotated[
        Literal["point", "comma"] | None,
        typer.Option(
            help="Decimal mark of numbers; the other mark groups thousands.",
            show_default="by all rows",
            rich_help_panel="Input",
        ),
    ] = None
    map: Annotated[
        list[str],
        typer.Option(
            metavar="STANDARD=SOURCE", help="Name a column by hand; repeat for more.", rich_help_panel="Input"
        ),
    ] = field(default_factory=list)
    set: Annotated[
        list[str],
        typer.Option(
            metavar="STANDARD=VALUE", help="Give a column one value on each row.", rich_help_panel="Input"
        ),
    ] = field(default_factory=list)
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Most that a table may take in memory, such as 4GB.",
            show_default="a third of what is free",
            rich_help_panel="Input",
        ),
    ] = None
    rejects: Annotated[
        Path | None,
        typer.Option(help="Keep rejected rows here: file, line, reason, raw row.", rich_help_panel="Input"),
    ] = None
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Fail with exit code 4 if any row is rejected.", rich_help_panel="Input"
        ),
    ] = False
    no_verify: Annotated[
        bool,
        typer.Option(
            "--no-verify", help="Do not check inputs against their manifests.", rich_help_panel="Input"
        ),
    ] = False


@dataclass(frozen=True)
class Writing:
    """Where the output goes."""

    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Output; its extension says the format.", rich_help_panel="Output"
        ),
    ] = None
    to: Annotated[
        str | None,
        typer.Option(
            help="Format of the output: csv, tsv, ndjson, parquet, arrow.", rich_help_panel="Output"
        ),
    ] = None
    partition_by: Annotated[
        list[str],
        typer.Option(
            metavar="COLUMN",
            help="Make of -o a folder of Parquet, with one in it for each value; month, day and hour "
            "are those of event_time; repeat for more.",
            rich_help_panel="Output",
        ),
        Needs("output"),
    ] = field(default_factory=list)
    formula_safe: Annotated[
        bool,
        typer.Option(
            "--formula-safe",
            help="Put ' before texts of CSV that a spreadsheet would compute.",
            rich_help_panel="Output",
        ),
    ] = False
    rows: Annotated[
        int, typer.Option(min=1, help="Rows to show on a terminal, without -o.", rich_help_panel="Output")
    ] = 20
    all: Annotated[
        bool, typer.Option("--all", help="Show all rows on a terminal, without -o.", rich_help_panel="Output")
    ] = False


@dataclass(frozen=True)
class Common:
    """What every command takes."""

    seed: Annotated[
        int,
        typer.Option(
            min=0, envvar="ADCLI_SEED", help="Seed of all that is random.", rich_help_panel="General"
        ),
    ] = 0
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="ADCLI_CONFIG",
            help="TOML file with a table of defaults per command.",
            is_eager=True,
            callback=load_defaults,
            rich_help_panel="General",
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.", rich_help_panel="General")] = (
        False
    )
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Explain decisions.", rich_help_panel="General")
    ] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel="General")] = (
        False
    )


@dataclass(frozen=True)
class Models:
    """Where and how models run."""

    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(envvar="ADCLI_DEVICE", help="Where models run.", rich_help_panel="Models"),
    ] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        typer.Option(
            envvar="ADCLI_PRECISION", help="Floating-point precision of models.", rich_help_panel="Models"
        ),
    ] = "auto"
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            envvar="ADCLI_PROCESSES",
            help="Processes that share the work.",
            show_default="one per GPU, or 1",
            rich_help_panel="Models",
        ),
    ] = None


@dataclass(frozen=True)
class Tracking:
    """Experiment tracking."""

    track: Annotated[
        Literal["tensorboard", "wandb"] | None,
        typer.Option(help="Log the figures to this experiment tracker.", rich_help_panel="General"),
    ] = None
    track_dir: Annotated[
        Path,
        typer.Option(help="Folder of the tracker's files.", rich_help_panel="General"),
        Needs("track"),
    ] = Path("runs")


@dataclass(frozen=True)
class Reporting:
    """What else an evaluation leaves for people."""

    report: Annotated[
        Path | None,
        typer.Option(help="Write one self-contained HTML page here.", rich_help_panel="Output"),
        Suffix(".html", ".htm"),
    ] = None
    plots: Annotated[
        Path | None,
        typer.Option(help="Write each plot as SVG and PNG into this folder.", rich_help_panel="Output"),
    ] = None


def moment_of(given: str, option: str = "--cutoff") -> datetime:
    """The time that an option names, in UTC where it names no zone.

    Raises:
        UsageError: If it is none.
    """
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(
            f"{option} {given}: expected a time such as 2024-05-01 or 2024-05-01T18:00."
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
