"""What is measured on each unit, and compared between arms."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["average", "ratio", "quantile"]


class Metric(NamedTuple):
    """One figure of an arm.

    Attributes:
        name: As printed in the column `metric`.
        kind: `average` of a column (a proportion, if it only holds 0 and 1), `ratio` of two columns' sums, or
            `quantile` of a column.
        column: Measured on each unit; the numerator of a ratio.
        denominator: Of a ratio.
        quantile: In (0, 1), of a quantile.
        covariates: Columns known before the experiment began, to adjust for.
    """

    name: str
    kind: Kind
    column: str
    denominator: str = ""
    quantile: float = 0.5
    covariates: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the metric reads."""
        return tuple(filter(None, (self.column, self.denominator, *self.covariates)))
