"""Plots of curves: rates over time with bands, and cumulative curves against a reference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.numbers import show
from adcli.report.canvas import DASHES, MARKERS, Panel, Plot, legend_label, scale, series_colours
from adcli.report.table import bounds_of
from adcli.report.text import clean_text
from adcli.report.theme import Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CURVES = 6
_FEW_POINTS = 48  # up to here each point gets its mark


class Curve(NamedTuple):
    """One line of a plot."""

    label: str  # whose line it is
    x: Sequence[Any]  # (n,) numbers or times, rising
    y: Sequence[float | None]  # (n,) values; None or NaN breaks the line
    low: Sequence[float | None] | None = None  # (n,) lower edge of its band
    high: Sequence[float | None] | None = None  # (n,) upper edge


def trend_plot(
    name: str, title: str, curves: Sequence[Curve], *, x_axis: str, y_axis: str, kind: str = "number"
) -> Plot:
    """Values over time, by hour or day, each with its band. At most six curves are drawn, the first ones.

    `curves`: the lines, their x are whole numbers (hours of a day) or times; `kind`: how y is read
    (`numbers.py`).
    """
    shown = curves[:MOST_CURVES]

    def draw(axes: Axes, colours: Colours) -> None:
        _draw_curves(axes, shown, colours)
        if _is_hours(shown):
            axes.set_xticks(range(0, 24, 3))
        elif not _is_time(shown):
            scale(axes.xaxis, "count", most=12)
        _frame(axes, x_axis, y_axis, kind)

    return Plot(name, title, _alt_text(title, curves, kind), Panel(), draw, _legend(shown))


def cumulative_plot(
    name: str,
    title: str,
    curves: Sequence[Curve],
    *,
    x_axis: str,
    y_axis: str,
    reference: Curve | None = None,
    x_kind: str = "rate",
    kind: str = "number",
) -> Plot:
    """Cumulative curves (Qini, spend) with bands, against a dashed reference such as random targeting.

    Arguments as in `trend_plot`; `x_kind` says how x is read. At most five curves are drawn.
    """
    shown = curves[: MOST_CURVES - 1]

    def draw(axes: Axes, colours: Colours) -> None:
        _draw_curves(axes, shown, colours)
        if reference is not None:
            axes.plot(
                _floats(reference.x),
                _floats(reference.y),
                color=colours["muted"],
                linewidth=1.4,
                linestyle=(0, (2, 2)),
                label=legend_label(reference.label),
            )
        axes.axhline(0.0, color=colours["muted"], linewidth=0.8)
        axes.margins(x=0.01)
        scale(axes.xaxis, x_kind, most=8)
        _frame(axes, x_axis, y_axis, kind)

    drawn = [*shown, reference] if reference is not None else shown
    alt_text = _alt_text(title, curves, kind)
    if reference is not None:
        last = _floats(reference.y)[-1]
        alt_text += f" The reference, {clean_text(reference.label)}, ends at {show(last, kind)}."
    return Plot(name, title, alt_text, Panel(height=4.0), draw, _legend(drawn))


def _draw_curves(axes: Axes, curves: Sequence[Curve], colours: Colours) -> None:
    is_time = _is_time(curves)
    for curve, colour, marker, dash in zip(curves, series_colours(colours), MARKERS, DASHES, strict=False):
        x = list(curve.x) if is_time else _floats(curve.x)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(
                x, _floats(curve.low), _floats(curve.high), color=colour, alpha=0.18, linewidth=0
            )
        few = len(curve.x) <= _FEW_POINTS
        axes.plot(
            x,
            _floats(curve.y),
            color=colour,
            linewidth=1.9,
            linestyle=dash,
            label=legend_label(curve.label),
            marker=marker if few else None,
            markersize=4.5,
            markeredgewidth=0,
        )


def _frame(axes: Axes, x_axis: str, y_axis: str, kind: str) -> None:
    scale(axes.yaxis, kind)
    axes.set_xlabel(clean_text(x_axis))
    axes.set_ylabel(clean_text(y_axis))


def _legend(curves: Sequence[Curve]) -> list[str]:
    """The labels of several curves; a single one needs none."""
    return [legend_label(curve.label) for curve in curves] if len(curves) > 1 else []


def _is_time(curves: Sequence[Curve]) -> bool:
    return any(isinstance(x, dt.date) for curve in curves for x in curve.x[:1])


def _is_hours(curves: Sequence[Curve]) -> bool:
    """Whether x are the hours of a day."""
    return not _is_time(curves) and {x for curve in curves for x in curve.x} <= set(range(24))


def _floats(numbers: Sequence[Any]) -> Floats:
    return np.array([np.nan if number is None else float(number) for number in numbers])


def _alt_text(title: str, curves: Sequence[Curve], kind: str) -> str:
    """What the curves say, in sentences."""
    sentences = [f"{clean_text(title)}: {len(curves)} {'curve' if len(curves) == 1 else 'curves'}."]
    if len(curves) > MOST_CURVES:
        sentences.append(f"Only the first {MOST_CURVES} are drawn.")
    for curve in curves[:MOST_CURVES]:
        y = _floats(curve.y)
        if np.isnan(y).all():
            continue
        top, bottom, first, last = np.nanmax(y), np.nanmin(y), y[~np.isnan(y)][0], y[~np.isnan(y)][-1]
        shown = [show(float(number), kind) for number in (first, last, bottom, top)]
        sentences.append(
            f"{clean_text(curve.label)}: from {shown[0]} to {shown[1]}, between {shown[2]} and {shown[3]}."
        )
    return " ".join(sentences)


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

    `bins`: one row a bin, with its mean prediction in `predicted`; `observed`: the column of the observed
    share, those of its interval are called as `bounds_of` says; `counts`: the column of the rows in each bin,
    the area of its mark grows with them.
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
