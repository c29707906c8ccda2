"""The reliability diagram: whether predicted rates come true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from adcli.report.canvas import Panel, Plot, scale
from adcli.report.table import bounds_of
from adcli.report.text import clean_text
from adcli.report.theme import Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def reliability_plot(
    name: str,
    title: str,
    bins: pl.DataFrame,
    observed: str = "value",
    counts: str = "rows",
    *,
    x_axis: str = "Predicted rate",
) -> Plot:
    """A reliability diagram: observed against predicted rates by bin; on the diagonal they agree.

    Args:
        name: What its files are called.
        title: What it shows.
        bins: One row a bin, with its mean prediction in `predicted`.
        observed: The column of the observed share; those of its interval are called as `bounds_of` says.
        counts: The column of the rows in each bin; the area of its mark grows with them.
        x_axis: What was predicted.
    """
    columns = ("predicted", observed, *bounds_of(observed), counts)
    said, seen, least, most, rows = (bins[column].cast(pl.Float64).to_numpy() for column in columns)

    def draw(axes: Axes, colours: Colours) -> None:
        colour = colours["series1"]
        limit = 1.05 * float(max(np.max(said, initial=0.0), np.max(most, initial=0.0))) or 1.0
        axes.plot([0, limit], [0, limit], color=colours["muted"], linestyle=(0, (4, 2)), linewidth=1.2)
        whiskers = np.maximum([seen - least, most - seen], 0.0)
        axes.errorbar(said, seen, yerr=whiskers, fmt="none", ecolor=colour, elinewidth=1.5, capsize=2.5)
        axes.plot(said, seen, color=colour, linewidth=1.0, alpha=0.6)
        sizes = 18 + 90 * rows / max(rows.max(initial=0.0), 1.0)
        axes.scatter(said, seen, s=sizes, color=colour, edgecolors=colours["paper"], zorder=3)
        axes.set(xlim=(0, limit), ylim=(0, limit))
        scale(axes.xaxis, "rate")
        scale(axes.yaxis, "rate")
        axes.set_xlabel(f"{clean_text(x_axis)} (dashed: as predicted; larger mark: more rows)")
        axes.set_ylabel("Observed rate")

    held = int(np.sum((least <= said) & (said <= most)))
    alt_text = (
        f"{clean_text(title)}: {len(said)} bins of {int(rows.sum()):,} rows; in {held} of them the "
        "interval of the observed rate holds the predicted one."
    )
    return Plot(name, title, alt_text, Panel(height=4.6, left=0.85), draw, is_empty=not len(said))
