"""One look for every HTML page and plot."""

from adcli.report.canvas import Plot
from adcli.report.curves import Curve, cumulative_plot, reliability_plot, trend_plot
from adcli.report.intervals import bar_plot, interval_plot
from adcli.report.page import Page, Passage, definitions
from adcli.report.spread import histogram_plot, map_plot
from adcli.report.table import Table

__all__ = [
    "Curve",
    "Page",
    "Passage",
    "Plot",
    "Table",
    "bar_plot",
    "cumulative_plot",
    "definitions",
    "histogram_plot",
    "interval_plot",
    "map_plot",
    "reliability_plot",
    "trend_plot",
]
