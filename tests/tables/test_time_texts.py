"""Times that are all written alike are read at once; each is read as if it came alone."""

import polars as pl
import pytest

from adcli.tables.time_texts import parse

FORMS = {
    "%Y-%m-%d %H:%M:%S%.f": ["2024-03-10 01:30:00", "2024-03-10 01:30:00.123", "2024-03-10 01:30:00.123456789",
                             "2024-03-10 01:30:00.5", "2024-03-10 25:30:00.123", "2024-03-10 01:30:00.12x"],
    "%Y-%m-%dT%H:%M:%S%.f%#z": ["2024-03-10T01:30:00Z", "2024-03-10T01:30:00.123Z", "2024-03-10T01:30:00.123+05:30",
                                "2024-03-10T01:30:00.123-0800", "2024-03-10T01:30:00+02", "2024-03-10T01:30:00.123"],
    "%d/%b/%Y:%H:%M:%S %z": ["10/Mar/2024:01:30:00 +0000", "10/Mar/2024:01:30:00 +0100", "31/Feb/2024:01:30:00 +0000",
                             "10/Mar/2024:01:30:00"],
    "%Y-%m-%d %H:%M:%S%.f UTC": ["2024-03-10 01:30:00 UTC", "2024-03-10 01:30:00.123 UTC", "2024-03-10 01:30:00.123"],
    "%m/%d/%Y %I:%M:%S%.f %p": ["03/10/2024 01:30:00 PM", "03/10/2024 01:30:00.250 AM", "03/10/2024 01:30:00"],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_times_are_read_together_as_each_is_alone(form):
    for first in FORMS[form]:
        for texts in ([first] * 3, [None, first, first], [first, *FORMS[form]], [None]):
            values = pl.Series("t", texts, pl.String)
            alone = [
                values.slice(place, 1).str.to_datetime(form, strict=False, time_unit="us")
                for place in range(len(texts))
            ]
            assert parse(values, form).to_list() == pl.concat(alone).to_list()
