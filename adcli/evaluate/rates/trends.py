"""Whether a rate rises or falls with the day, or follows the hour, beyond what the users' chance explains."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats, Integers
from adcli.errors import DataError, UsageError
from adcli.evaluate.columns import cluster_numbers
from adcli.evaluate.figures import figures_table
from adcli.evaluate.rates.cells import RateCells, group_cells, hidden_cells
from adcli.evaluate.rates.counts import SummedLog, count_units
from adcli.evaluate.rates.table import LOWER_IS_BETTER, Rate, cell_sums, chosen_rates
from adcli.numbers import plain, show
from adcli.progress import steps
from adcli.statistics.intervals import NO_INTERVAL, Interval, student_quantile
from adcli.statistics.multiplicity import Correction, adjust
from adcli.statistics.verdicts import BETTER, NOT_ENOUGH, WORSE, Verdict, decide

CYCLES = {"hour": 24, "weekday": 7}  # what comes round again
LINES = ("day", "week", "month")
FEWEST_WITH_ONE = 10  # users with anything in the numerator
FEWEST_TIMES = 3
USERS_PER_TIME = 5  # below, the covariance of the times is a guess
UNFIT = 0.01  # p of a straight line below which none is reported
TREND_COLUMNS = {
    **dict.fromkeys(("value", "ci_low", "ci_high", "numerator", "denominator"), pl.Float64),
    "users": pl.Int64,
    **dict.fromkeys(("p_value", "p_adjusted"), pl.Float64),
    **dict.fromkeys(("definition", "verdict", "reason"), pl.String),
}


class Trend(NamedTuple):
    """What becomes of a rate with time."""

    # of a line, the relative change from one step to the next; of a cycle, highest over lowest - 1
    value: float
    interval: Interval  # of a line's change; NaN for a cycle, whose height is never below 0
    p_value: float  # that the rate does not depend on time
    p_fit: float  # that the line, or the cycle, is all there is to the times' differences
    peak: float = math.nan  # where a cycle is highest; NaN for a line


NO_TREND = Trend(math.nan, NO_INTERVAL, math.nan, math.nan)


def trend_table(
    log: pl.DataFrame | SummedLog,
    *,
    over: str,
    by: Sequence[str] = (),
    metrics: Sequence[str] = (),
    min_users: int = 50,
    smallest_effect: float = 0.05,
    confidence: float = 0.95,
    correction: Correction = "holm",
) -> pl.DataFrame:
    """How each rate goes with time, in each cell of `by`: a line over days, weeks or months, else a cycle.

    Args:
        log: The impressions or the events table, with `event_time`.
        over: `day week month` (a relative change a step) or `hour weekday` (one wave a day, a week).
        by: Columns to break down by.
        metrics: Which rates; none means all that the log allows.
        min_users: Cells of fewer users are hidden, and those with which they could be worked out.
        smallest_effect: Relative change, from first to last, worth knowing of.
        confidence: Of the intervals; 1 - confidence is the alpha of the verdicts.
        correction: Of the p-values, over all rates and cells.

    Returns:
        One row per rate and cell: `metric` (such as `ctr_trend`), the `by` columns, those of `TREND_COLUMNS`.

    Raises:
        DataError: As `rate_table`, or if the log's own column of that name holds no times.
        UsageError: If `over` is no part of time.
    """
    if over not in (*LINES, *CYCLES):
        raise UsageError(f"A trend goes over one of {', '.join((*LINES, *CYCLES))}, not over '{over}'.")
    counts = count_units(log, by=[*by, over])
    if unread := counts.frame.filter(_steps(over).is_null(), pl.col(over).is_not_null())[over].to_list():
        raise DataError(
            f"Column '{over}' holds '{str(unread[0])[:40]}', which is no {over}.",
            fix="Rename it, and the time parts are made from event_time.",
        )
    rates = chosen_rates(counts, metrics)
    cells = group_cells(count_units(log, by=by), by)
    hidden = hidden_cells(cells, by, min_users=min_users)
    found = [
        row
        for rate in steps(rates)
        for row in _rate_trends(counts.frame, cells, hidden, rate, over, by, confidence)
    ]
    adjusted = adjust(np.array([one.trend.p_value for one in found]), correction)
    made = sum(not math.isnan(p) for p in adjusted)
    rows = [
        one.row(float(p), _verdict(one, float(p), confidence, made, smallest_effect), confidence)
        for one, p in zip(found, adjusted, strict=True)
    ]
    labels = {name: counts.frame.schema[name] for name in by}
    return figures_table(rows, {"metric": pl.String, **labels, **TREND_COLUMNS})


class _Trend(NamedTuple):
    """The trend of a rate in a cell."""

    rate: Rate
    over: str
    cell: tuple[object, ...]
    trend: Trend
    span: int  # from the first time to the last, in steps
    top: float | None  # of the whole cell, as `rate_table` has it; hidden, with `bottom` and `users`
    bottom: float | None
    users: int | None
    why_not: str
    unit: str  # of the clusters

    def row(self, p_adjusted: float, verdict: Verdict, confidence: float) -> tuple[object, ...]:
        """The row of the table."""
        trend = self.trend
        figures = (trend.value, *trend.interval, self.top, self.bottom, self.users, trend.p_value, p_adjusted)
        formula = f"{self.rate.numerator} / {self.rate.denominator}"
        what = (
            f"highest over lowest - 1 of {formula} in one wave over the {self.over}s"
            if self.over in CYCLES
            else f"relative change of {formula} from one {self.over} to the next; {confidence:.0%} interval"
        )
        said = f"{what}; Poisson regression with errors clustered by {self.unit}"
        return (f"{self.rate.metric}_trend", *self.cell, *figures, said, verdict.verdict, verdict.reason)


def _rate_trends(
    frame: pl.DataFrame,
    cells: RateCells,
    hidden: Sequence[str],
    rate: Rate,
    over: str,
    by: Sequence[str],
    confidence: float,
) -> Iterator[_Trend]:
    per = pl.col("known_user") if rate.denominator == "users" else pl.col(rate.denominator)
    summed = frame.select(
        *by,
        _steps(over).alias("time"),
        "user",
        pl.col(rate.numerator).cast(pl.Float64).alias("top"),
        per.cast(pl.Float64).alias("bottom"),
    ).filter((pl.col("top") != 0) | (pl.col("bottom") != 0), pl.col("time").is_not_null())
    summed = summed.filter(pl.col("bottom").sum().over(*by, "time") > 0)
    parts = summed.partition_by(by, as_dict=True) if by else {(): summed}
    tops, bottoms, *_ = cell_sums(rate, cells)
    for row, top, bottom, why_hidden in steps(zip(cells.sums.to_dicts(), tops, bottoms, hidden, strict=True)):
        cell = tuple(row[name] for name in by)
        part = parts.get(cell, summed.clear())
        if why_hidden:
            yield _Trend(rate, over, cell, NO_TREND, 0, None, None, None, why_hidden, cells.unit)
            continue
        sums = (top, bottom, row["users"])
        if why_not := _impossible(part):
            yield _Trend(rate, over, cell, NO_TREND, 0, *sums, why_not, cells.unit)
            continue
        times = part["time"].to_numpy()
        trend = fit_trend(
            part["top"].to_numpy(),
            part["bottom"].to_numpy(),
            times,
            cluster_numbers(part["user"]),
            CYCLES.get(over, 0),
            confidence,
        )
        yield _Trend(rate, over, cell, trend, int(times.max() - times.min()), *sums, "", cells.unit)


def _steps(over: str) -> pl.Expr:
    """Time as a number of steps."""
    if over in CYCLES:
        return pl.col(over).cast(pl.Float64, strict=False)
    day = pl.col(over).cast(pl.String) + ("-01" if over == "month" else "")
    date = day.str.to_date("%Y-%m-%d", strict=False)
    if over == "month":
        return (date.dt.year() * 12 + date.dt.month()).cast(pl.Float64)
    return date.to_physical().cast(pl.Float64) / (7 if over == "week" else 1)


def _impossible(part: pl.DataFrame) -> str:
    if (points := part["time"].n_unique()) < FEWEST_TIMES:
        return f"only {points} point{'' if points == 1 else 's'} of time"
    if (part["top"] < 0).any():
        return "some amounts are negative"
    return "" if (part["top"] > 0).sum() >= FEWEST_WITH_ONE else "too little happened to see a trend"


def fit_trend(
    top: Floats, bottom: Floats, time: Floats, cluster: Integers, cycle: int, confidence: float
) -> Trend:
    """How the ratio of sums goes with time, over independent clusters.

    `top` (n,) numerators, at least 0; `bottom` (n,) denominators, their sum is above 0 at each time; `time`
    (n,) steps of time; `cluster` (n,) number of the user of each row; `cycle`: steps after which a wave comes
    round, 0 fits a line.

    Source: Poisson pseudo-likelihood (Gourieroux, Monfort and Trognon, 1984) by statsmodels; errors of
        Liang and Zeger (1986); its fit by the score test of one level for each time.
    """
    from scipy.stats import f
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    times, at = np.unique(time, return_inverse=True)
    angle = 2 * np.pi * times / cycle if cycle else np.zeros(0)
    terms = [np.cos(angle), np.sin(angle)] if cycle else [times - times.mean()]
    design = np.column_stack([np.ones_like(times), *terms])
    model = GLM(np.bincount(at, top), design, family=Poisson(), exposure=np.bincount(at, bottom))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)  # a fixed price lies on its line exactly
        fitted = model.fit()
    residual = top - bottom * np.exp(design @ fitted.params)[at]
    score = np.column_stack([np.bincount(cluster, residual * column[at]) for column in design.T])
    bread = np.linalg.inv(design.T @ (design * fitted.fittedvalues[:, None]))
    clusters, slopes = len(score), fitted.params[1:]
    spread = (clusters / (clusters - 1) * bread @ score.T @ score @ bread)[1:, 1:]
    wald = float(slopes @ np.linalg.solve(spread, slopes)) / len(slopes)
    p_value = float(f.sf(wald, len(slopes), clusters - 1))
    p_fit = _fit_p_value(residual, at, cluster, len(slopes))
    if cycle:
        height = math.exp(min(2 * float(np.hypot(*slopes)), 700.0)) - 1
        peak = (math.atan2(slopes[1], slopes[0]) * cycle / (2 * math.pi)) % cycle
        return Trend(height, NO_INTERVAL, p_value, p_fit, peak)
    margin = student_quantile(confidence, clusters - 1) * math.sqrt(float(spread[0, 0]))
    low, value, high = (math.expm1(float(slopes[0]) + way) for way in (-margin, 0.0, margin))
    return Trend(value, Interval(low, high), p_value, p_fit)


def _fit_p_value(residual: Floats, at: Integers, cluster: Integers, slopes: int) -> float:
    """Of the residuals' sums at each time being chance, by Hotelling's F; NaN where users are few."""
    from scipy.sparse import csr_array
    from scipy.stats import f

    times, users = int(at.max()) + 1, int(cluster.max()) + 1
    free = times - 1 - slopes
    if users < USERS_PER_TIME * times or free < 1:
        return math.nan
    by_user = csr_array((residual, (cluster, at)), shape=(users, times))
    total = np.bincount(at, residual, times)
    statistic = float(total @ np.linalg.pinv((by_user.T @ by_user).toarray(), rcond=1e-8) @ total)
    return float(f.sf(statistic * (users - free) / (free * (users - 1)), free, users - free))


def _verdict(one: _Trend, p_adjusted: float, confidence: float, made: int, smallest_effect: float) -> Verdict:
    """Of a line, by the shared rule; a cycle is reported, but is neither better nor worse."""
    trend, metric = one.trend, one.rate.metric
    if one.over in CYCLES:
        return _cycle(one, p_adjusted, confidence, made)
    differs = p_adjusted <= 1 - confidence and trend.p_fit < UNFIT
    uneven = f"The {metric} differs between {one.over}s, but on no steady line (p {trend.p_fit:.2g})."
    verdict = decide(
        trend.value,
        trend.interval,
        confidence=confidence,
        p_value=p_adjusted,
        comparisons=made,
        smallest_effect=math.expm1(math.log1p(smallest_effect) / max(one.span, 1)),
        lower_is_better=metric in LOWER_IS_BETTER,
        kind="relative",
        caution=one.why_not or (uneven if differs else ""),
    )
    if one.why_not or differs:
        return verdict
    seen = verdict.reason.replace("the difference is", f"the change a {one.over} is", 1)
    return verdict._replace(reason=f"The {metric} {_moves(verdict, one)}: {seen}.")


def _moves(verdict: Verdict, one: _Trend) -> str:
    """What a rate does from one part of time to the next, as far as that is known."""
    if verdict.verdict not in (BETTER, WORSE):
        return "may be steady" if verdict.verdict == NOT_ENOUGH else "is steady"
    value = one.trend.value
    whole = (1 + value) ** one.span - 1
    step, far = (plain(show(abs(change), "rate")) for change in (value, whole))
    return f"{'rises' if value > 0 else 'falls'} by {step} a {one.over}, {far} from first to last"


def _cycle(one: _Trend, p_adjusted: float, confidence: float, made: int) -> Verdict:
    if one.why_not:
        return Verdict(NOT_ENOUGH, one.why_not)
    metric = one.rate.metric
    tested = f"p {p_adjusted:.2g}" + (f" over {made} trends" if made > 1 else "")
    if p_adjusted > 1 - confidence:
        return Verdict(NOT_ENOUGH, f"The {metric} does not visibly follow the {one.over} ({tested}).")
    highest = f"highest near {one.over} {one.trend.peak:.0f}, by {one.trend.value:.0%} above its lowest"
    return Verdict("", f"The {metric} follows the {one.over}: {highest} ({tested}).")
