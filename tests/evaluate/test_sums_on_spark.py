"""Rates and A/B tests on Spark: what executors add up gives the figures of one machine."""

import importlib.util
import shutil

import numpy as np
import polars as pl
import pytest
from ab_world import ab_of
from polars.testing import assert_frame_equal

from adcli.errors import DataError, UsageError
from adcli.evaluate.ab.table import ab_table
from adcli.evaluate.rates.fairness import fairness_table
from adcli.evaluate.rates.table import rate_table
from adcli.evaluate.rates.trends import trend_table
from adcli.tables.read import open_table
from adcli.tables.unify import concatenated

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="PySpark or Java is not installed",
)
ROWS = 3_000


@pytest.fixture(scope="module")
def spark():
    from adcli.tables.spark import Cluster

    with Cluster("local[2]") as started:
        yield started


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr("adcli.tables.read.LEAST_PART_BYTES", 1 << 14)


def clicks(rng, rows):
    clicked = rng.random(rows) < 0.2
    return {
        "event_time": pl.Series(np.sort(rng.integers(0, 259_200, rows)) + 1_704_067_200).cast(pl.String),
        "user_id": np.where(rng.random(rows) < 0.05, "", [f"u{n}" for n in rng.integers(0, 90, rows)]),
        "device": rng.choice(["mobile", "desktop"], rows),
        "item_id": "i",
        "click": clicked.astype(int),
        "conversion": (clicked & (rng.random(rows) < 0.4)).astype(int),
        "cost": np.round(rng.random(rows), 3),
        "revenue": np.round(np.where(clicked, rng.random(rows) * 90, 0), 2),
    }


def events(rng, rows):
    kinds = rng.choice(["impression", "click", "purchase", "other"], rows, p=[0.75, 0.15, 0.07, 0.03])
    orders = [f"o{n // 15}" if kind == "purchase" else "" for n, kind in enumerate(kinds)]
    shown = {
        name: values for name, values in clicks(rng, rows).items() if name in ("event_time", "device", "cost")
    }
    return shown | {
        "user_id": [f"u{n}" for n in rng.integers(0, 90, rows)],
        "event_type": kinds,
        "order_id": orders,
        "price": np.round(rng.random(rows) * 50, 2),
        "quantity": rng.integers(-1, 4, rows),
    }


def flagged(rng, rows):
    return {**events(rng, rows), "event_type": rng.choice(["impression", "click"], rows, p=[0.8, 0.2]),
            "converted": rng.choice(["no", "yes"], rows, p=[0.9, 0.1])}  # fmt: skip


def without_users(rng, rows):
    return {name: values for name, values in clicks(rng, rows).items() if name != "user_id"}


def report(rng, rows):
    days = [f"2024-01-{1 + n % 28:02}" for n in range(60)]
    return {"date": days, "campaign_id": [f"c{n // 28}" for n in range(60)], "device": "mobile",
            "impressions": rng.integers(100, 900, 60), "clicks": rng.integers(0, 99, 60), "cost": rng.integers(1, 50, 60)}  # fmt: skip


def opened(folder, tables):
    return open_table([str(folder / "*.csv")], tables=tables)


def as_log(folder, make):
    rng = np.random.default_rng(4)
    for name in "ab":
        pl.DataFrame(make(rng, ROWS)).write_csv(folder / f"{name}.csv")
    tables = ("impressions", "report", "events")
    whole = concatenated([batch.frame for batch in opened(folder, tables).batches()])
    return whole, opened(folder, tables)


def add_up(spark, stream, by, reject=lambda rows: None, **options):
    from adcli.evaluate.rates.distributed import add_up_on

    return add_up_on(spark, stream, by=by, reject=reject, **options)[0]


def on_spark(spark, stream, by, **options):
    from adcli.behaviour.sales import settle_sales

    log = add_up(spark, stream, by, **options)
    return log._replace(rows=settle_sales(log.rows).events) if "event_type" in log.rows.columns else log


@pytest.mark.parametrize("make", [clicks, events, flagged, without_users, report])
def test_rates_are_those_of_one_machine_to_the_last_digit(spark, tmp_path, make):
    whole, stream = as_log(tmp_path, make)
    there = on_spark(spark, stream, ["device", "day"])
    assert stream.rows_read == whole.height
    for by in ((), ("device",), ("day", "device")):
        assert_frame_equal(
            rate_table(there, by=by, min_users=20), rate_table(whole, by=by, min_users=20), check_exact=True
        )


