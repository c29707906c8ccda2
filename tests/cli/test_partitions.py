"""`--partition-by` writes folders of Parquet as Hive does, whole or not at all, and they are read with their columns."""

import duckdb
import polars as pl
import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.partitions import write_partitions
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

LOG = "event_time,user_id,event_type,item_id\n" + "".join(
    f"2026-01-0{day}T{hour}:00:00Z,u{day},{kind},00{day}\n"
    for day in (1, 2)
    for hour in (10, 23)
    for kind in ("view", "click")
)


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def folders(path):
    return sorted(str(one.relative_to(path)) for one in path.rglob("*") if one.is_dir())


def rows_of(path, **options):
    return pl.concat(
        batch.frame
        for batch in open_table([str(path)], tables=["events"], options=ReadOptions(**options)).batches()
    )


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("day", ["day=2026-01-01", "day=2026-01-02"]),
        ("month", ["month=2026-01"]),
        ("hour", [f"hour=2026-01-0{day}T{hour}" for day in (1, 2) for hour in (10, 23)]),
        ("item_id", ["item_id=001", "item_id=002"]),
    ],
)
def test_the_rows_come_back_with_their_partition(log, by, names):
    whole = rows_of(log / "log.csv")
    (log / "out").mkdir()
    assert write_partitions([whole.head(3), whole.tail(5)], log / "out", [by]) == 8
    assert folders(log / "out") == names
    assert pl.read_parquet(log / "out", hive_partitioning=True).height == 8
    back = rows_of(log / "out")
    assert back.select(whole.columns).equals(whole)
    assert set(back[by]) == {name.split("=")[1] for name in names}


def test_rows_keep_their_order_within_a_folder(tmp_path):
    rows = pl.DataFrame({"item_id": ["a"] * 30, "query": [str(row) for row in range(30)]})
    for round_ in range(100):
        folder = tmp_path / str(round_)
        folder.mkdir()
        write_partitions(rows.iter_slices(5), folder, ["item_id"])
        assert pl.read_parquet(folder)["query"].equals(rows["query"])


def test_two_columns_nest_and_other_tools_read_them(log, adcli):
    assert (
        adcli(
            "clean", "log.csv", "-o", "out", "--partition-by", "day", "--partition-by", "event_type"
        ).returncode
        == 0
    )
    assert "day=2026-01-02/event_type=click" in folders(log / "out")
    found = duckdb.sql(
        f"select event_type, count(*) from '{log}/out/*/*/*.parquet' group by all order by 1"  # noqa: S608
    ).fetchall()
    assert found == [("click", 4), ("view", 4)]


def test_a_run_that_fails_leaves_what_was_there(log, adcli):
    assert adcli("clean", "log.csv", "-o", "out", "--partition-by", "day").returncode == 0
    over = adcli("clean", "out", "-o", "out", "--partition-by", "item_id")
    assert (over.returncode, "is an input" in over.said) == (2, True)
    before = sorted((log / "out").rglob("*"))
    (log / "bad.csv").write_text(LOG + "2026-01-01T10:00:00Z\n")
    assert adcli("clean", "bad.csv", "-o", "out", "--partition-by", "item_id", "--strict").returncode == 4
    assert sorted((log / "out").rglob("*")) == before
    assert adcli("clean", "log.csv", "-o", "out", "--partition-by", "item_id").returncode == 0
    assert folders(log / "out") == ["item_id=001", "item_id=002"]
    assert {one.name for one in log.iterdir()} == {"log.csv", "bad.csv", "out", "out.meta.json"}


def test_a_directory_is_held_to_its_manifest(log, adcli):
    assert adcli("clean", "log.csv", "-o", "out", "--partition-by", "day").returncode == 0
    (log / "out" / "day=2026-01-02" / "part-0.parquet").unlink()
    with pytest.raises(DataError, match="out is not what its manifest"):
        rows_of(log / "out")
    assert rows_of(log / "out", verify=False).height == 4


def test_missing_values_and_odd_names_come_back(log):
    (log / "odd.csv").write_text(
        "event_time,user_id,event_type,campaign_id\n2026-01-01,u,view,a/b=c d%\n2026-01-01,u,view,\n"
    )
    (log / "odd").mkdir()
    write_partitions([rows_of(log / "odd.csv")], log / "odd", ["campaign_id"])
    assert "campaign_id=__HIVE_DEFAULT_PARTITION__" in folders(log / "odd")
    assert set(rows_of(log / "odd")["campaign_id"]) == {None, "a/b=c d%"}


def test_what_cannot_be_is_one_sentence(log, adcli):
    for arguments, sentence in {
        ("--partition-by", "dya", "-o", "out"): "Did you mean 'day'?",
        ("--partition-by", "day", "-o", "out", "--to", "csv"): "--to has no effect",
        ("--partition-by", "day", "-o", "log.csv"): "log.csv",
    }.items():
        done = adcli("clean", "log.csv", *arguments)
        assert (done.returncode, sentence in done.said) == (2, True), done.said
    assert (log / "log.csv").read_text() == LOG
    many = pl.DataFrame({"user_id": range(10_500)})
    with pytest.raises(UsageError, match="more than 10,000 folders"):
        write_partitions([many], log / "out", ["user_id"])
