"""Rates with differential privacy: what one user can change, how much noise there is, what intervals hold."""

import numpy as np
import polars as pl
import pytest

from adcli.errors import UsageError
from adcli.evaluate.rates import private
from adcli.evaluate.rates.private import Bounds, laplace, private_rate_table

pytest.importorskip("opendp")


def log_of(rng, users, *, rate=0.1):
    user = np.repeat(np.arange(users), rng.integers(1, 6, users))
    click = rng.random(len(user)) < rng.beta(10 * rate, 10 * (1 - rate), users)[user]
    return pl.DataFrame(
        {
            "user_id": user.astype(str),
            "click": click.astype(int),
            "revenue": click * rng.gamma(2.0, 10.0, len(user)),
            "device": rng.choice(["mobile", "desktop"], len(user)),
        }
    )


def exact(monkeypatch):
    """What is released, by the sensitivity that its noise is for; nothing gets noise."""
    seen = []

    def kept(sensitivity, epsilon):
        return (lambda values: seen.append((sensitivity, np.array(values))) or values), 0.0

    monkeypatch.setattr(private, "laplace", kept)
    return seen


def test_without_noise_a_rate_is_that_of_the_bounded_rows(monkeypatch):
    exact(monkeypatch)
    log = pl.DataFrame(
        {
            "user_id": ["a"] * 9 + ["b", "c", None],
            "click": [1] * 9 + [0, 1, 1],
            "revenue": [500.0] * 9 + [0, 3.5, 99.0],
        }
    )
    found = private_rate_table(log, epsilon=1, bounds=Bounds(2, {"revenue": 10}), metrics=["ctr", "rpm"])
    assert found["numerator"].to_list() == pytest.approx([3, 23.5])
    assert found["denominator"].to_list() == [4, 4]
    assert found["value"].to_list() == pytest.approx([0.75, 5875])


def test_one_user_more_changes_no_release_by_more_than_its_noise_is_for(monkeypatch):
    seen, rng = exact(monkeypatch), np.random.default_rng(2)
    log = log_of(rng, 60)
    heavy = pl.DataFrame({"user_id": "new", "click": 1, "revenue": 1e6, "device": ["mobile", "desktop"] * 40})
    groups = {"device": ["mobile", "desktop"]}
    for whole in (log, pl.concat([heavy, log], how="vertical_relaxed")):
        for metric, clip in (("ctr", {}), ("rpm", {"revenue": 25}), ("revenue_per_user", {"revenue": 25})):
            bounds = Bounds(4, clip)
            private_rate_table(
                whole, epsilon=1, bounds=bounds, metrics=[metric], by=["device"], groups=groups
            )
    half = len(seen) // 2
    sums = [at for at in range(half) if at % 3 < 2]  # of each rate: two sums, then its spread
    moved = [np.abs(seen[at][1] - seen[at + half][1]).sum() for at in sums]
    assert all(change <= seen[at][0] for change, at in zip(moved, sums, strict=True))
    assert max(change / seen[at][0] for change, at in zip(moved, sums, strict=True)) == 1


def test_a_users_squared_residuals_are_one_unit_at_most(monkeypatch):
    seen = exact(monkeypatch)
    alone = pl.DataFrame({"user_id": "a", "click": 1, "device": ["mobile"] * 3 + ["desktop"]})
    others = pl.DataFrame({"user_id": [str(k) for k in range(50)], "click": 0, "device": ["mobile"] * 50})
    groups = {"device": ["mobile", "desktop"]}
    private_rate_table(
        pl.concat([alone, others]),
        epsilon=1,
        bounds=Bounds(4, {}),
        metrics=["ctr"],
        by=["device"],
        groups=groups,
    )
    sensitivity, squares = seen[-1]
    assert 0 < squares.sum() <= sensitivity


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(30, 1.0), (10, 0.3), (7_000_000, 0.05)])
def test_noise_is_laplace_of_the_least_scale_that_the_accounting_allows(sensitivity, epsilon):
    mechanism, scale = laplace(sensitivity, epsilon)
    assert mechanism.map(sensitivity) <= epsilon
    assert scale == pytest.approx(sensitivity / epsilon, rel=1e-6)
    draws = np.array(mechanism([0] * 20_000)) / scale
    assert abs(np.median(draws)) < 0.05
    assert np.abs(draws).mean() == pytest.approx(1, abs=0.06)
    assert (np.abs(draws) > 3).mean() == pytest.approx(np.exp(-3), abs=0.01)


def test_the_whole_table_spends_what_was_given(monkeypatch):
    spent, real = [], laplace

    def counted(sensitivity, epsilon):
        mechanism, scale = real(sensitivity, epsilon)
        spent.append(mechanism.map(sensitivity))
        return mechanism, scale

    monkeypatch.setattr(private, "laplace", counted)
    log = log_of(np.random.default_rng(3), 50)
    bounds = Bounds(3, {"revenue": 30})
    private_rate_table(log, epsilon=0.8, bounds=bounds, metrics=["ctr", "rpm", "revenue_per_user"])
    assert sum(spent) == pytest.approx(0.8)
    assert sum(spent) <= 0.8 + 1e-9


def test_intervals_hold_the_noise_and_the_users():
    rng, held, wide = np.random.default_rng(4), [], []
    for _ in range(150):
        found = private_rate_table(log_of(rng, 800), epsilon=1, bounds=Bounds(5, {}), metrics=["ctr"])
        row = found.row(0, named=True)
        held.append(row["ci_low"] <= 0.1 <= row["ci_high"])
        wide.append(row["ci_high"] - row["ci_low"])
    assert np.mean(held) >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / 150)
    assert np.median(wide) < 0.12


def test_groups_are_those_given_whether_they_occur_or_not():
    log, values = log_of(np.random.default_rng(5), 2000), []
    for _ in range(3):  # the noise of one release in a hundred is so large that it passes for a group
        found = private_rate_table(
            log,
            epsilon=2,
            bounds=Bounds(5, {}),
            metrics=["ctr"],
            by=["device"],
            groups={"device": ["mobile", "television"]},
        )
        assert found["device"].to_list() == ["mobile", "television"]
        values.append(found["value"][1])
        assert values[-1] is not None or "noise" in found["reason"][1]
    assert None in values


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metrics": ["rpm"]}, "--clip revenue"),
        ({"by": ["device"]}, "--group device"),
        ({"bounds": Bounds(5, {"cost": 1.0})}, "sums 'cost'"),
        ({"log": pl.DataFrame({"click": [1], "item_id": ["a"]})}, "user_id"),
        ({"log": pl.DataFrame({"user_id": ["a"], "event_type": ["click"]})}, "single impressions"),
    ],
)
def test_what_may_not_be_read_from_the_data_must_be_given(change, said):
    given = {
        "log": log_of(np.random.default_rng(6), 20),
        "epsilon": 1,
        "bounds": Bounds(5, {}),
        "metrics": ["ctr"],
    } | change
    with pytest.raises(UsageError) as refused:
        private_rate_table(given.pop("log"), **given)
    assert said in f"{refused.value} {refused.value.fix}"
