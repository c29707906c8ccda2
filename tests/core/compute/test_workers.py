"""Workers on one queue: order, errors, threads."""

import threading

import pytest
import torch  # noqa: TID253

from adcli.core.compute.workers import run_on_workers


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(run_on_workers(lambda x: x * x, range(50), workers=workers)) == [x * x for x in range(50)]


def test_each_worker_computes_with_one_thread_and_this_thread_keeps_its_own():
    before = torch.get_num_threads()
    found = list(
        run_on_workers(lambda _: (torch.get_num_threads(), threading.get_ident()), range(8), workers=2)
    )
    assert {threads for threads, _ in found} == {1}
    assert threading.get_ident() not in {ident for _, ident in found}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_no_gradients_are_kept(workers):
    assert list(run_on_workers(lambda _: torch.is_inference_mode_enabled(), [0, 0], workers=workers)) == [
        True,
        True,
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_is_raised_where_results_are_taken(workers):
    def compute(x):
        if x == 3:
            raise ValueError("three")
        return x

    results = run_on_workers(compute, range(100), workers=workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)


def test_items_are_taken_only_a_little_ahead():
    taken = []

    def items():
        for i in range(1000):
            taken.append(i)
            yield i

    results = run_on_workers(lambda x: x, items(), workers=2)
    next(results)
    assert len(taken) <= 6
    results.close()
