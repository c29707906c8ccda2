"""The colours of every page and plot, light and dark.

Text and series reach a contrast of 4.5 against the paper; the series stay apart under protanopia,
deuteranopia and tritanopia, and plots repeat the difference by marker and dash, so that no meaning depends on
colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Colours = Mapping[str, str]

LIGHT: Colours = MappingProxyType(
    {
        "paper": "#ffffff",
        "panel": "#f4f6f8",
        "ink": "#16191d",
        "muted": "#4d5761",
        "grid": "#d5dadf",
        "better": "#0b61c4",
        "worse": "#a33a00",
        "invalid": "#8f1230",
        "series1": "#0b61c4",
        "series2": "#a5670c",
        "series3": "#0e8461",
        "series4": "#7f6299",
        "series5": "#7a0f1c",
        "series6": "#3b0a6b",
    }
)
DARK: Colours = MappingProxyType(
    {
        "paper": "#14171a",
        "panel": "#1e2328",
        "ink": "#eceff1",
        "muted": "#aab4bd",
        "grid": "#3a424a",
        "better": "#79c7ff",
        "worse": "#f0985c",
        "invalid": "#ff8fa3",
        "series1": "#79c7ff",
        "series2": "#c2ad3c",
        "series3": "#2fa878",
        "series4": "#d68fcb",
        "series5": "#e6f58a",
        "series6": "#9a70ff",
    }
)
SERIES = tuple(name for name in LIGHT if name.startswith("series"))

# What is drawn with a sentinel can be found in the SVG and becomes the CSS variable of that name.
SENTINELS: Colours = MappingProxyType({name: f"#0000{i:02x}" for i, name in enumerate(LIGHT, start=1)})


def css_variables(colours: Colours) -> str:
    """The CSS declarations of the colours: `--paper:#ffffff;--panel:…`."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
