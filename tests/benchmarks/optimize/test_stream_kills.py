"""500 kills of a stream at random moments; tests/crash has a few."""

import pytest
from stream_kills import kill_and_check


@pytest.mark.benchmark
def test_500_kills_lose_nothing_and_count_nothing_twice(tmp_path, warm_commands):
    kill_and_check(tmp_path, warm_commands, 500)
