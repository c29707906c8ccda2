"""Columns by the names that users know them by, and tables that only say more of another's rows."""

import json

import polars as pl
import pytest

LOG = "when,who,asin,position,click,pscore,device\n" + "".join(
    f"2024-05-01 12:00:{i % 60:02},u{i},i{i % 4},p{i // 4 % 2},{int(i % 5 == 0)},0.25,phone\n"
    for i in range(400)
)
ITEMS = "item_id,title,brand,price\n" + "".join(f"i{i},thing {i},b{i % 2},{i}.5\n" for i in range(4))


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "items.csv").write_text(ITEMS)
    return tmp_path


def test_a_column_can_be_named_as_its_source_names_it(adcli, log):
    by_source = adcli("evaluate", "rates", "log.csv", "--by", "position")
    assert by_source.returncode == 0, by_source.said
    assert by_source.said.count("'position' is read as placement.") == 1
    assert by_source.stdout == adcli("evaluate", "rates", "log.csv", "--by", "placement").stdout
    assert {json.loads(line)["placement"] for line in by_source.text.splitlines()} == {"p0", "p1"}
    loose = adcli("evaluate", "rates", "log.csv", "--by", "Position")
    assert loose.stdout == by_source.stdout


def test_a_name_that_the_table_has_means_that_column(adcli, log):
    both = LOG.replace("position", "placement").replace("device", "position")
    done = adcli("evaluate", "rates", "-", "--by", "position", stdin=both)
    assert {json.loads(line)["position"] for line in done.text.splitlines()} == {"phone"}
    assert "is read as" not in done.said


def test_learning_and_valuing_take_source_names_too(adcli, log):
    done = adcli("optimize", "policy", "log.csv", "--context", "position", "-o", "policy", "--action", "asin")
    assert done.returncode == 0, done.said
    assert "'position' is read as placement." in done.said
    assert "'asin' is read as item_id." in done.said


def test_only_the_rows_of_the_log_are_in_the_accounting(adcli, log):
    bad = ITEMS + "i9,,b1,2.0\n,thing,b1,2.0\n"
    (log / "items.csv").write_text(bad)
    arguments = ("evaluate", "policy", "uniform", "log.csv", "--items", "items.csv", "-o", "value.csv")
    done = adcli(*arguments, "--rejects", "rejects.csv")
    assert done.returncode == 0, done.said
    assert "400 read = 400 used + 0 rejected" in done.said
    assert "rows read as products beside the others, 2 more were rejected." in done.said
    manifest = json.loads((log / "value.csv.meta.json").read_text())
    assert manifest["rows"]["read"] == 400
    assert [record["path"] for record in manifest["inputs"]] == ["log.csv", "items.csv"]
    assert len((log / "rejects.csv").read_text().splitlines()) == 3
    strict = adcli(*arguments, "--strict")
    assert strict.returncode == 4
    assert "2 rows were rejected (of the tables beside the others)" in strict.said


@pytest.mark.parametrize(("rates", "status"), [("rates.parquet", 2), ("rates.csv", 0)])
def test_a_layout_is_refused_only_where_no_file_has_it(adcli, tmp_path, rates, status):
    report = {"date": ["2024-01-01"], "impressions": [1000], "clicks": [10], "cost": ["USD 5.00"]}
    pl.DataFrame(report).write_parquet(tmp_path / "report.parquet")
    exchange = pl.DataFrame({"currency": ["USD", "EUR"], "rate": [0.9, 1.0]})
    exchange.write_parquet(tmp_path / "rates.parquet")
    exchange.write_csv(tmp_path / "rates.csv", separator=";")
    done = adcli(
        "evaluate",
        "rates",
        "report.parquet",
        "--currency",
        "EUR",
        "--rates",
        rates,
        "--delimiter",
        ";",
        "-o",
        "o.csv",
    )
    assert done.returncode == status
    assert (tmp_path / "o.csv").exists() == (status == 0)
    assert ("--delimiter has no effect" in done.said) == (status == 2)


USERS = "id,generation,Total Spent\n" + "".join(f"u{i},{'old' if i % 2 else 'young'},9\n" for i in range(390))


def test_what_a_shop_knows_of_its_customers_is_context(adcli, log):
    (log / "users.csv").write_text(USERS)
    said = "users.csv: adds generation; 10 of 400 users are not in it: theirs are empty."
    users = ("--map", "user_id=who", "--users", "users.csv")
    learned = adcli(
        "optimize", "policy", "log.csv", *users, "--context", "generation", "-o", "policy", "--action", "asin"
    )
    assert learned.returncode == 0, learned.said
    assert said in learned.said
    assert "users.csv: not taken: Total Spent (may be known only after the row)." in learned.said
    assert adcli("optimize", "apply", "policy", "log.csv", *users, "-o", "chosen.csv").returncode == 0
    assert "generation" in (log / "chosen.csv").read_text().splitlines()[0]
    value = adcli("evaluate", "policy", "policy", "log.csv", *users, "--estimator", "ips", "--to", "csv")
    assert value.returncode == 0, value.said
    assert said in value.said


def test_what_a_shop_knows_of_its_customers_is_part_of_their_profiles(adcli, tmp_path):
    (tmp_path / "log.csv").write_text(
        "event_time,user_id,event_type,item_id,title\n"
        "2026-08-01 10:00:00,u1,view,a,Mug\n2026-08-02 10:00:00,u999,purchase,b,Bowl\n"
    )
    (tmp_path / "users.csv").write_text(USERS)
    done = adcli("embed", "log.csv", "--users", "users.csv", "--to", "ndjson")
    assert done.returncode == 0, done.said
    rows = [json.loads(line) for line in done.text.splitlines()]
    assert [(row["id"], row["generation"]) for row in rows] == [("u1", "old"), ("u999", None)]
    assert "users.csv: adds generation; 1 of 2 users are not in it: theirs are empty." in done.said
