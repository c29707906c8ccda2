"""A/B tests of frames, in one call."""

from adcli.evaluate.ab.table import ab_table, sum_units

SUMMED = ("metrics", "unit", "cluster", "unit_count", "covariates", "lower_is_better")


def ab_of(units, **options):
    """The table of an experiment whose units and settings are given together."""
    summed = {name: options.pop(name) for name in SUMMED if name in options}
    return ab_table(sum_units(units, **summed), **options)
