"""Plots of how things are spread: a histogram, and a map of points in two dimensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adcli.numbers import show, show_tick
from adcli.report.canvas import MARKERS, Panel, Plot, legend_label, scale, series_colours
from adcli.report.text import clean_text
from adcli.report.theme import SERIES, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 2_000
_MOST_BINS = 50
_OTHER = "other"


def histogram_plot(
    name: str,
    title: str,
    values: ArrayLike,
    *,
    axis: str,
    kind: str = "number",
    is_log: bool = False,
    marks: Mapping[str, float] | None = None,
) -> Plot:
    """How often values occur, such as importance weights.

    Args:
        name: What its files are called.
        title: What it shows.
        values: (n,) finite numbers.
        axis: What the values are.
        kind: How they are read (`numbers.py`).
        is_log: Whether the axis has powers of ten; zeros are then counted in the alternative text only.
        marks: Lines to draw: where, by what they stand for.
    """
    numbers = np.asarray(values, dtype=np.float64)
    drawn = numbers[numbers > 0] if is_log else numbers
    lines = dict(marks or {})

    def draw(axes: Axes, colours: Colours) -> None:
        axes.hist(
            drawn,
            bins=_edges(drawn, is_log=is_log),
            color=colours["series1"],
            alpha=0.75,
            edgecolor=colours["paper"],
            linewidth=0.6,
        )
        for (label, at), dash in zip(lines.items(), ((0, (5, 2)), (0, (1.5, 1.5)), "-"), strict=False):
            axes.axvline(
                at, color=colours["ink"], linewidth=1.4, linestyle=dash, label=_mark_label(label, at, kind)
            )
        scale(axes.yaxis, "count")
        if is_log:
            _log_scale(axes, kind)
        else:
            scale(axes.xaxis, kind, most=8)
        axes.set_xlabel(clean_text(axis))
        axes.set_ylabel("Rows")

    alt_text = _histogram_words(title, numbers, len(numbers) - len(drawn), kind)
    legend = [_mark_label(label, at, kind) for label, at in lines.items()]
    return Plot(name, title, alt_text, Panel(height=3.2), draw, legend)


def map_plot(
    name: str,
    title: str,
    x: ArrayLike,
    y: ArrayLike,
    categories: Sequence[object],
) -> Plot:
    """A map of points whose nearness has a meaning, such as embedded products, coloured by category.

    Of more than six categories the five largest have a colour and a mark of their own; the rest share one.
    Of more than 2,000 points, 2,000 evenly spread rows are drawn.

    Args:
        name: What its files are called.
        title: What it shows.
        x: (n,) first coordinate.
        y: (n,) second coordinate.
        categories: (n,) the category of each point.
    """
    places = np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])
    names = [clean_text(category) for category in categories]
    sizes = Counter(names)
    by_size = sorted(sizes, key=lambda category: (-sizes[category], category))
    largest = by_size if len(by_size) <= len(SERIES) else by_size[: len(SERIES) - 1]
    group = np.array(
        [largest.index(category) if category in largest else len(largest) for category in names], int
    )
    chosen = np.unique(np.linspace(0, len(names) - 1, min(len(names), MOST_POINTS)).astype(int))
    labels = [*largest, *([_OTHER] if len(sizes) > len(largest) else [])]

    def draw(axes: Axes, colours: Colours) -> None:
        _draw_groups(axes, colours, places[chosen], group[chosen], labels, rest=len(largest))

    shown = "" if len(chosen) == len(names) else f" {len(chosen):,} of them are drawn."
    listed = ", ".join(f"{category} ({sizes[category]:,})" for category in largest)
    counted = f"{len(names):,} points in {len(sizes)} categories"
    alt_text = f"{clean_text(title)}: {counted}, the largest: {listed}.{shown}"
    panel = Panel(height=5.2, left=0.1, right=0.1, bottom=0.1)
    return Plot(name, title, alt_text, panel, draw, [legend_label(label) for label in labels])


def _draw_groups(
    axes: Axes,
    colours: Colours,
    places: NDArray[np.float64],
    group: NDArray[np.int64],
    labels: Sequence[str],
    *,
    rest: int,
) -> None:
    """The points (n, 2) of each group with its colour and mark, those of group `rest` small and behind."""
    palette = [*series_colours(colours)[:rest], colours["muted"]]
    for index, label in enumerate(labels):
        axes.plot(
            *places[group == index].T,
            "." if index == rest else MARKERS[index],
            color=palette[index],
            alpha=0.75,
            markersize=4.5,
            markeredgewidth=0,
            linestyle="none",
            label=legend_label(label),
            zorder=1 if index == rest else 2,
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.axis("off")


def _edges(numbers: NDArray[np.float64], *, is_log: bool) -> list[float]:
    """The edges of the bins, more of them where there are more rows."""
    bins = min(_MOST_BINS, max(5, int(2 * np.cbrt(len(numbers)))))
    edges = np.histogram_bin_edges(np.log10(numbers) if is_log else numbers, bins=bins)
    return [float(edge) for edge in (10**edges if is_log else edges)]


def _histogram_words(title: str, numbers: NDArray[np.float64], left_out: int, kind: str) -> str:
    """What a histogram says, in sentences."""
    if not len(numbers):
        return f"{clean_text(title)}: no rows."
    least, median, high, most = (show(float(q), kind) for q in np.quantile(numbers, (0, 0.5, 0.99, 1)))
    words = (
        f"{clean_text(title)}: {len(numbers):,} rows; least {least}, median {median}, "
        f"99th percentile {high}, greatest {most}."
    )
    return f"{words} {left_out:,} rows of zero are left out." if left_out else words


def _mark_label(label: str, at: float, kind: str) -> str:
    return f"{legend_label(label)}: {show(at, kind)}"


def _log_scale(axes: Axes, kind: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show_tick(value, value, kind)))
