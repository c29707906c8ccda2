"""How much of nested work is done: parts of parts add up to the whole, and nobody need listen."""

import pytest

from adcli.progress import part, steps, telling


def test_steps_within_steps_and_parts_add_up_to_the_whole():
    heard = []
    with telling(heard.append):
        with part(0, 0.5):
            for _ in steps(range(2)):
                assert list(steps("ab")) == ["a", "b"]
        for _ in steps(["dear", "cheap"], [3, 1]):
            pass
    assert heard[:6] == pytest.approx([1 / 8, 1 / 4, 1 / 4, 3 / 8, 1 / 2, 1 / 2])
    assert heard[6:] == pytest.approx([1 / 2, 3 / 4, 1])


def test_without_a_listener_steps_are_the_items():
    with part(0, 0.5):
        assert list(steps(iter([1, 2, 3]))) == [1, 2, 3]


def test_work_that_fails_leaves_the_rest_of_it_where_it_was():
    heard = []
    with telling(heard.append):
        with pytest.raises(ValueError, match="no"), part(0, 0.2):
            raise ValueError("no")
        with part(0.5, 1):
            pass
    assert heard == [1]
