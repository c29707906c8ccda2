"""One self-contained HTML page: the verdict first, then figures, plots, and an appendix on method and data.

    page = Page("Click rates by placement", verdicts=[Verdict("better", "…")], tables=[Table("Rates", frame)])
    page.html()

The page holds no script and asks the network for nothing: a content security policy forbids both. Everything
that came from data is escaped. The same page gives the same bytes. What it does not do: write files, read the
clock.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from adcli.numbers import show
from adcli.report.canvas import Plot
from adcli.report.glossary import Glossary
from adcli.report.table import Table, heading, verdict_mark
from adcli.report.text import clean_text, spaced
from adcli.report.theme import DARK, LIGHT, css_variables
from adcli.statistics.verdicts import Verdict, what_it_takes

if TYPE_CHECKING:
    import polars as pl
    from jinja2 import Template
    from markupsafe import Markup


class Passage(NamedTuple):
    """A paragraph of the method: what a figure is, by which estimator, after which source."""

    heading: str
    text: str


def definitions(figures: pl.DataFrame) -> list[Passage]:
    """What each `metric` of a table is, from its `definition`."""
    named = figures.select("metric", "definition").unique("metric", maintain_order=True)
    return [Passage(heading(str(metric)), f"{definition}.") for metric, definition in named.iter_rows()]


class Line(NamedTuple):
    """What the answer says of one subject: a part for each verdict there is on it."""

    subject: str
    parts: list[Verdict]


def _joined(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts on one subject, those of one word as one, without the subject in each sentence."""
    parts = []
    for word in dict.fromkeys(one.verdict for one in verdicts):
        alike = [one for one in verdicts if one.verdict == word]
        said = "; ".join(one.sentence.removeprefix(one.subject).strip(" .") for one in alike)
        reasons = dict.fromkeys(what_it_takes(word, one.reason).strip(" .") for one in alike)
        why = " ".join(f"{reason[:1].upper()}{reason[1:]}." for reason in reasons if reason)
        parts.append(Verdict(word, why, f"{said}." if said else ""))
    return parts


class InputFile(Protocol):
    """What the page says of a file that was read."""

    @property
    def path(self) -> object:
        """Where it was read from."""

    @property
    def rows(self) -> int | None:
        """Rows read."""

    @property
    def bytes(self) -> int | None:
        """Size as stored."""

    @property
    def sha256(self) -> str:
        """Its digest, in hexadecimal digits."""


@dataclass(frozen=True)
class Page:
    """What one report says; tables without rows and plots of nothing are left out."""

    title: str  # what was asked, in the reader's words
    command_line: str = ""  # the command that made the page
    summary: str = ""  # a sentence or two below the title, or one a line
    verdicts: Sequence[Verdict] = ()  # what came out, the most important first
    tables: Sequence[Table] = ()  # the figures
    details: Sequence[Table] = ()  # further figures, which the appendix shows
    plots: Sequence[Plot] = ()  # the plots, each drawn once; their names differ
    method: Sequence[Passage] = ()  # how the figures were made
    inputs: Sequence[InputFile] = ()  # the files read
    data_notes: Sequence[str] = ()  # sentences about the data: what was recognised, rejected, suppressed
    versions: Mapping[str, str] = field(default_factory=dict)  # version by name of software
    seed: int | None = None  # the seed of everything random

    def __post_init__(self) -> None:
        for name in ("tables", "details"):
            object.__setattr__(self, name, [one for one in getattr(self, name) if one.frame.height])
        object.__setattr__(self, "plots", [plot for plot in self.plots if not plot.is_empty])

    @property
    def kinds(self) -> Mapping[str, str]:
        """How the page's figures are read; where tables differ, as in the first."""
        return dict(ChainMap(*(dict(table.kinds) for table in (*self.tables, *self.details))))

    @property
    def answer(self) -> Sequence[Verdict]:
        """What the page says first: its summary, then its verdicts."""
        return [*(Verdict("", sentence=line) for line in self.summary.splitlines()), *self.verdicts]

    @property
    def lines(self) -> list[Line]:
        """The verdicts, a line for each thing that they are about, in order of what is said first."""
        about: dict[object, list[Verdict]] = {}
        for number, verdict in enumerate(self.verdicts):
            about.setdefault(verdict.subject or number, []).append(verdict)
        return [Line(verdicts[0].subject, _joined(verdicts)) for verdicts in about.values()]

    def glossary(self) -> Glossary:
        """The terms of the page, none of them used yet."""
        return Glossary(
            [
                *(text for table in (*self.tables, *self.details) for text in table.terms),
                *(text for passage in self.method for text in passage),
            ]
        )

    def html(self) -> str:
        """The page as one HTML document."""
        return _template().render(
            page=self, glossary=self.glossary(), light=css_variables(LIGHT), dark=css_variables(DARK)
        )


@cache
def _template() -> Template:
    """The page's template: whatever it prints is cleaned, then escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("adcli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = lambda number: show(number, "count")
    environment.filters["prose"] = _prose
    environment.filters["spaced"] = spaced
    environment.filters["shape"] = verdict_mark
    return environment.get_template("report.html")


def _prose(text: str) -> Markup:
    """Text, escaped, in which what stands between backticks is set as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(clean_text(text)))))  # noqa: S704


def _cleaned(value: object) -> object:
    """Data as clean text; the template's own markup and inlined plots as they are."""
    return value if hasattr(value, "__html__") else clean_text(value)
