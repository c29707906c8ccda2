"""A table in files gives back what came in, each column with one type."""

import polars as pl
from polars.testing import assert_frame_equal

from adcli.tables.spool import Spool, let_go
from adcli.tables.unify import concatenated


def test_frames_come_back_in_order_with_the_types_that_all_their_values_fit(tmp_path):
    frames = [pl.DataFrame({"x": [1, 2], "s": ["a", None]}), pl.DataFrame({"x": [0.5], "y": [True]})]
    spool = Spool(iter(frames), tmp_path)
    assert spool.schema == {"x": pl.Float64, "s": pl.String, "y": pl.Boolean}
    mapped = spool.mapped()
    let_go()
    assert_frame_equal(mapped, concatenated(frames))
    assert_frame_equal(pl.concat(list(spool.frames())), concatenated(frames))


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    spool = Spool(iter([pl.DataFrame(schema={"s": pl.String})]), tmp_path)
    assert spool.mapped().schema == {"s": pl.String}
