"""A table of figures for people, from the polars frame that machines read.

Columns `x_low` and `x_high` (of `value`: `ci_low`, `ci_high`) join the column they belong to. How a number is
read follows from its column's name, or, where the frame has a column `metric`, from the metric of its row.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from adcli.numbers import NONE, difference_kind, in_currency, show, show_interval
from adcli.report.glossary import POINTS, TERMS
from adcli.report.text import clean_text
from adcli.statistics.verdicts import BETTER, HEALTHY, INVALID, NO_DIFFERENCE, NOT_ENOUGH, WORSE

VERDICT_MARKS: Mapping[str, str] = {
    BETTER: "up",
    WORSE: "down",
    NO_DIFFERENCE: "equal",
    HEALTHY: "equal",
    NOT_ENOUGH: "open",
    INVALID.strip(" :"): "cross",
}
METRIC_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("ctr", "cvr", "win_rate", "spend_share"), "rate"),
    **dict.fromkeys(("cpc", "cpa", "cpm", "rpm", "ecpm", "ecpc", "revenue", "cost"), "money"),
    **dict.fromkeys(("revenue_per_user", "average_order_value"), "money"),
}
COLUMN_KINDS: Mapping[str, str] = {
    **METRIC_KINDS,
    **dict.fromkeys(
        ("numerator", "denominator", "users", "n", "impressions", "clicks", "conversions"), "count"
    ),
    **dict.fromkeys(
        ("n_variant", "n_control", "matched_clicks", "units", "rows", "positives", "queries"), "count"
    ),
    **dict.fromkeys(("p_value", "p_adjusted"), "p_value"),
    "probability_best": "probability",
    "share": "rate",
    "relative": "relative",
}
_SHORT, _LONG = 24, 40  # characters up to which a text stays on one line; beyond which it gets a wide column
_DIFFERENCES = {"difference", "shrunken"}
_OF_THE_METRIC = {"value", "rest", "mean_variant", "mean_control", "mean", "std_error"}
_NAMED_BY = {"metric", "estimator"}  # columns whose texts are words of the field
_ACRONYMS = {term.lower(): term for term in TERMS} | {
    name: name.upper() for name in ("auuc", "bert", "bleu", "id", "mape", "roi", "url")
}
_HEADINGS = {
    "n": "Rows",
    "n_variant": "Units, variant",
    "n_control": "Units, control",
    "mean_variant": "Variant's mean",
    "mean_control": "Control's mean",
    "relative": "Relative difference",
    "p_value": "p",
    "p_adjusted": "p, adjusted",
    "heterogeneity_p": "p, heterogeneity",
    "std_error": "Standard error",
    "probability_best": "Probability of being best",
    "baseline_value": "The log's value",
    "max_weight": "Greatest weight",
    "psi": "PSI",
}


def kinds_in(currency: str) -> dict[str, str]:
    """How metrics are read, those that are money in a currency if that is known."""
    return {name: in_currency(kind, currency) for name, kind in METRIC_KINDS.items()}


class Cell(NamedTuple):
    """One cell: text, role (`header number text long verdict`), a number's interval, a verdict's mark."""

    text: str
    role: str
    interval: str = ""
    mark: str = ""

    @property
    def is_short(self) -> bool:
        """Whether the text stays on one line."""
        return len(self.text) <= _SHORT


@dataclass(frozen=True)
class Table:
    """A titled table of figures."""

    title: str  # what the figures are
    frame: pl.DataFrame  # the rows, in order
    # how numbers are read, by column or metric name, where the names say too little (`numbers.py`)
    kinds: Mapping[str, str] = field(default_factory=dict)
    note: str = ""  # a sentence below the table: estimator, definition, rows
    limit: int = 200  # rows shown; the rest is counted, not shown

    @property
    def headings(self) -> list[Cell]:
        """The heading of each column shown."""
        return [Cell(heading(name), self._role(name)) for name in self.columns]

    @cached_property
    def rows(self) -> list[list[Cell]]:
        """The cells of each row shown; the first text column heads its row."""
        return [
            [self.cell(name, row) for name in self.columns] for row in self.frame.head(self.limit).to_dicts()
        ]

    @property
    def notes(self) -> list[str]:
        """The sentences below the table."""
        sentences = [clean_text(self.note)] if self.note else []
        if self.frame.height > self.limit:
            sentences.append(f"{self.frame.height - self.limit:,} further rows are not shown here.")
        return sentences

    @property
    def terms(self) -> list[str]:
        """The texts that may hold terms of the field: headings, names of metrics and estimators, units."""
        named = [self.columns.index(name) for name in self.columns if name in _NAMED_BY]
        has_points = any(POINTS in cell.text for row in self.rows for cell in row if cell.role == "number")
        return [
            *(cell.text for cell in self.headings),
            *(row[at].text for row in self.rows for at in named),
            *([POINTS] if has_points else []),
        ]

    @property
    def columns(self) -> list[str]:
        """The columns shown: neither the bounds of others nor texts that are blank throughout."""
        bounds = {bound for name in self.frame.columns for bound in self._bounds(name)}
        return [name for name in self.frame.columns if name not in bounds and not self._is_blank(name)]

    def _is_blank(self, name: str) -> bool:
        """Whether a text column says nothing in any row."""
        values = self.frame[name]
        return values.dtype == pl.String and values.len() > 0 and bool(values.fill_null("").eq("").all())

    def _bounds(self, name: str) -> tuple[str, ...]:
        """The columns of the interval of a column, where the frame has both."""
        bounds = bounds_of(name)
        return bounds if set(bounds) <= set(self.frame.columns) else ()

    def _role(self, name: str) -> str:
        if name == "verdict":
            return "verdict"
        if self.frame.schema[name].is_numeric():
            return "number"
        headers = [column for column in self.frame.columns if self.frame.schema[column] == pl.String]
        return "header" if headers[:1] == [name] else "text"

    def cell(self, name: str, row: Mapping[str, Any]) -> Cell:
        """One column of a row, with the interval that belongs to it."""
        role, value = self._role(name), row[name]
        if role == "number":
            number, _, interval = show_figure(row, name, self._kind(name, row)).partition(" ")
            return Cell(number, role, interval=interval)
        text = heading(value) if name in _NAMED_BY and value is not None else _text(value)
        if role == "text" and len(text) > _LONG:
            role = "long"
        return Cell(text, role, mark=verdict_mark(text) if role == "verdict" and value else "")

    def _kind(self, name: str, row: Mapping[str, Any]) -> str:
        """How a number is read: as its column says, else as the metric of its row says."""
        if name in self.kinds:
            return self.kinds[name]
        metric = str(row.get("metric", ""))
        of_metric = self.kinds.get(metric, METRIC_KINDS.get(metric, "number"))
        if name in _OF_THE_METRIC:
            return of_metric
        if name in _DIFFERENCES:
            return difference_kind(of_metric)
        return COLUMN_KINDS.get(name, "number")


def verdict_mark(verdict: str) -> str:
    """The shape that stands for a verdict; `open` for a word that is not on the list."""
    return VERDICT_MARKS.get(clean_text(verdict).partition(":")[0].strip(), "open")


def bounds_of(figure: str) -> tuple[str, str]:
    """The columns of a figure's interval: `difference_low` and `difference_high`; of `value`, `ci_…`."""
    stem = "ci" if figure == "value" else figure
    return f"{stem}_low", f"{stem}_high"


def show_figure(row: Mapping[str, Any], figure: str = "value", kind: str = "number") -> str:
    """A figure of a row, with its interval where the row has one."""
    low, high = bounds_of(figure)
    return show_interval(row[figure], row.get(low), row.get(high), kind)


def heading(name: str) -> str:
    """A column's name as a heading: `policy_value` becomes `Policy value`, `ctr` becomes `CTR`."""
    cleaned = clean_text(name)
    if cleaned in _HEADINGS:
        return _HEADINGS[cleaned]
    title = re.sub(r"\w+", lambda word: _ACRONYMS.get(word[0], word[0]), cleaned.replace("_", " "))
    return title if title.startswith("eCP") else title[:1].upper() + title[1:]


def _text(value: object) -> str:
    """A value that is no number, for people: lists joined, times to the minute, truths as yes and no."""
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case list():
            return ", ".join(_text(part) for part in value)
        case float() | Decimal():
            return show(value)
        case _:
            return clean_text(value)
