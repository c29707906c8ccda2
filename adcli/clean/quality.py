"""The quality of a table: what was read and what is written, column by column, and how its inputs differ.

Counts are of all rows. What needs the values themselves (distributions, drift) is of a sample, evenly spread
over the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import polars as pl

from adcli.numbers import show
from adcli.report import Page, Passage, Plot, Table, histogram_plot
from adcli.tables.schema import type_name
from adcli.tables.unify import concatenated

_SAMPLE: Final = 20_000  # rows of what is written
_SAMPLE_OF_INPUT: Final = 5_000  # and of each input
_FEW: Final = 50  # distinct values, up to which the commonest are shown
_COMMONEST: Final = 3
_PLOTS: Final = 6
_KINDS: Final = {
    **dict.fromkeys(("read", "unreadable", "raw", "rows", "distinct"), "count"),
    **dict.fromkeys(("raw_missing", "clean_missing"), "rate"),
}
_FEWEST: Final = 2  # distinct values, beyond which a number is drawn
_CUTS: Final = {"smallest": 0.0, "at_5_percent": 0.05, "median": 0.5, "at_95_percent": 0.95, "largest": 1.0}
METHOD: Final = (
    Passage(
        "Raw against clean",
        "Raw is what could be read; clean is what is written, without what was rejected after.",
    ),
    Passage(
        "Distributions",
        f"Quantiles, distinct and commonest values are of a sample of {_SAMPLE:,} rows, evenly spread.",
    ),
    Passage(
        "Drift between inputs",
        "Population stability index of each column of one input against all inputs before it, by a sample of "
        f"{_SAMPLE_OF_INPUT:,} rows of each; below .1 it is negligible.",
    ),
)


class Sample:
    """Rows that pass by: how many, how many have no value in each column, and some of them, evenly spread."""

    def __init__(self, most: int) -> None:
        self.rows = 0
        self._most = most
        self.nulls: dict[str, int] = {}
        self._every = 1
        self._parts: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Take note of some more rows."""
        for name in {*self.nulls, *frame.columns}:
            missing = frame[name].null_count() if name in frame.columns else frame.height
            self.nulls[name] = self.nulls.get(name, self.rows) + missing
        first = -self.rows % self._every
        self._parts.append(frame[first :: self._every])
        self.rows += frame.height
        while sum(part.height for part in self._parts) > 2 * self._most:
            self._parts = [concatenated(self._parts)[::2]]
            self._every *= 2

    @property
    def frame(self) -> pl.DataFrame:
        """The rows of the sample."""
        return concatenated(self._parts) if self._parts else pl.DataFrame()


