"""`adcli evaluate ab --plan`: how large a test must be, from a figure or from what a policy promises."""

from __future__ import annotations

from collections.abc import Sequence

from adcli.cli.run import Run
from adcli.errors import DataError


def write_plan(
    run: Run,
    inputs: Sequence[str] | None,
    *,
    baseline: float | None,
    std_dev: float | None,
    daily_units: float | None,
    power: float,
    confidence: float,
) -> None:
    """Write the table of a plan: from `--baseline`, else from a table of `adcli evaluate policy`."""
    import polars as pl

    from adcli.evaluate.ab.plan import plan_from_policy_value, plan_table
    from adcli.evaluate.ab.power import Design

    design = Design(power=power, confidence=confidence)
    if baseline is not None:
        run.write(plan_table(baseline=baseline, std_dev=std_dev, daily_units=daily_units, design=design))
        return
    values = run.read(inputs, tables=["policy_values"])
    headline = values.filter(pl.col("headline").cast(pl.String) == "true") if "headline" in values else values
    row = (headline if headline.height else values).row(0, named=True)
    try:
        value, std_error, logged = (float(row[name]) for name in ("value", "std_error", "baseline_value"))
    except (TypeError, ValueError):
        raise DataError("The estimate has no value, std_error or baseline_value to plan from.") from None
    run.note(f"Planned to confirm '{row['policy']}' as estimated by {row['estimator']}.")
    run.write(
        plan_from_policy_value(
            value=value,
            std_error=std_error,
            baseline=logged,
            std_dev=std_dev,
            daily_units=daily_units,
            design=design,
        )
    )
