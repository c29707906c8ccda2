"""A table of figures for people, from the polars frame that machines read.

Columns `x_low` and `x_high` (of `value`: `ci_low`, `ci_high`) join the column they belong to. How a number is
read follows from its column's name, or, where the frame has a column `metric`, from the metric of its row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from adcli.numbers import NONE, difference_kind, show, show_interval
from adcli.report.text import clean_text
from adcli.report.verdict import verdict_mark

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
    **dict.fromkeys(("probability_best", "share"), "rate"),
    "relative": "relative",
}
_LONG = 40  # characters beyond which a text gets a wide column
_OF_THE_METRIC = {"value", "rest", "mean_variant", "mean_control", "mean", "std_error"}
_ACRONYMS = {
    "ctr",
    "cvr",
    "cpc",
    "cpa",
    "cpm",
    "rpm",
    "roas",
    "ecpm",
    "ecpc",
    "auc",
    "auuc",
    "bert",
    "bleu",
    "ece",
    "id",
    "ks",
    "mrr",
    "psi",
    "rouge",
    "ips",
    "snips",
    "dr",
    "dm",
}


class Cell(NamedTuple):
    """One cell: text, role (`header number text long verdict`), a number's interval, a verdict's mark."""

    text: str
    role: str
    interval: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A titled table of figures.

    Args:
        title: What the figures are.
        frame: The rows, in order.
        kinds: How numbers are read, by column or metric name, where the names say too little (`numbers.py`).
        note: A sentence below the table: estimator, definition, rows.
        limit: Rows shown; the rest is counted, not shown.
    """

    title: str
    frame: pl.DataFrame
    kinds: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    limit: int = 200

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
        if any("\u00a0pp" in cell.text for row in self.rows for cell in row if cell.role == "number"):
            sentences.append("pp: percentage points.")
        if self.frame.height > self.limit:
            sentences.append(f"{self.frame.height - self.limit:,} further rows are not shown here.")
        return sentences

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
        stem = "ci" if name == "value" else name
        bounds = (f"{stem}_low", f"{stem}_high")
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
            bounds = [row[bound] for bound in self._bounds(name)] or [None, None]
            number, _, interval = show_interval(value, bounds[0], bounds[1], self._kind(name, row)).partition(
                " "
            )
            return Cell(number, role, interval=interval)
        text = heading(value) if name == "metric" and value is not None else _text(value)
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
        if name == "difference":
            return difference_kind(of_metric)
        return COLUMN_KINDS.get(name, "number")


def heading(name: str) -> str:
    """A column's name as a heading: `policy_value` becomes `Policy value`, `ctr` becomes `CTR`."""
    words = [
        word.upper() if word in _ACRONYMS else word for word in clean_text(name).replace("_", " ").split()
    ]
    title = " ".join(words)
    return title[:1].upper() + title[1:]


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