def test_gaps_and_trends_are_too(spark, tmp_path):
    whole, stream = as_log(tmp_path, events)
    there = on_spark(spark, stream, ["device", "day"])
    gaps, trends = ({"by": ["device"]}, {"over": "day", "by": ["device"]})
    assert fairness_table(there, **gaps).equals(fairness_table(whole, **gaps))
    assert trend_table(there, **trends).equals(trend_table(whole, **trends))


def test_money_is_converted_where_the_rows_are(spark, tmp_path):
    from adcli.behaviour.currencies import converted

    def paid(rng, rows):
        return {**clicks(rng, rows), "currency": rng.choice(["EUR", "USD"], rows)}

    whole, stream = as_log(tmp_path, paid)
    rates = pl.DataFrame({"currency": ["EUR"], "rate": [1.1]})
    there = on_spark(spark, stream, [], to="USD", rates=rates)
    assert rate_table(there).equals(rate_table(converted(whole, "USD", rates)))


def test_what_contradicts_the_first_rows_in_the_last_is_rejected_there_too(spark, tmp_path):
    rows = [f"2{n % 9}/01/2024 10:00:00,u{n % 90},i,0\n" for n in range(ROWS)]
    header = "event_time,user_id,item_id,click\n"
    (tmp_path / "a.csv").write_text(header + "".join(rows) + "01/25/2024 10:00:00,u1,i,1\n")
    here = pl.concat([batch.rejects for batch in opened(tmp_path, ["impressions"]).batches()])
    there = []
    add_up(spark, opened(tmp_path, ["impressions"]), [], reject=there.append)
    assert "month before its day, unlike this column" in here["reason"][0]
    assert pl.concat(there).equals(here)


def test_what_cannot_be_is_an_error_there_too(spark, tmp_path):
    def wrong(rng, rows):
        return {**clicks(rng, rows), "segment": [f"s{n}" for n in range(rows)]}

    _, stream = as_log(tmp_path, wrong)
    with pytest.raises(DataError, match="no column 'colour'"):
        rate_table(on_spark(spark, stream, ["colour"]), by=["colour"])


def units(rng, rows):
    spend = rng.lognormal(2, 1.2, rows)
    return {
        "unit_id": [f"u{n}" for n in range(rows)],
        "variant": rng.choice(["control", "new", "newer"], rows),
        "shop": rng.integers(0, 200, rows),
        "bought": (rng.random(rows) < 0.3).astype(int),
        "spend": spend,
        "orders": rng.integers(1, 6, rows),
        "before": spend * rng.random(rows),
    }


def summed(spark, folder, **design):
    from adcli.evaluate.ab.distributed import Design, sum_units_on

    metrics = design.pop("metrics")
    covariates = design.pop("covariates", ())
    named = Design(**{"unit": None, "cluster": None, "unit_count": None, **design})
    return sum_units_on(
        spark,
        opened(folder, ["units"]),
        named,
        metrics=metrics,
        covariates=covariates,
        reject=lambda rows: None,
    )


@pytest.mark.parametrize(
    "design",
    [
        {"metrics": ["bought", "spend", "spend/orders"]},
        {"metrics": ["spend", "spend/orders"], "covariates": ["before"]},
        {"metrics": ["spend", "bought"], "cluster": "arm_of_shop"},
        {"metrics": ["spend"], "unit_count": "orders"},
    ],
)
def test_an_ab_test_has_the_figures_of_one_machine(spark, tmp_path, design):
    rng = np.random.default_rng(8)
    made = pl.DataFrame(units(rng, ROWS)).with_columns(
        pl.format("{}-{}", "shop", "variant").alias("arm_of_shop")
    )
    made.head(2_000).write_csv(tmp_path / "a.csv")
    made.tail(1_000).write_csv(tmp_path / "b.csv")
    whole = concatenated([batch.frame for batch in opened(tmp_path, ["units"]).batches()])
    assert_frame_equal(
        ab_table(summed(spark, tmp_path, **design)),
        ab_of(whole, **design),
        rel_tol=1e-12,
        abs_tol=1e-14,
    )


def test_units_that_come_twice_and_quantiles_are_refused(spark, tmp_path):
    pl.DataFrame(units(np.random.default_rng(1), 500)).write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="is a quantile, and executors add up sums"):
        summed(spark, tmp_path, metrics=["p90(spend)"])
    pl.DataFrame(units(np.random.default_rng(2), 3)).write_csv(tmp_path / "b.csv")
    with pytest.raises(DataError, match="3 of 503 rows repeat a 'unit_id'"):
        summed(spark, tmp_path, metrics=["spend"])
