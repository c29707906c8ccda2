"""What an experiment measures, and the text that names it: `visit`, `clicks/impressions`, `spend@0.9`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adcli.errors import UsageError, did_you_mean
from adcli.evaluate.columns import check_columns, known_columns
from adcli.statistics.metrics import Metric

PERCENTILE = re.compile(r"p(?P<level>\d+(\.\d+)?)\((?P<column>.+)\)")


def parse_metric(text: str, columns: Sequence[str]) -> Metric:
    """The metric that a text names.

    `COLUMN` is the mean, `NUMERATOR/DENOMINATOR` a ratio of sums, `COLUMN@0.9` or `p90(COLUMN)` a quantile;
    `~ A + B` behind any of these but a quantile adjusts for columns from before the experiment; `NAME=` in
    front renames it.

    >>> parse_metric("ctr=clicks/impressions ~ clicks_before", ["clicks", "impressions", "clicks_before"])[:4]
    ('ctr', 'ratio', 'clicks', 'impressions')

    Raises:
        DataError: If a column is not in `columns`.
        UsageError: If a quantile is not in (0, 1), or is adjusted.
    """
    if text in columns:
        return Metric(text, "average", text)
    head, _, adjusted_for = text.partition("~")
    covariates = tuple(part.strip() for part in adjusted_for.split("+") if part.strip())
    name, _, formula = head.rpartition("=")
    formula = formula.strip()
    name = name.strip() or formula
    if formula not in columns and ("@" in formula or PERCENTILE.fullmatch(formula)):
        metric = _quantile(name, formula)
        if covariates:
            raise UsageError(
                f"The quantile '{formula}' cannot be adjusted for covariates.", fix="Drop the '~'."
            )
    elif "/" in formula and formula not in columns:
        numerator, denominator = (part.strip() for part in formula.split("/", 1))
        if not numerator or not denominator:
            raise UsageError(f"'{text}' is no ratio.", fix="Write NUMERATOR/DENOMINATOR, two columns.")
        metric = Metric(name, "ratio", numerator, denominator, covariates=covariates)
    elif not formula:
        raise UsageError(f"'{text}' names no column.", fix="Name one as a metric.")
    else:
        metric = Metric(name, "average", formula, covariates=covariates)
    check_columns(metric.columns, columns, of=text)
    return metric


def _quantile(name: str, formula: str) -> Metric:
    if percentile := PERCENTILE.fullmatch(formula):
        column, level = percentile["column"], float(percentile["level"]) / 100
    else:
        column, _, text = formula.rpartition("@")
        level = float(text) if re.fullmatch(r"0?\.\d+", text) else 0.0
    if not 0 < level < 1:
        raise UsageError(f"'{formula}' is no quantile.", fix="Write p90(spend) or spend@0.9.")
    return Metric(name, "quantile", column.strip(), quantile=level)


def parse_metrics(
    metrics: Sequence[str],
    columns: Sequence[str],
    *,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
) -> list[Metric]:
    """Each metric, adjusted for `covariates` too unless it is a quantile.

    Raises:
        DataError: If a column is missing.
        UsageError: If there is no metric, two of one name, one adjusted for itself, or none that
            `lower_is_better` names.
    """
    if not metrics:
        raise UsageError(
            "An A/B test needs a metric.", fix=f"Name one with --metric COLUMN. {known_columns('', columns)}"
        )
    parsed = [parse_metric(metric, columns) for metric in metrics]
    names = [metric.name for metric in parsed]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"Two metrics are called '{repeated[0]}'.",
            fix=f"Rename one, such as adjusted={repeated[0]} ~ ...",
        )
    for name in lower_is_better:
        if name not in names:
            raise UsageError(
                f"There is no metric '{name}' where less could be better.",
                fix=did_you_mean(name, names) or f"The metrics are: {', '.join(names)}.",
            )
    check_columns(covariates, columns)
    adjusted = [
        m
        if m.kind == "quantile"
        else m._replace(covariates=tuple(dict.fromkeys((*m.covariates, *covariates))))
        for m in parsed
    ]
    for metric in adjusted:
        if metric.column in metric.covariates:
            raise UsageError(f"The metric '{metric.name}' adjusted for itself leaves nothing to compare.")
    return adjusted
