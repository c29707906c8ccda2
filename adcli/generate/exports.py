"""Ads as the files that Google Ads Editor, Microsoft Advertising Editor and Meta's bulk sheets take.

What stands in which column is a table, `data/exports.toml`. All that is written is paused, so that nobody
pays for an ad before having looked at it.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from adcli.copy.channels import CHANNELS, FIELDS, Channel, display_width, misfits
from adcli.copy.wording import sayable
from adcli.errors import DataError, UsageError, did_you_mean
from adcli.generate.links import PAGES_WANTED

ENCODING = "utf-8-sig"
"""All three read it; without the mark a spreadsheet would take another."""
BUSINESS_NAME = 25


class ExportFile(NamedTuple):
    """One file of a platform.

    Attributes:
        name: Its name in the folder.
        channel: The channel whose ads it holds.
        columns: What stands in each column, by its header.
        required: Columns that may not be empty.
        as_json: Columns that hold all texts of a field at once.
        first_row: What stands in the row below the header; empty for none.
        documented: The columns that the platform knows.
    """

    name: str
    channel: Channel
    columns: Mapping[str, str]
    required: frozenset[str]
    as_json: frozenset[str]
    first_row: Mapping[str, str]
    documented: frozenset[str]


@lru_cache(maxsize=1)
def exports() -> dict[str, dict[str, ExportFile]]:
    """The file of each platform for each channel that it takes ads of."""
    table = tomllib.loads((Path(__file__).parent / "data" / "exports.toml").read_text("utf-8"))
    return {
        platform: {
            entry["channel"]: ExportFile(
                name,
                CHANNELS[entry["channel"]],
                _numbered(entry["columns"], CHANNELS[entry["channel"]]),
                frozenset(entry["required"]),
                frozenset(entry.get("as_json", ())),
                about.get("first_row", {}),
                frozenset(_listed(about["documented"])),
            )
            for name, entry in about["files"].items()
        }
        for platform, about in table.items()
    }


def _listed(documented: str) -> list[str]:
    """The names of a list, `Headline {15}` being fifteen of them."""
    names = []
    for name in (" ".join(part.split()) for part in documented.split(";")):
        before, brace, after = name.partition("{")
        count, _, end = after.partition("}")
        names += [f"{before}{place + 1}{end}" for place in range(int(count))] if brace else [name]
    return names


def _numbered(columns: Mapping[str, str], channel: Channel) -> dict[str, str]:
    """`Headline {}` = `headlines` as `Headline 1` = `headlines 1` and so on, as many as the channel takes."""
    numbered: dict[str, str] = {}
    for header, field in columns.items():
        places = range(1, getattr(channel, field).most + 1) if "{}" in header else (0,)
        numbered |= {header.format(place): f"{field} {place}" if place else field for place in places}
    return numbered


def export_file(platform: str, channel: str, *, business_name: str = "") -> ExportFile:
    """The file of a platform that ads of a channel go into.

    Raises:
        UsageError: If there is no such platform, it takes no ads of the channel, or they show the
            shop's name, and none was given or one too long.
    """
    if platform not in exports():
        raise UsageError(
            f"There is no export '{platform}'. {did_you_mean(platform, exports())}".rstrip(),
            fix=f"Exports: {', '.join(exports())}.",
        )
    file = exports()[platform].get(channel)
    if file is None:
        raise UsageError(
            f"{platform} takes no ads of --channel {channel}.",
            fix=f"It takes {', '.join(exports()[platform])}.",
        )
    if "business_name" in file.columns.values() and not 0 < display_width(business_name) <= BUSINESS_NAME:
        raise UsageError(
            f"Ads of {channel} show the shop's name, of at most {BUSINESS_NAME} columns.",
            fix="Give it with --business-name.",
        )
    return file


def uploadable(ads: pl.DataFrame, channel: Channel) -> pl.DataFrame:
    """The ads that lead to a page and have as many texts as their channel asks for.

    Raises:
        DataError: If there is none.
    """
    leading = ads.filter(pl.col("final_url").is_not_null())
    if ads.height and not leading.height:
        raise DataError(
            "No ad leads to a page, so there is nothing to upload.",
            fix=PAGES_WANTED,
        )
    fits = [
        not misfits(channel, **{kind: texts or () for kind, texts in ad.items()})
        for ad in leading.select(FIELDS).iter_rows(named=True)
    ]
    fit = leading.filter(pl.Series(fits, dtype=pl.Boolean))
    if not fit.height:
        raise DataError(
            f"No ad has as many texts as {channel.name} asks for, so there is nothing to upload.",
            fix="Give the products more facts, or take another --channel.",
        )
    return fit


def exported(
    ads: pl.DataFrame, products: pl.DataFrame, file: ExportFile, *, campaign: str, business_name: str = ""
) -> bytes:
    """The file's content, a row an ad.

    Args:
        ads: Ads of the file's channel, all of them `uploadable`.
        products: The products that the ads are for; their titles name the ad groups.
        file: Which file.
        campaign: The campaign that the ads belong to.
        business_name: The shop's name, where the format shows it.
    """
    titles = dict(products.select("item_id", "title").iter_rows())
    shared = {"campaign": sayable(campaign), "business_name": sayable(business_name)}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(file.columns), restval="", lineterminator="\r\n")
    writer.writeheader()
    if file.first_row:
        writer.writerow(file.first_row)
    for ad in ads.iter_rows(named=True):
        group = _group_name(titles.get(ad["item_id"]) or "", ad)
        names = {"ad_group": group, "asset_group": f"{group} | {ad['ad_id']}"}
        writer.writerow(_row(ad | shared | names, file))
    return text.getvalue().encode(ENCODING)


def _group_name(title: str, ad: Mapping[str, Any]) -> str:
    """One ad group for the ads of a product and segment, called by what people know and by what is unique."""
    known = [ad["item_id"], *([ad["segment_id"]] if ad["segment_id"] else [])]
    return sayable(" | ".join([*([" ".join(title.split())] if 0 < len(title) <= 150 else []), *known]))


def _row(ad: Mapping[str, Any], file: ExportFile) -> dict[str, str]:
    return {header: _cell(ad, field, file) for header, field in file.columns.items()}


def _cell(ad: Mapping[str, Any], field: str, file: ExportFile) -> str:
    if field.startswith("'"):
        return field[1:]
    name, _, place = field.partition(" ")
    if name not in FIELDS:
        return str(ad[name])
    texts: Sequence[str] = ad[name] or ()
    if not place:
        return json.dumps([{"text": text} for text in texts], ensure_ascii=False)
    return texts[int(place) - 1] if int(place) <= len(texts) else ""
