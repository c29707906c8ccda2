"""The first rows of a table on a terminal: what decides first, numbers rounded, texts shortened to fit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from adcli.report import Table

SHORTEST = 8  # characters that a text keeps; an identifier can still be recognised by them
_READABLE = 24  # characters of a definition that is worth showing
_LARGE = 1e15
_GAP = 3  # between columns
_VERDICT_WIDTH = 19  # of "no difference found"
_COMFORTABLE = 20  # characters that the metric keeps before a further column is shown
_DECIDING = ("verdict", "difference", "relative", "value")
_WORDY = ("definition", "reason", "test", "interval")


def preview(
    frame: pl.DataFrame, total: int, how_to_keep: str, kinds: Mapping[str, str] | None = None
) -> None:
    """Show rows of a table on the terminal, and one line saying how to keep the whole.

    `frame`: the rows to show; `total`: rows of the whole table; `how_to_keep`: what to do to have all of it;
    `kinds`: how figures are read, as in `adcli.report.Table`, None shows numbers as they are.
    """
    import polars as pl
    from rich.console import Console
    from rich.table import Table as Grid

    from adcli.errors import printable
    from adcli.report import Table

    screen = Console(markup=False, highlight=False)
    table = Table("", frame.select(_in_order(frame)) if kinds is not None else frame, kinds or {})
    cells = {name: _cells(table, name, rounded=kinds is not None) for name in table.columns}
    numeric = {name for name in cells if frame.schema[name].is_numeric()}
    texts = {name for name in cells if frame.schema[name] == pl.String}
    widths = _widths(cells, texts, screen.width)
    grid = Grid(show_edge=False, pad_edge=False)
    for name, width in widths.items():
        grid.add_column(
            _fitted(name, width),
            justify="right" if name in numeric else "left",
            no_wrap=True,
            min_width=width,
        )
    for row in range(frame.height):
        grid.add_row(*(_fitted(cells[name][row], width) for name, width in widths.items()))
    screen.print(grid)
    left_out = [name for name in cells if name not in widths]
    if left_out:
        screen.print(
            f"and {len(left_out)} more columns: {printable(', '.join(left_out), 200)}", soft_wrap=True
        )
    screen.print(f"{frame.height:,} of {total:,} rows. {how_to_keep}", soft_wrap=True)


def _in_order(frame: pl.DataFrame) -> list[str]:
    """What a row is about, what decides, then counts and the rest, long texts last."""
    import polars as pl

    names = frame.columns
    deciding = [name for name in _DECIDING if name in names]
    wordy = [name for name in _WORDY if name in names]
    about = [name for name in names if frame.schema[name] == pl.String and name not in {*deciding, *wordy}]
    return list(dict.fromkeys([*about, *deciding, *(name for name in names if name not in wordy), *wordy]))


def _cells(table: Table, name: str, *, rounded: bool) -> list[str]:
    from adcli.numbers import plain

    if rounded and table.frame.schema[name].is_numeric():
        shown = (table.cell(name, row) for row in table.frame.to_dicts())
        return [plain(f"{cell.text} {cell.interval}".rstrip()) for cell in shown]
    return [_plain_cell(value) for value in table.frame[name].to_list()]


def _plain_cell(value: object) -> str:
    from adcli.errors import printable

    match value:
        case None:
            return ""
        case float():
            short = f"{value:.6g}"
            return f"{value:.0f}" if "e+" in short and abs(value) < _LARGE else short
        case Decimal():
            return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case list() if len(value) > 4:
            return f"[{len(value)} values]"
        case _:
            return printable(str(value), 200)


def _widths(cells: Mapping[str, Sequence[str]], texts: set[str], width: int) -> dict[str, int]:
    """Of the columns that fit: texts give way, the longest first, the metric and the verdict last."""
    from adcli.report.text import display_width

    natural = {name: max(display_width(text) for text in (name, *shown)) for name, shown in cells.items()}
    least = {
        name: min(wide, _READABLE if name in _WORDY else SHORTEST) if name in texts else wide
        for name, wide in natural.items()
    }
    if "verdict" in least:
        least["verdict"] = min(natural["verdict"], _VERDICT_WIDTH)
    whole = {"metric", "verdict", "difference" if "difference" in cells else "value"}
    needed = least | {name: max(least[name], min(natural[name], _COMFORTABLE)) for name in whole & set(least)}
    fitting: dict[str, int] = {}
    for name, wide in natural.items():
        kept = least if name in whole else needed
        if fitting and sum(kept[one] + _GAP for one in fitting) + least[name] > width:
            break
        fitting[name] = wide
    for give_way in (set(fitting) - whole, whole):
        while sum(fitting.values()) + _GAP * (len(fitting) - 1) > width:
            able = [name for name in fitting if name in give_way and fitting[name] > least[name]]
            if not able:
                break
            fitting[max(able, key=fitting.__getitem__)] -= 1
    return fitting


def _fitted(text: str, width: int) -> str:
    from adcli.report.text import shorten

    return shorten(text, width)
