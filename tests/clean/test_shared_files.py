"""Real files through cleaning: known counts, known quirks, every row accounted for."""

from collections import Counter

import polars as pl
import pytest

from adcli.clean.identity import DUPLICATE
from adcli.clean.pipeline import clean_stream
from adcli.clean.runs import FILE, LINE
from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

CLEANED = ("auctions", "impressions", "events", "reviews", "products", "units", "queries")


@pytest.fixture
def clean(shared_data, tmp_path):
    def run(name, **options):
        stream = open_table([str(shared_data / name)], tables=CLEANED, options=ReadOptions(**options))
        rejects = []
        frame = pl.concat(clean_stream(stream, spill=tmp_path, reject=rejects.append)).drop(FILE, LINE)
        reasons = Counter(reason.split(": '")[0] for part in rejects for reason in part["reason"])
        assert stream.rows_read == frame.height + reasons.total()
        return stream, frame, reasons

    return run


@pytest.mark.parametrize(
    ("name", "table", "read", "reasons"),
    [
        ("abtest/cookie_cats.csv.gz", "units", 90_189, {}),
        ("abtest/hillstrom.csv.gz", "units", 64_000, {}),
        ("bandit/obd_random_all.csv.gz", "impressions", 10_000, {}),
        ("bandit/obd_bts_men.csv.gz", "impressions", 10_000, {}),
        ("behaviour/online_retail_uci.csv.gz", "events", 541_909,
         {"user_id: missing": 135_078, "price: must not be negative": 2, DUPLICATE: 5_225}),
        ("catalog/flipkart_1044_repaired.csv.gz", "products", 1_044, {}),
        ("catalog/wands_query.csv", "queries", 480, {}),
        ("reviews/womens_clothing_reviews.csv.gz", "reviews", 23_486, {"text: missing": 845}),
        ("rtb/ipinyou_auctions_dev.csv.gz", "auctions", 600_000, {}),
        ("weblogs/elastic_apache_combined_10k.log.gz", "events", 10_000, {"not a line of a combined access log": 1}),
    ],
)  # fmt: skip
def test_files_with_a_table_are_cleaned(clean, name, table, read, reasons):
    stream, frame, found = clean(name)
    assert (stream.table.name, stream.rows_read, found) == (table, read, reasons)
    if "event_time" in frame.columns:
        assert frame["event_time"].is_sorted()


def test_online_retail_in_detail(clean):
    _, frame, _ = clean("behaviour/online_retail_uci.csv.gz")
    assert frame["user_id"].n_unique() == 4_372
    assert not frame["user_id"].str.contains(".", literal=True).any()
    assert frame["event_type"].value_counts().sort("count").rows() == [
        ("other", 8_872),
        ("purchase", 392_732),
    ]
    assert float((frame["price"].cast(pl.Float64) * frame["quantity"]).sum()) == pytest.approx(8_278_519.424)


def test_the_line_cut_short_is_told_by_its_number(shared_data):
    path = str(shared_data / "weblogs/elastic_apache_combined_10k.log.gz")
    stream = open_table([path], tables=["events"])
    rejects = pl.concat([batch.rejects for batch in stream.batches()])
    assert rejects["line"].to_list() == [8_899]


def test_clicks_without_a_user_are_read_once_told_who_the_user_is(clean):
    name = "ctr/talkingdata_clicks_to_1108.csv.gz"
    with pytest.raises(DataError, match=r"as events it lacks user_id .*--map user_id=ip"):
        clean(name)
    stream, frame, reasons = clean(name, column_map={"user_id": "ip"})
    assert (stream.rows_read, frame["event_type"].unique().to_list(), reasons) == (71_439, ["click"], {})


def test_the_aligned_sample_is_read_when_asked_for(clean):
    name = "behaviour/cdnow_sample.txt"
    with pytest.raises(DataError, match="read it with --format aligned"):
        clean(name)
    names = {"user_id": "column_1", "event_time": "column_3", "quantity": "column_4", "revenue": "column_5"}
    stream, frame, reasons = clean(
        name, format="aligned", column_map=names, constants={"event_type": "purchase"}
    )
    assert (stream.rows_read, frame.height, reasons) == (6_919, 6_919, {})
    assert frame["user_id"].n_unique() == 2_357


@pytest.mark.parametrize(
    "name",
    [
        "adtext/advertisegen_zh.jsonl",
        "adtext/slogan_valid.csv.gz",
        "bandit/obd_item_context_men.csv",
        "ctr/alimama_dmr_500.txt.gz",
        "ctr/criteo_paddle_80.txt",
        "rtb/ipinyou_1458.info.json",
        "srl/en_ewt-up-dev.conllu.gz",
    ],
)
def test_files_without_a_table_are_told_in_one_sentence(clean, name):
    with pytest.raises(DataError) as caught:
        clean(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
