"""Plots of values with their intervals, one row each: the forest plot, and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.numbers import NONE, show, show_interval
from adcli.report.canvas import CELL, WIDTH, Panel, Plot, scale
from adcli.report.table import bounds_of
from adcli.report.text import clean_text, display_width, shorten
from adcli.report.theme import Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 40
_ROW = 0.27  # inches
_LABEL_CELLS = 32


def interval_plot(
    name: str,
    title: str,
    rows: pl.DataFrame,
    figure: str = "value",
    *,
    label: str | pl.Expr,
    axis: str,
    kind: str = "number",
    reference: float | None = None,
    reference_label: str = "",
) -> Plot:
    """A forest plot: one row a value with its interval, written out at the right; empty where there is none.

    A filled mark's interval leaves out the reference, a hollow one's holds it. At most 40 rows are drawn, the
    first ones that have an interval.

    `figure`: the column of the values, those of its interval are called as `bounds_of` says; `kind`: how the
    numbers are read (`numbers.py`); `reference`: where a line is drawn, such as no effect.
    """
    drawn = _Rows(rows.drop_nulls(bounds_of(figure)[0]), figure, label, kind)

    def draw(axes: Axes, colours: Colours) -> None:
        if reference is not None:
            axes.axvline(reference, color=colours["muted"], linewidth=1.2, linestyle=(0, (4, 2)))
        drawn.draw_intervals(axes, colours, reference)
        drawn.frame(axes, colours, _with_reference(axis, reference_label))

    alt_text = drawn.alt_text(title, reference, reference_label)
    return Plot(name, title, alt_text, drawn.panel, draw, is_empty=not drawn.total)


def bar_plot(
    name: str, title: str, rows: pl.DataFrame, *, label: str | pl.Expr, axis: str, kind: str = "number"
) -> Plot:
    """Bars from zero, one row each, with its interval if it has one. Arguments as in `interval_plot`."""
    bars = _Rows(rows, "value", label, kind)

    def draw(axes: Axes, colours: Colours) -> None:
        drawn = bars.drawn
        whiskers = [bars.values[drawn] - bars.low[drawn], bars.high[drawn] - bars.values[drawn]]
        axes.barh(drawn, bars.values[drawn], height=0.62, color=colours["series1"], alpha=0.45)
        axes.errorbar(
            bars.values[drawn],
            drawn,
            xerr=np.maximum(whiskers, 0.0),
            fmt="none",
            ecolor=colours["ink"],
            elinewidth=1.4,
            capsize=3,
        )
        axes.axvline(0.0, color=colours["muted"], linewidth=1.0)
        bars.frame(axes, colours, clean_text(axis))

    return Plot(name, title, bars.alt_text(title, None, ""), bars.panel, draw, is_empty=not bars.total)


class _Rows:
    """Rows of values with intervals: their labels at the left, their numbers at the right."""

    def __init__(self, rows: pl.DataFrame, figure: str, label: str | pl.Expr, kind: str) -> None:
        self.total = rows.height
        shown = rows.head(MOST_ROWS)
        self.labels = [shorten(text, _LABEL_CELLS) for text in shown.select(label).to_series()]
        self.values, self.low, self.high = (
            shown[name].cast(pl.Float64).to_numpy() for name in (figure, *bounds_of(figure))
        )
        self.kind = kind
        self.numbers = [
            show_interval(*row, kind) for row in zip(self.values, self.low, self.high, strict=True)
        ]

    @property
    def drawn(self) -> NDArray[np.intp]:
        """The rows that have a value and an interval."""
        return np.flatnonzero(np.isfinite(self.values) & np.isfinite(self.low) & np.isfinite(self.high))

    @property
    def panel(self) -> Panel:
        left, right = (
            0.2 + CELL * max(map(display_width, texts), default=0) for texts in (self.labels, self.numbers)
        )
        return Panel(height=0.75 + _ROW * max(len(self.labels), 1), left=left, right=right, top=0.05)

    def frame(self, axes: Axes, colours: Colours, axis: str) -> None:
        """Labels, numbers, limits and what the axis is; the first row on top."""
        count = len(self.labels)
        axes.set_ylim(count - 0.4, -0.6)
        axes.set_yticks(range(count), self.labels)
        axes.tick_params(axis="y", length=0, pad=6)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        at, room = axes.get_yaxis_transform(), WIDTH - self.panel.left - self.panel.right
        for row, text in enumerate(self.numbers):
            colour = colours["muted" if text == NONE else "ink"]
            axes.text(1.0 + 0.12 / room, row, text, transform=at, va="center", color=colour)
        scale(axes.xaxis, self.kind, most=max(2, int(room / 0.75)))
        axes.set_xlabel(axis)

    def draw_intervals(self, axes: Axes, colours: Colours, reference: float | None) -> None:
        """Each row's interval and its mark, hollow where the interval holds the reference."""
        colour = colours["series1"]
        for row in self.drawn:
            low, high = self.low[row], self.high[row]
            is_hollow = reference is not None and low <= reference <= high
            axes.plot([low, high], [row, row], color=colour, linewidth=1.8, solid_capstyle="butt")
            axes.plot(
                self.values[row],
                row,
                "s",
                markersize=6.5,
                color=colour,
                markeredgewidth=1.5,
                markerfacecolor=colours["paper"] if is_hollow else colour,
            )

    def alt_text(self, title: str, reference: float | None, reference_label: str) -> str:
        """What the plot says, in sentences."""
        sentences = [f"{clean_text(title)}: {self.total} rows with intervals."]
        if self.total > MOST_ROWS:
            sentences[0] = f"{clean_text(title)}: the first {MOST_ROWS} of {self.total} rows with intervals."
        drawn = self.drawn
        if drawn.size:
            best, least = drawn[np.argmax(self.values[drawn])], drawn[np.argmin(self.values[drawn])]
            sentences.append(f"Highest: {self.labels[best]}, {self.numbers[best]}.")
            sentences.append(f"Lowest: {self.labels[least]}, {self.numbers[least]}.")
        if reference is not None:
            above = int(np.sum(self.low[drawn] > reference))
            below = int(np.sum(self.high[drawn] < reference))
            line = f"{clean_text(reference_label) or 'the reference'} at {show(reference, self.kind)}"
            sentences.append(f"{above} lie wholly above and {below} wholly below {line}.")
        return " ".join(sentences)


def _with_reference(axis: str, reference_label: str) -> str:
    label = clean_text(reference_label)
    return f"{clean_text(axis)} (dashed: {label})" if label else clean_text(axis)
