"""A stream killed at any moment loses no reward that was acknowledged, counts none twice, and decides on as before."""

import pytest
from stream_kills import kill_and_check


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_and_counts_nothing_twice(tmp_path, warm_commands):
    kill_and_check(tmp_path, warm_commands, 12)
