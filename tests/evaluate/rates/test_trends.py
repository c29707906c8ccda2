"""Trends of rates: found where there is one, covering it, and refused where days merely differ."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from nominal_coverage import TRIALS, assert_covers

from adcli.errors import DataError, UsageError
from adcli.evaluate.rates.page import rates_page
from adcli.evaluate.rates.table import rate_table
from adcli.evaluate.rates.trends import fit_trend, trend_table

START = datetime(2024, 5, 1, tzinfo=UTC)


def make_log(rate_of, *, days=14, users=400, seed=0, device="web"):
    """One impression a user and day or so; `rate_of` gives the click rate of a time."""
    rng = np.random.default_rng(seed)
    n = days * users
    times = [START + timedelta(hours=float(h)) for h in rng.uniform(0, 24 * days, n)]
    user = rng.integers(0, users, n)
    taste = rng.gamma(4, 0.25, users)
    chance = np.array([rate_of(time) for time in times]) * taste[user]
    click = rng.random(n) < np.minimum(chance, 1)
    return pl.DataFrame(
        {
            "event_time": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            "user_id": [f"u{u}" for u in user],
            "device": [device] * n,
            "click": click.astype(int),
            "cost": click * 0.5,
        }
    )


def only(table, metric):
    return table.filter(pl.col("metric") == metric).row(0, named=True)


def test_a_rate_that_rises_is_said_to_rise():
    log = make_log(lambda t: 0.1 * 1.06 ** (t - START).days)
    found = only(trend_table(log, over="day", metrics=["ctr"]), "ctr_trend")
    assert found["verdict"] == "better"
    assert found["ci_low"] < 0.06 < found["ci_high"]
    assert found["reason"].startswith("The ctr rises by ")
    sums = rate_table(log, metrics=["ctr"]).row(0, named=True)
    assert (found["numerator"], found["denominator"]) == (sums["numerator"], sums["denominator"])


def test_what_costs_more_each_day_is_worse():
    log = make_log(lambda _: 0.2)
    price = np.random.default_rng(1).gamma(5, 0.2, log.height)
    paid = pl.lit(pl.Series(price)) * 1.05 ** pl.col("event_time").dt.day()
    log = log.with_columns(cost=pl.when(pl.col("click") == 1).then(paid).otherwise(0.0))
    assert only(trend_table(log, over="day", metrics=["cpc"]), "cpc_trend")["verdict"] == "worse"


def test_a_rate_that_follows_the_hour_has_its_peak_there():
    log = make_log(lambda t: 0.1 * (1 + 0.8 * np.cos((t.hour - 20) / 24 * 2 * np.pi)))
    found = only(trend_table(log, over="hour", metrics=["ctr"]), "ctr_trend")
    assert "highest near hour 20" in found["reason"]
    assert found["p_adjusted"] < 0.001
    assert found["ci_low"] is None  # the height of a wave is above 0 by chance alone


def test_days_that_differ_without_a_line_have_no_trend():
    shocks = np.random.default_rng(3).permutation(np.linspace(0.4, 1.8, 14))
    log = make_log(lambda t: 0.1 * shocks[(t - START).days] * 1.03 ** (t - START).days)
    found = only(trend_table(log, over="day", metrics=["ctr"]), "ctr_trend")
    assert found["verdict"] == "not enough evidence"


def test_intervals_cover_the_trend_of_clustered_users():
    rng = np.random.default_rng(5)
    users, days, slope = 150, 10, 0.05
    cluster, time = np.repeat(np.arange(users), days), np.tile(np.arange(days, dtype=float), users)
    ends = []
    for _ in range(TRIALS):
        shown = rng.poisson(2, users * days)
        taste = np.repeat(rng.gamma(2, 0.5, users), days)
        clicks = rng.binomial(shown, np.minimum(0.06 * taste * np.exp(slope * time), 1)).astype(float)
        ends.append(fit_trend(clicks, shown.astype(float), time, cluster, 0, 0.95).interval)
    assert_covers(*np.transpose(ends), np.expm1(slope))


def test_without_a_trend_p_values_are_uniform():
    rng = np.random.default_rng(6)
    users, hours = 120, 24
    cluster, time = np.repeat(np.arange(users), hours), np.tile(np.arange(hours, dtype=float), users)
    found = []
    for _ in range(500):
        taste = np.repeat(rng.gamma(2, 0.5, users), hours)
        clicks = rng.binomial(3, np.minimum(0.05 * taste, 1)).astype(float)
        found.append(fit_trend(clicks, np.full(users * hours, 3.0), time, cluster, 24, 0.95))
    assert 0.02 <= np.mean([one.p_value < 0.05 for one in found]) <= 0.08
    assert np.mean([one.p_fit < 0.01 for one in found]) <= 0.03


def test_small_cells_and_short_times_have_no_trend():
    few = make_log(lambda _: 0.2, users=20, device="tv")
    log = pl.concat([make_log(lambda _: 0.1), few])
    table = trend_table(log, over="day", by=["device"], metrics=["ctr"])
    tv = table.filter(pl.col("device") == "tv").row(0, named=True)
    assert tv["reason"] == "hidden: fewer than 50 users"
    assert tv["numerator"] is None
    short = trend_table(make_log(lambda _: 0.1, days=2), over="day", metrics=["ctr"])
    assert short["reason"][0] == "only 2 points of time"


def test_a_rate_that_is_none_and_a_time_that_is_none():
    log = make_log(lambda _: 0.1, days=4, users=60)
    with pytest.raises(UsageError, match="Did you mean 'ctr'"):
        trend_table(log, over="day", metrics=["ctrr"])
    with pytest.raises(DataError, match="'roas' cannot be formed"):
        trend_table(log, over="day", metrics=["roas"])
    with pytest.raises(DataError, match="'first', which is no day"):
        trend_table(log.with_columns(day=pl.lit("first")), over="day")
    with pytest.raises(UsageError, match="not over 'device'"):
        trend_table(log, over="device")


def test_a_page_draws_no_line_for_a_hidden_cell():
    large = [make_log(lambda _: 0.1, device=name) for name in ("app", "pad", "web")]
    log = pl.concat([*large, make_log(lambda _: 0.2, users=20, device="tv")])
    by = ["device", "day"]
    rates, trends = rate_table(log, by=by), trend_table(log, over="day", by=["device"])
    page = rates_page(rates, by=by, trends=trends, over="day")
    assert len({plot.name for plot in page.plots}) == len(page.plots) == rates["metric"].n_unique()
    assert "web" in page.plots[0].alt_text
    assert page.plots[0].svg_file()
    assert "from which such could be worked out, are hidden" in page.html()


def test_a_small_cell_cannot_be_worked_out_from_the_trends_of_the_others():
    parts = [make_log(lambda _: 0.2, seed=i, device=name) for i, name in enumerate(["web", "app", "tv"])]
    few = make_log(lambda _: 0.2, users=20, seed=9, device="watch")
    log = pl.concat([*parts, few])
    trends = trend_table(log, over="day", by=["device"], metrics=["ctr"])
    hidden = trends.filter(pl.col("denominator").is_null())
    assert "watch" in hidden["device"].to_list()
    assert hidden.height == 2
    assert hidden["users"].null_count() == hidden["value"].null_count() == hidden.height
    page = rates_page(
        trends.with_columns(metric=pl.lit("ctr")).head(0), by=["day"], trends=trends, over="day"
    )
    assert "watch" not in page.html()


def test_sums_of_a_trend_are_those_of_the_rates():
    log = make_log(lambda _: 0.2).with_columns(
        event_time=pl.when(pl.int_range(pl.len()) > 3).then("event_time")
    )
    found = only(trend_table(log, over="day", metrics=["ctr"]), "ctr_trend")
    assert found["denominator"] == rate_table(log, metrics=["ctr"])["denominator"][0]
