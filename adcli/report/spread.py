"""Plots of how things are spread: a histogram, and a map of points in two dimensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from adcli.arrays import Floats, Integers
from adcli.numbers import show
from adcli.report.canvas import MARKERS, Panel, Plot, legend_label, scale, series_colours
from adcli.report.text import clean_text
from adcli.report.theme import SERIES, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 2_000
_MOST_BINS = 50
_OTHER = "other"


def histogram_plot(name: str, title: str, values: ArrayLike, *, axis: str) -> Plot:
    """How often values occur. `values` (n,) finite numbers."""
    numbers = np.asarray(values, dtype=np.float64)

    def draw(axes: Axes, colours: Colours) -> None:
        bins = min(_MOST_BINS, max(5, int(2 * np.cbrt(len(numbers)))))  # more where there are more rows
        axes.hist(
            numbers,
            bins=bins,
            color=colours["series1"],
            alpha=0.75,
            edgecolor=colours["paper"],
            linewidth=0.6,
        )
        scale(axes.yaxis, "count")
        scale(axes.xaxis, "number", most=8)
        axes.set_xlabel(clean_text(axis))
        axes.set_ylabel("Rows")

    return Plot(name, title, _histogram_words(title, numbers), Panel(height=3.2), draw)


def map_plot(name: str, title: str, x: ArrayLike, y: ArrayLike, categories: Sequence[object]) -> Plot:
    """A map of points whose nearness has a meaning, such as embedded products, coloured by category.

    Of more than six categories the five largest have a colour and a mark of their own; the rest share one.
    Of more than 2,000 points, 2,000 evenly spread rows are drawn.

    `x` (n,) first coordinate; `y` (n,) second coordinate; `categories` (n,) the category of each point.
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
    axes: Axes, colours: Colours, places: Floats, group: Integers, labels: Sequence[str], *, rest: int
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


def _histogram_words(title: str, numbers: Floats) -> str:
    """What a histogram says, in sentences."""
    if not len(numbers):
        return f"{clean_text(title)}: no rows."
    least, median, high, most = (show(float(q)) for q in np.quantile(numbers, (0, 0.5, 0.99, 1)))
    return (
        f"{clean_text(title)}: {len(numbers):,} rows; least {least}, median {median}, "
        f"99th percentile {high}, greatest {most}."
    )
