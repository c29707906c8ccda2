"""What is measured on each unit, and compared between arms."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["average", "ratio", "quantile"]


class Metric(NamedTuple):
    """One figure of an arm."""

    name: str  # as printed in the column `metric`
    # `average` of a column (a proportion, if it only holds 0 and 1), `ratio` of two columns' sums, or
    # `quantile` of a column
    kind: Kind
    column: str  # measured on each unit; the numerator of a ratio
    denominator: str = ""  # of a ratio
    quantile: float = 0.5  # in (0, 1), of a quantile
    covariates: tuple[str, ...] = ()  # columns known before the experiment began, to adjust for

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the metric reads."""
        return tuple(filter(None, (self.column, self.denominator, *self.covariates)))
