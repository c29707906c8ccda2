"""What is made of ads beside their table: files for upload, and one for people to review them in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from adcli.cli.option_rules import Excludes, Needs, option_group
from adcli.cli.run import Run
from adcli.errors import AdcliError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from adcli.generate.exports import ExportFile


@option_group("Publishing")
class Publishing:
    """What is to be made of the ads."""

    export: Annotated[list[str], Excludes("facts_only")] = typer.Option(
        [],
        metavar="PLATFORM=DIR",
        help="Write files for upload too: google-ads-editor, microsoft-editor or meta-bulk; repeat.",
    )
    campaign: str = typer.Option(
        "", help="Campaign of the ads and of their links.", show_default="the channel"
    )
    business_name: Annotated[str, Needs("export")] = typer.Option(
        "", help="The shop's name, which google-pmax and google-display show."
    )
    review: Annotated[Path | None, Excludes("facts_only")] = typer.Option(
        None, metavar="FILE", help="Write a table too in which people accept, reject or edit each ad."
    )


class Export(NamedTuple):
    """One platform's file, and the folder that it goes into, which appears as `target` when the run ends."""

    platform: str
    file: ExportFile
    target: Path
    folder: Path


def open_exports(run: Run, publishing: Publishing, channel: str) -> list[Export]:
    """What `--export` asks for, checked before any work is done."""
    from adcli.generate.exports import export_file

    opened = []
    for given in publishing.export:
        platform, _, path = given.partition("=")
        file = export_file(platform, channel, business_name=publishing.business_name)
        if not path:
            raise UsageError(f"--export {given}: it needs a folder.", fix=f"Write --export {platform}=DIR.")
        opened.append(Export(platform, file, Path(path), run.attach_directory(Path(path))))
    return opened


def publish(
    run: Run, ads: pl.DataFrame, products: pl.DataFrame, publishing: Publishing, exports: list[Export]
) -> None:
    """Write what is wanted beside the table of ads; no file appears that its platform would refuse."""
    from adcli.copy.review import review_of

    if publishing.review is not None:
        run.attach_table(publishing.review, [review_of(ads)], is_form=True)
    for export in exports:
        _write_export(run, ads, products, publishing, export)


def _write_export(
    run: Run, ads: pl.DataFrame, products: pl.DataFrame, publishing: Publishing, export: Export
) -> None:
    from adcli.generate.export_checks import problems
    from adcli.generate.exports import exported, uploadable

    file = export.file
    fit = uploadable(ads, file.channel)
    content = exported(
        fit,
        products,
        file,
        campaign=publishing.campaign or file.channel.name,
        business_name=publishing.business_name,
    )
    if wrong := problems(content, file):
        line, column, what = wrong[0]
        raise AdcliError(
            f"{export.platform} would refuse {file.name}, line {line}, {column or 'row'}: {what} "
            f"({len(wrong):,} in all), so nothing was written."
        )
    (export.folder / file.name).write_bytes(content)
    left = ads.height - fit.height
    run.note(
        f"{export.platform}: {fit.height:,} ads in {export.target / file.name}, checked against the "
        "documented columns and limits: nothing wrong."
        + (f" {left:,} left out: without a page, or with too few texts." if left else "")
    )
