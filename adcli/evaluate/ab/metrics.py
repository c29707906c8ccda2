"""What an experiment measures, and the text that names it: `visit`, `clicks/impressions`, `p90(spend)`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adcli.errors import UsageError, require_known
from adcli.evaluate.columns import check_columns, known_columns
from adcli.statistics.comparison import Metric

PERCENTILE = re.compile(r"p(?P<level>\d+(\.\d+)?)\((?P<column>.+)\)")


def parse_metric(text: str, columns: Sequence[str]) -> Metric:
    """The metric that a text names.

    `COLUMN` is the mean, `NUMERATOR/DENOMINATOR` a ratio of sums, `p90(COLUMN)` a quantile. Raises DataError
    if a column is not in `columns`; UsageError if it names none, or no quantile.

    >>> parse_metric("clicks/impressions", ["clicks", "impressions"])[:4]
    ('clicks/impressions', 'ratio', 'clicks', 'impressions')
    """
    if text in columns:
        return Metric(text, "average", text)
    if percentile := PERCENTILE.fullmatch(text):
        level = float(percentile["level"]) / 100
        if not 0 < level < 1:
            raise UsageError(f"'{text}' is no quantile.", fix="Write p90(spend).")
        metric = Metric(text, "quantile", percentile["column"].strip(), quantile=level)
    elif "/" in text:
        numerator, denominator = (part.strip() for part in text.split("/", 1))
        if not numerator or not denominator:
            raise UsageError(f"'{text}' is no ratio.", fix="Write NUMERATOR/DENOMINATOR, two columns.")
        metric = Metric(text, "ratio", numerator, denominator)
    elif not text.strip():
        raise UsageError(f"'{text}' names no column.", fix="Name one as a metric.")
    else:
        metric = Metric(text, "average", text)
    check_columns(metric.columns, columns, of=text)
    return metric


def parse_metrics(
    metrics: Sequence[str],
    columns: Sequence[str],
    *,
    covariates: Sequence[str] = (),
    lower_is_better: Sequence[str] = (),
) -> list[Metric]:
    """Each metric, adjusted for `covariates` too unless it is a quantile.

    Raises DataError if a column is missing; UsageError if there is no metric, two of one name, one adjusted
    for itself, or none that `lower_is_better` names.
    """
    if not metrics:
        raise UsageError(
            "An A/B test needs a metric.", fix=f"Name one with --metric COLUMN. {known_columns('', columns)}"
        )
    parsed = [parse_metric(metric, columns) for metric in metrics]
    names = [metric.name for metric in parsed]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"Two metrics are called '{repeated[0]}'.", fix="Name each once.")
    for name in lower_is_better:
        known = f"The metrics are: {', '.join(names)}."
        sentence = f"There is no metric '{name}' where less could be better."
        require_known(name, names, sentence, known, error=UsageError)
    check_columns(covariates, columns)
    for metric in parsed:
        if metric.kind != "quantile" and metric.column in covariates:
            raise UsageError(f"The metric '{metric.name}' adjusted for itself leaves nothing to compare.")
    adjusted_for = tuple(dict.fromkeys(covariates))
    return [m if m.kind == "quantile" else m._replace(covariates=adjusted_for) for m in parsed]
