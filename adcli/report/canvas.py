"""How a plot is drawn: one size and type, a title band, colours that follow the page, fixed bytes.

A plot is drawn with sentinel colours as SVG, in which each sentinel becomes a CSS variable; drawn with the
light colours it becomes a PNG. Text stays text, so that it can be read aloud, searched, and set in the
reader's own font.
"""

from __future__ import annotations

import io
import logging
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from adcli.numbers import show_tick
from adcli.report.text import clean_text, display_width, shorten
from adcli.report.theme import DARK, LIGHT, SENTINELS, SERIES, Colours, css_variables

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 7.5  # inches: 720 px on a page
_POINTS = 72.0  # to an inch
_TITLE_BAND = 0.42  # inches above the plot, left out where the page has a heading of its own
_LEGEND_ROW = 0.24
_FONT_SIZE = 9.5
CELL = 0.078  # inches that a half-width character takes at that size, at most
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Helvetica Neue',Arial,sans-serif"
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), (0, (8, 3)))


@dataclass(frozen=True)
class Panel:
    """The plot's size and the margins around its axes, in inches."""

    height: float = 3.6
    left: float = 0.75
    right: float = 0.2
    top: float = 0.12
    bottom: float = 0.58


@dataclass(frozen=True)
class Plot:
    """A plot that can be had as SVG for a page, as an SVG file and as a PNG file."""

    name: str  # what its files are called, without extension
    title: str  # what it shows
    alt_text: str  # what it says, for who cannot see it
    panel: Panel = field(repr=False)  # its size
    draw: Callable[[Axes, Colours], None] = field(repr=False)  # draws it on axes in given colours
    # the labels listed above the axes, where there are several series
    legend: Sequence[str] = field(default=(), repr=False)
    is_empty: bool = False  # whether there is nothing to draw, so that a page leaves it out

    @cached_property
    def svg(self) -> Markup:
        """The plot as inline SVG, without its title, in the colours of the page around it."""
        from markupsafe import Markup

        root = self._themed()
        _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
        band = _TITLE_BAND * _POINTS
        root.set("viewBox", f"0 {band:g} {width:g} {height - band:g}")
        return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by the serialiser

    def svg_file(self) -> bytes:
        """The plot as an SVG file that follows the viewer's light or dark scheme."""
        root = self._themed()
        style = ET.Element(f"{{{_SVG}}}style")
        style.text = (
            f"svg{{{css_variables(LIGHT)}background:var(--paper)}}"
            f"@media (prefers-color-scheme:dark){{svg{{{css_variables(DARK)}}}}}"
        )
        root.insert(2, style)
        return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))

    def png(self) -> bytes:
        """The plot as a PNG file, light, 1,440 pixels wide."""
        return self._render(LIGHT, "png", dpi=192, metadata={"Software": None})

    def _themed(self) -> ET.Element:
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawn = self._render(SENTINELS, "svg", metadata=metadata)
        root = ET.fromstring(drawn)  # noqa: S314 - the renderer's own output
        return _describe(_restyle(root, prefix=_identifier(self.name)), self)

    def _render(self, colours: Colours, extension: str, **options: object) -> bytes:
        with _settings(colours):
            figure = self._figure(colours)
            stream = io.BytesIO()
            figure.savefig(stream, format=extension, transparent=extension == "svg", **options)
        return stream.getvalue()

    def _figure(self, colours: Colours) -> Figure:
        from matplotlib.figure import Figure

        panel, rows = self.panel, _legend_rows(self.legend)
        above = _TITLE_BAND + panel.top + rows * _LEGEND_ROW
        height = panel.height + rows * _LEGEND_ROW + _TITLE_BAND
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes(
            (
                panel.left / WIDTH,
                panel.bottom / height,
                (WIDTH - panel.left - panel.right) / WIDTH,
                (height - panel.bottom - above) / height,
            )
        )
        title = shorten(self.title, int(WIDTH / CELL / 1.35))
        figure.text(0.1 / WIDTH, 1 - 0.27 / height, title, fontsize=12, fontweight="bold")
        self.draw(axes, colours)
        if rows:
            anchor = (0.1 / WIDTH, 1 - (_TITLE_BAND + 0.02) / height)
            figure.legend(
                *axes.get_legend_handles_labels(),
                loc="upper left",
                bbox_to_anchor=anchor,
                ncols=math.ceil(len(self.legend) / rows),
                borderpad=0,
                borderaxespad=0,
                handlelength=2.6,
            )
        return figure


