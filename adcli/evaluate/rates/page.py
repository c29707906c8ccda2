"""The page of `evaluate rates`: what was earned, per cell, with its intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from adcli.numbers import difference_kind, show
from adcli.report import Curve, Page, Passage, Plot, Table, bar_plot, interval_plot, trend_plot
from adcli.report.table import METRIC_KINDS, heading, kinds_in, show_figure
from adcli.statistics.verdicts import BETTER, WORSE, Verdict

HIDDEN = "hidden:"  # how the reason of a hidden cell begins
FIRST = ("ctr", "cvr", "cpc", "cpa", "roas", "revenue_per_user", "average_order_value", "rpm", "cpm")
MOST_SAID = 5
MOST_ROWS = 60
_UNITS = {"days": 86_400, "h": 3_600, "min": 60}
METHOD = (
    Passage(
        "Rates",
        "Each rate is the sum of what came divided by the sum of what it came from (R = ΣC / ΣP), "
        "never a mean of rates.",
    ),
    Passage(
        "Intervals",
        "Counts get Wilson's interval (Wilson, 1927); where users are known, on the effective number "
        "of trials after the design effect of clicks that come in users (Kish, 1965). Ratios of sums get "
        "the jackknife over users (Efron and Tibshirani, 1993), each left out in turn, so that a user with "
        "a large share counts with all of it, and lean as their errors do (Hall, 1992); what a click or a "
        "conversion costs gets the interval of its reciprocal.",
    ),
    Passage(
        "Small cells",
        "Cells of few users are not shown, and neither are those with which the totals would give them "
        "away. That protects this report alone: several reports on the same rows, by other columns or "
        "with another --min-users, can be subtracted from each other.",
    ),
)
TREND_METHOD = Passage(
    "Trends",
    "A Poisson regression of what came on time, given what it came from, with errors clustered by user "
    "(Liang and Zeger, 1986): a line over days, weeks and months, one wave over the hours of the day or "
    "the days of the week. Where days differ more than a line explains, none is reported.",
)


def rates_page(
    rates: pl.DataFrame,
    *,
    by: Sequence[str],
    confidence: float = 0.95,
    trends: pl.DataFrame | None = None,
    over: str = "",
    currency: str = "",
) -> Page:
    """The page for a table made by `rate_table`, and one by `trend_table` over the part of time `over`."""
    kinds, intervals = kinds_in(currency), f"{show(confidence, 'rate')} intervals"
    shown = rates.filter(pl.col("value").is_not_null())
    cells = [name for name in by if name != over]
    return Page(
        title="Rates" + (f" by {', '.join(by)}" if by else ""),
        summary="\n".join(
            filter(
                None,
                ["" if over else _summary(shown, by, kinds, intervals), *_cycle_sentences(trends, cells)],
            )
        ),
        verdicts=_trend_verdicts(trends, cells),
        tables=[_rate_rows(rates, kinds, intervals)],
        plots=[
            plot
            for metric in shown["metric"].unique(maintain_order=True)
            for plot in (
                [_trend_plot(rates, metric, by, over, kinds)] if over else _bar_plot(shown, metric, by, kinds)
            )
        ],
        method=[
            *METHOD,
            *([] if trends is None else [TREND_METHOD]),
            Passage("Definitions", _definitions(rates)),
        ],
    )


def _rate_rows(rates: pl.DataFrame, kinds: Mapping[str, str], intervals: str) -> Table:
    """The rows that can be read; hidden cells are counted."""
    hidden = pl.col("reason").str.starts_with(HIDDEN)
    rows, count = rates.filter(~hidden).drop("definition"), rates.filter(hidden).height
    note = f"{count:,} rows of cells that are too small, or from which such could be worked out, are hidden."
    title = f"Rates with their {intervals}"
    return Table(title, rows, kinds, note=note if count else "", limit=MOST_ROWS)


def _trend_verdicts(trends: pl.DataFrame | None, by: Sequence[str]) -> list[Verdict]:
    if trends is None:
        return []
    judged = trends.filter(pl.col("verdict") != "", ~pl.col("reason").str.starts_with(HIDDEN))
    return [Verdict(row["verdict"], sentence=_of_cell(row, by)) for row in judged.to_dicts()]


def _cycle_sentences(trends: pl.DataFrame | None, by: Sequence[str]) -> list[str]:
    """What is said of cycles: that a rate follows the hour is neither better nor worse."""
    if trends is None:
        return []
    return [_of_cell(row, by) for row in trends.filter(pl.col("verdict") == "").to_dicts()]


def _of_cell(row: dict[str, object], by: Sequence[str]) -> str:
    cell = ", ".join(f"{name} {row[name]}" for name in by)
    return f"{cell}: {_worded(row)}" if cell else _worded(row)


def _worded(row: dict[str, object]) -> str:
    """The reason, with the name of its metric in words."""
    metric = str(row["metric"]).removesuffix("_trend")
    words = heading(metric)
    return str(row["reason"]).replace(metric, words if words.isupper() else words.lower())


def _trend_plot(
    rates: pl.DataFrame, metric: str, by: Sequence[str], over: str, kinds: Mapping[str, str]
) -> Plot:
    """The rate over time, a line for each cell of the other columns; it breaks where a rate is hidden."""
    rows = rates.filter(pl.col("metric") == metric, pl.col(over).is_not_null()).sort(over)
    others = [name for name in by if name != over]
    parts = rows.partition_by(others, as_dict=True, maintain_order=True) if others else {(): rows}
    curves = [
        Curve(
            " · ".join(str(value) for value in cell) or heading(metric),
            [_time(value) for value in part[over]],
            part["value"].to_list(),
            part["ci_low"].to_list(),
            part["ci_high"].to_list(),
        )
        for cell, part in parts.items()
    ]
    return trend_plot(
        f"{metric}_by_{over}",
        f"{heading(metric)} by {over}",
        curves,
        x_axis=heading(over),
        y_axis=heading(metric),
        kind=kinds.get(metric, "number"),
    )


def _time(value: object) -> object:
    """A day, week or month as a time; an hour or weekday as it is."""
    if not isinstance(value, str):
        return value
    return datetime.fromisoformat(value if len(value) > len("2024-05") else f"{value}-01")


def comparison_page(gaps: pl.DataFrame, *, by: Sequence[str], currency: str = "") -> Page:
    """The page for a table made by `fairness_table`: a sentence on each gap that stands."""
    kinds = kinds_in(currency)
    is_widest = pl.col("group").str.ends_with("largest gap")
    judged = gaps.filter(pl.col("verdict").fill_null("") != "")
    standing = judged.filter(pl.col("verdict").is_in([BETTER, WORSE]))
    seen = pl.col("value").is_not_null()
    hidden, compared = gaps.filter(~seen).height, judged.filter(pl.col("difference").is_not_null()).height
    return Page(
        title=f"Rates by {', '.join(by)}, compared",
        summary=f"{standing.height:,} of {compared:,} gaps stand."
        + ("" if standing.height else " None is larger than chance alone may make it."),
        verdicts=[Verdict(row["verdict"], sentence=_worded(row)) for row in standing.to_dicts()],
        tables=[
            Table(
                "Groups and gaps",
                gaps.filter(seen, ~is_widest).drop("definition", "reason", "p_value"),
                kinds,
                note=f"{hidden:,} rows of groups that are too small are not shown." if hidden else "",
            )
        ],
        details=[
            Table(
                "Largest gaps",
                gaps.filter(seen, is_widest).select("metric", "group", difference="value"),
                kinds,
            )
        ],
        plots=[
            _gap_plot(str(metric), kinds, part)
            for (metric,), part in gaps.group_by("metric", maintain_order=True)
        ],
        method=[*METHOD, Passage("Definitions", _definitions(gaps))],
    )


def funnel_page(steps: pl.DataFrame, *, by: Sequence[str]) -> Page:
    """The page for a table made by `funnel_table`."""
    shown = steps.filter(pl.col("value").is_not_null())
    hidden = steps.height - shown.height
    return Page(
        title="Funnel" + (f" by {', '.join(by)}" if by else ""),
        summary=_funnel_summary(shown, by),
        tables=[
            Table(
                "From step to step",
                shown.drop("definition", "reason", "median_seconds").with_columns(
                    median_time=shown["median_seconds"].map_elements(_duration, pl.String)
                ),
                kinds=dict.fromkeys(["value", "unlinked"], "rate"),
                note=(f"{hidden:,} rows of cells that are too small are not shown. " if hidden else "")
                + "Unlinked: the share of the later events that no earlier one led to.",
            )
        ],
        plots=[_step_plot(steps, by)],
        method=[
            Passage(
                "Links",
                "An event is led to by the latest event of the step before, of the same user and item, that "
                "is no older than the window; an impression that brings three clicks led on once.",
            ),
            *METHOD[1:],
            Passage("Definitions", _definitions(steps)),
        ],
    )


def _duration(seconds: float) -> str:
    """A span of time in the largest unit of which there are two."""
    unit, length = next(
        ((unit, length) for unit, length in _UNITS.items() if seconds >= 2 * length), ("s", 1)
    )
    return f"{seconds / length:.3g} {unit}"


def _funnel_summary(shown: pl.DataFrame, by: Sequence[str]) -> str:
    """How many come from one end to the other, and where most are lost; by cells, from which to which."""
    if not shown.height:
        return "No cell is large enough to be shown."
    metrics = shown["metric"].unique(maintain_order=True).to_list()
    whole = [_range(shown.filter(pl.col("metric") == metrics[-1]), metrics[-1], by)]
    if by or len(metrics) < 2:
        return whole[0]
    lost = shown[:-1].sort("value").row(0, named=True)
    return f"{whole[0]} Most are lost from {heading(lost['metric']).lower()}: {1 - lost['value']:.1%}."


def _gap_plot(metric: str, kinds: Mapping[str, str], rows: pl.DataFrame) -> Plot:
    """Each group's rate less that of all others."""
    return interval_plot(
        f"{metric}_gaps",
        f"{heading(metric)}: each group against all others",
        rows,
        "difference",
        label="group",
        axis=f"Difference of {heading(metric)}",
        kind=difference_kind(kinds.get(metric, "number")),
        reference=0.0,
        reference_label="no gap",
    )


