"""What commands print and tables tell, one row or all."""

import json


def row(table, metric, group="all"):
    """The one row of a metric and a group, as a dictionary."""
    return table.filter(metric=metric, group=group).row(0, named=True)


def rows(done):
    """The rows that a command printed as NDJSON; it ended well."""
    assert done.returncode == 0, done.said
    return [json.loads(line) for line in done.text.splitlines()]