def scale(axis: Axis, kind: str, *, most: int = 6) -> None:
    """Round ticks on an axis, shown as numbers of a kind."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def shown(value: float, _: int | None) -> str:
        ticks = axis.get_majorticklocs()
        step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else abs(value)
        return show_tick(value, step, kind)

    whole = kind == "count"
    axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(shown))


def series_colours(colours: Colours) -> list[str]:
    """The colours of series, in order."""
    return [colours[name] for name in SERIES]


def legend_label(label: object) -> str:
    """A series' name as the legend shows it."""
    return shorten(label, 34)


def _legend_rows(labels: Sequence[str]) -> int:
    """The rows that the legend takes."""
    if not labels:
        return 0
    widest = max(display_width(label) for label in labels)
    return math.ceil(len(labels) / max(1, int((WIDTH - 0.2) / (widest * CELL + 0.65))))


@contextmanager
def _settings(colours: Colours) -> Iterator[None]:
    """The defaults of matplotlib and ours, whatever the user's matplotlibrc says."""
    import matplotlib as mpl
    from cycler import cycler

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # fonts that a machine lacks are no news
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "svg.hashsalt": "adcli",
                "svg.fonttype": "none",
                "text.parse_math": False,
                "axes.unicode_minus": True,
                "font.family": ["DejaVu Sans", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Microsoft YaHei"],
                "font.size": _FONT_SIZE,
                "axes.edgecolor": colours["muted"],
                "axes.labelcolor": colours["ink"],
                "axes.linewidth": 0.8,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.prop_cycle": cycler(color=series_colours(colours)),
                "axes.grid": True,
                "axes.axisbelow": True,
                "grid.color": colours["grid"],
                "grid.linewidth": 0.7,
                "xtick.color": colours["muted"],
                "xtick.labelcolor": colours["ink"],
                "ytick.color": colours["muted"],
                "ytick.labelcolor": colours["ink"],
                "text.color": colours["ink"],
                "figure.facecolor": colours["paper"],
                "axes.facecolor": "none",
                "legend.frameon": False,
            }
        )
        yield


def _restyle(root: ET.Element, prefix: str) -> ET.Element:
    """The SVG with CSS variables for sentinels, ids of its own, the reader's fonts, no metadata."""
    ET.register_namespace("", _SVG)
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r"""(?:href="#|url\(#)([^")]+)""", text))
    variables = {value: f"var(--{name})" for name, value in SENTINELS.items()}
    root.attrib.pop("width"), root.attrib.pop("height")
    for child in list(root):
        if child.tag.endswith(("metadata", "style")) or _is_style_only(child):
            root.remove(child)
    for element in root.iter():
        _rename(element, used, prefix)
        if "style" in element.attrib:
            style = re.sub(r"#0000[0-9a-f]{2}", lambda found: variables[found[0]], element.attrib["style"])
            element.set("style", _FONT.sub(_font, style))
    return root


_FONT = re.compile(r"font: (?:(\d+|bold) )?([\d.]+)px [^;]+")


def _font(found: re.Match[str]) -> str:
    weight = f"; font-weight: {found[1]}" if found[1] else ""
    return f"font-size: {found[2]}px{weight}"


def _is_style_only(element: ET.Element) -> bool:
    """Whether it is the renderer's global style sheet, which would leak into the page."""
    return element.tag.endswith("defs") and all(child.tag.endswith("style") for child in element)


def _rename(element: ET.Element, used: set[str], prefix: str) -> None:
    """Ids that something refers to get a prefix, so that plots can share a page; the others go."""
    name = element.attrib.pop("id", None)
    if name in used:
        element.set("id", f"{prefix}-{name}")
    if _XLINK in element.attrib:
        element.set("href", element.attrib.pop(_XLINK).replace("#", f"#{prefix}-", 1))
    if "clip-path" in element.attrib:
        element.set("clip-path", element.attrib["clip-path"].replace("#", f"#{prefix}-", 1))


def _describe(root: ET.Element, plot: Plot) -> ET.Element:
    """The SVG with a title and a description that assistive software reads out."""
    prefix = _identifier(plot.name)
    for position, (tag, text) in enumerate((("title", plot.title), ("desc", plot.alt_text))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{prefix}-{tag}"})
        element.text = clean_text(text)
        root.insert(position, element)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    root.set("style", f"font-family:{_FONTS};stroke-linejoin:round;stroke-linecap:butt")
    return root


def _identifier(name: str) -> str:
    """`name` as an id: letters, digits and hyphens."""
    return "plot-" + re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
