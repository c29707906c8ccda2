"""What is made of ads beside their table: files for upload, and one for people to review them in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from adcli.cli.option_groups import option_group
from adcli.cli.option_rules import Excludes, Needs
from adcli.cli.run import Run
from adcli.errors import AdcliError, DataError, UsageError

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
    """One platform's files and the folder that they go into."""

    platform: str
    files: list[ExportFile]
    target: Path
    folder: Path


def open_exports(run: Run, publishing: Publishing, channel: str) -> list[Export]:
    """The folders of `--export`, checked before any work is done; each appears when the run ends."""
    from adcli.generate.exports import export_files

    opened = []
    for given in publishing.export:
        platform, equals, path = given.partition("=")
        files = export_files(platform, channel, business_name=publishing.business_name)
        if not (equals and path):
            raise UsageError(f"--export {given}: it needs a folder.", fix=f"Write --export {platform}=DIR.")
        target = Path(path)
        opened.append(Export(platform, files, target, run.attach_directory(target)))
    return opened


def publish(
    run: Run, ads: pl.DataFrame, products: pl.DataFrame, publishing: Publishing, exports: list[Export]
) -> None:
    """Write what is wanted beside the table of ads; no file appears that its platform would refuse."""
    from adcli.copy.review import review_of
    from adcli.generate.export_checks import problems
    from adcli.generate.exports import exported, uploadable

    if publishing.review is not None:
        run.attach_table(publishing.review, [review_of(ads)])
    for export in exports:
        for file in export.files:
            fit = uploadable(ads, file.channel)
            content = exported(
                fit,
                products,
                file,
                campaign=publishing.campaign or file.channel.name,
                business_name=publishing.business_name,
            )
            if not fit.height:
                raise DataError(
                    f"No ad has as many texts as {file.channel.name} asks for: nothing to upload.",
                    fix="Give the products more facts, or take another --channel.",
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
                f"documented columns and limits: nothing wrong."
                + (f" {left:,} left out: without a page, or with too few texts." if left else "")
            )