def _step_plot(steps: pl.DataFrame, by: Sequence[str]) -> Plot:
    step = pl.col("metric").map_elements(heading, pl.String)
    return bar_plot(
        "funnel",
        "From step to step",
        steps.drop_nulls("ci_low"),
        label=_cell_label([step, *map(pl.col, by)]),
        axis="Share that led on",
        kind="rate",
    )


def _cell_label(parts: Sequence[pl.Expr]) -> pl.Expr:
    return pl.concat_str(*(part.cast(pl.String).fill_null("none") for part in parts), separator=" · ")


def _definitions(rates: pl.DataFrame) -> str:
    pairs = rates.select("metric", "definition").unique(maintain_order=True)
    return "; ".join(f"{heading(metric)}: {definition}" for metric, definition in pairs.iter_rows()) + "."


def _summary(shown: pl.DataFrame, by: Sequence[str], kinds: Mapping[str, str], intervals: str) -> str:
    """A sentence a metric and line, the most important first; the others are in the table."""
    if not shown.height:
        return "No cell is large enough to be shown."
    there = shown["metric"].unique(maintain_order=True).to_list()
    metrics = [*(name for name in FIRST if name in there), *(name for name in there if name not in FIRST)]
    first, *lines = (
        _range(shown.filter(pl.col("metric") == metric), metric, by, kinds) for metric in metrics[:MOST_SAID]
    )
    rest = ", ".join(heading(metric) for metric in metrics[MOST_SAID:])
    table = [f"In the table: {rest}."] if rest else []
    return "\n".join([f"{first.removesuffix('.')} ({intervals}).", *lines, *table])