class Quality:
    """Watches a table while it is cleaned."""

    def __init__(self) -> None:
        self.inputs: dict[str, Sample] = {}
        self.rejected: dict[str, int] = {}
        self.written = Sample(_SAMPLE)

    def read(self, frame: pl.DataFrame, file: str, rejected: int) -> None:
        """Watch rows of an input that could be read, and how many beside them could not."""
        self.inputs.setdefault(file, Sample(_SAMPLE_OF_INPUT)).add(frame)
        self.rejected[file] = self.rejected.get(file, 0) + rejected

    def passing(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Watch the rows that are written."""
        for frame in frames:
            self.written.add(frame)
            yield frame


class BrokenRule(NamedTuple):
    """A rule that rows broke, what became of them, and what some of them hold."""

    rule: str
    reason: str
    rows: int
    action: str
    examples: str


def quality_page(
    quality: Quality, *, table: str, drift: pl.DataFrame, rules: Sequence[BrokenRule], rejected: pl.DataFrame
) -> Page:
    """The page for a table that was cleaned.

    `quality`: what was seen of its rows; `drift`: rows of input, column, psi, verdict, reason; `rules`: the
    rules that rows broke; `rejected`: rows of reason, rows.
    """
    raw = sum(sample.rows + quality.rejected[name] for name, sample in quality.inputs.items())
    written = quality.written
    share = show(written.rows / raw, "rate") if raw else "none"
    moved = drift.filter(pl.col("verdict") == "worse") if drift.height else drift
    names = ", ".join(f"{column} ({file})" for file, column in moved.select("input", "column").iter_rows())
    summary = [f"{raw:,} rows read, {written.rows:,} of them written as {table} ({share})."]
    if drift.height:
        summary.append(f"Drift between inputs: {names}." if names else "No column drifts between the inputs.")
    hit = pl.DataFrame(list(rules), BrokenRule._fields, orient="row")
    tables = [
        Table("Inputs", _inputs(quality), kinds=_KINDS),
        Table("Columns, raw against clean", _columns(quality), kinds=_KINDS),
        Table("Numbers and times", _spread(written.frame)),
        Table("Rules that rows broke", hit, kinds=_KINDS),
        Table("Rejected rows", rejected, kinds=_KINDS),
        Table("Drift between inputs", drift, kinds=_KINDS),
    ]
    return Page(
        title=f"Quality of the {table}",
        summary="\n".join(summary),
        tables=[one for one in tables if one.frame.height],
        plots=_plots(written.frame),
        method=METHOD,
    )


def _inputs(quality: Quality) -> pl.DataFrame:
    lost = quality.rejected
    rows = [(name, one.rows + lost[name], lost[name], one.rows) for name, one in quality.inputs.items()]
    return pl.DataFrame(rows, ["input", "read", "unreadable", "raw"], orient="row")


def _columns(quality: Quality) -> pl.DataFrame:
    """Of each column its type, the share of rows without a value, distinct and commonest values."""
    return pl.DataFrame(
        [_column(quality, values) for values in quality.written.frame], infer_schema_length=None
    )


def _column(quality: Quality, column: pl.Series) -> dict[str, str | float | None]:
    raw, name, values = list(quality.inputs.values()), column.name, column.drop_nulls()
    rows = sum(one.rows for one in raw if name in one.nulls)
    distinct = None if column.dtype.is_nested() else values.n_unique()
    return {
        "column": name,
        "type": type_name(column.dtype),
        "raw_missing": sum(one.nulls.get(name, 0) for one in raw) / rows if rows else None,
        "clean_missing": quality.written.nulls[name] / max(quality.written.rows, 1),
        "distinct": distinct,
        "commonest": _commonest(values) if distinct and distinct <= _FEW else "",
    }


def _commonest(values: pl.Series) -> str:
    counts = values.cast(pl.String).rename("value").value_counts(sort=True).head(_COMMONEST)
    return ", ".join(f"{value} {show(count / len(values), 'rate')}" for value, count in counts.iter_rows())


def _spread(sample: pl.DataFrame) -> pl.DataFrame:
    """Smallest, middle and largest values of numbers and times."""
    rows = []
    for name, kind in sample.schema.items():
        values = sample[name].drop_nulls().sort()
        if len(values) and (kind.is_numeric() or kind in (pl.Date, pl.Datetime)):
            rows.append({"column": name, **{label: _cell(values, share) for label, share in _CUTS.items()}})
    return pl.DataFrame(rows)


def _cell(values: pl.Series, share: float) -> str:
    value = values[round(share * (len(values) - 1))]
    return show(float(value)) if values.dtype.is_numeric() else f"{value:%Y-%m-%d}"


def _plots(sample: pl.DataFrame) -> list[Plot]:
    """The distributions of the first numbers that have more than a few values."""
    numbers = [sample[name].cast(pl.Float64) for name, kind in sample.schema.items() if kind.is_numeric()]
    finite = [values.filter(values.is_finite().fill_null(value=False)) for values in numbers]
    wanted = [values for values in finite if values.n_unique() > _FEWEST][:_PLOTS]
    return [
        histogram_plot(f"column-{number}", f"Distribution of {one.name}", one.to_numpy(), axis=one.name)
        for number, one in enumerate(wanted, 1)
    ]