def _range(
    shown: pl.DataFrame, metric: str, by: Sequence[str], kinds: Mapping[str, str] = METRIC_KINDS
) -> str:
    """From which cell's figure to which: that they differ by more than chance is for a comparison to say."""
    kind = "rate" if "_to_" in metric else kinds.get(metric, "number")
    ordered = shown.sort("value")
    ends = [
        f"{show_figure(row, kind=kind)}"
        + (f" ({', '.join(f'{name} {row[name]}' for name in by)})" if by else "")
        for row in (ordered.row(0, named=True), ordered.row(-1, named=True))
    ]
    return (
        f"{heading(metric)} {ends[0]}."
        if ordered.height < 2
        else f"{heading(metric)} from {ends[0]} to {ends[1]}."
    )


def _bar_plot(shown: pl.DataFrame, metric: str, by: Sequence[str], kinds: Mapping[str, str]) -> list[Plot]:
    """The rate of each cell, where there are several."""
    rows = shown.filter(pl.col("metric") == metric)
    if not by or rows.height < 2:
        return []
    return [
        bar_plot(
            metric,
            f"{heading(metric)} by {', '.join(by)}",
            rows,
            label=_cell_label([pl.col(name) for name in by]),
            axis=heading(metric),
            kind=kinds.get(metric, "number"),
        )
    ]
