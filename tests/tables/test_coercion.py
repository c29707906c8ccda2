"""Values become what their column is, or say why not."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from adcli.errors import DataError
from adcli.tables.standard.coerce import coerce
from adcli.tables.standard.column_format import GivenFormats
from adcli.tables.standard.inference import ColumnEvidence
from adcli.tables.standard.tables import Column


def read_column(series, column):
    return coerce(series, column, ColumnEvidence().updated(series, column).decided())


def coerced(values, kind, name="column"):
    series = values if isinstance(values, pl.Series) else pl.Series(values)
    made, problems = read_column(series, Column(name, kind))
    bad = pl.Series([False] * len(series))
    for problem in problems:
        bad |= problem.where
    return made.to_list(), bad.to_list()


NOON = datetime(2024, 3, 4, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-03-04 12:30:00", NOON),
        ("2024-03-04T12:30:00Z", NOON),
        ("2024-03-04T12:30:00.000000Z", NOON),
        ("2024-03-04T14:30:00+02:00", NOON),
        ("2024-03-04 14:30:00 +0200", NOON),
        ("2024-03-04 12:30:00.123456+00:00", NOON.replace(microsecond=123456)),
        ("2024-03-04 12:30:00 UTC", NOON),
        ("2024-03-04 12:30", NOON),
        ("2024-3-4 12:30", NOON),
        ("2024-03-04T12:30", NOON),
        ("2024/03/04 12:30:00", NOON),
        ("3/4/2024 12:30", NOON),
        ("3/4/24 12:30", NOON),
        ("03/04/2024 12:30:00 PM", NOON),
        ("04.03.2024 12:30", NOON),
        ("04/Mar/2024:12:30:00 +0000", NOON),
        ("1709555400", NOON),
        ("1709555400.25", NOON.replace(microsecond=250_000)),
        ("1709555400000", NOON),
        ("1709555400000000", NOON),
        ("20240304123000", NOON),
        ("2024-03-04", datetime(2024, 3, 4, tzinfo=UTC)),
        ("20240304", datetime(2024, 3, 4, tzinfo=UTC)),
        ("03 4, 2024", datetime(2024, 3, 4, tzinfo=UTC)),
        ("4 Mar 2024", datetime(2024, 3, 4, tzinfo=UTC)),
    ],
)
def test_times_in_the_ways_logs_write_them(text, time):
    assert coerced([text, None], "time") == ([time, None], [False, False])


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2024-13-04", "2024-02-30 10:00", "12", "0000-01-01", "9999-12-31", "10000-01-01", "1e9"],
)
def test_what_is_no_time_is_a_problem(text):
    assert coerced([text, "2024-03-04"], "time") == ([None, datetime(2024, 3, 4, tzinfo=UTC)], [True, False])


def test_times_of_several_forms_in_one_column():
    times, bad = coerced(["2024-03-04 12:30", "1709555400", "2024-03-04T12:30:00Z"] * 50, "time")
    assert set(times) == {NOON}
    assert not any(bad)


@pytest.mark.parametrize("text", ["2024-03-04 12", "24030412"])
def test_hours_as_advertising_logs_count_them(text):
    assert coerced([text], "time")[0] == [NOON.replace(minute=0)]


def test_a_day_first_that_shows_late_holds_for_the_rows_before_it(read, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.detect._SAMPLE_ROWS", 10)
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 200)
    rows = "".join(f"{day:02}/03/2024,u,view\n" for day in range(1, 32) for _ in range(3))
    got = read("event_time,user_id,event_type\n" + rows)
    assert got.frame["event_time"].dt.month().unique().to_list() == [3]
    assert "day/…/year" in got.stream.notes[0]
    rows = (
        "".join(f"03/{day:02}/2024,u,view\n" for day in range(1, 32) for _ in range(3))
        + "13/03/2024,u,view\n"
    )
    assert read("event_time,user_id,event_type\n" + rows).reasons == [
        (95, "event_time: has its day before its month, unlike this column: '13/03/2024'")
    ]


HEADER = "event_time,user_id,event_type\n"


def dates(*counted: tuple[int, str]) -> str:
    return HEADER + "".join(f"{date},u,view\n" * count for count, date in counted)


def test_dates_of_the_rarer_order_are_rejected_where_none_can_have_either(read):
    got = read(dates((3, "13/05/2024"), (2, "04/30/2024"), (1, "06/06/2024")))
    assert got.frame["event_time"].dt.strftime("%m-%d").to_list() == ["05-13"] * 3 + ["06-06"]
    assert [line for line, reason in got.reasons if "month before its day" in reason] == [5, 6]


def test_a_few_odd_dates_do_not_make_a_column_doubtful_and_many_do(read):
    assert (
        read(dates((1, "03/05/2024"), (20, "14/05/2024"), (1, "04/30/2024"))).frame["event_time"][0].month
        == 5
    )
    with pytest.raises(DataError, match="--day-first or --month-first"):
        read(dates((1, "03/05/2024"), (19, "14/05/2024"), (1, "04/30/2024")))


def test_dates_that_contradict_each_other_far_apart_are_seen(read, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.detect._SAMPLE_ROWS", 10)
    with pytest.raises(DataError, match="'04/03/2024' can have either"):
        read(dates((1200, "13/05/2024"), (1200, "04/03/2024"), (1200, "04/30/2024")))


def test_days_that_are_the_same_in_either_order_are_read(read):
    assert read(dates((2, "05/05/2024"))).frame.height == 2


def test_texts_that_are_lists_are_joined():
    paths = pl.Series([["Beauty", "Face"], [], None])
    assert coerced(paths, "string", "category")[0] == ["Beauty > Face", None, None]
    assert coerced(paths, "string", "description")[0] == ["Beauty Face", None, None]


def test_day_first_is_recognised_by_a_day_above_twelve():
    assert coerced(["03/04/2024", "25/04/2024"], "time")[0] == [
        datetime(2024, 4, 3, tzinfo=UTC),
        datetime(2024, 4, 25, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1709555400, NOON),
        (1709555400000, NOON),
        (1709555400.0, NOON),
        (20240304, datetime(2024, 3, 4, tzinfo=UTC)),
    ],
)
def test_times_that_are_numbers(value, time):
    assert coerced([value], "time") == ([time], [False])


def test_naive_times_are_taken_as_utc_and_zones_are_converted():
    naive = pl.Series([datetime(2024, 3, 4, 12, 30)])  # noqa: DTZ001  # that is the point
    zoned = pl.Series([datetime(2024, 3, 4, 12, 30)]).dt.replace_time_zone("Asia/Tokyo")  # noqa: DTZ001
    assert coerced(naive, "time")[0] == [NOON]
    assert coerced(zoned, "time")[0] == [datetime(2024, 3, 4, 3, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.55", "2.55"),
        ("-3", "-3"),
        (" 5 ", "5"),
        ("1e3", "1000"),
        ("1,234.50", "1234.50"),
        ("1,234,567", "1234567"),
        ("1.234,50", "1234.50"),
        ("12,5", "12.5"),
        ("$1,234.50", "1234.50"),
        ("9.99 €", "9.99"),
        ("0.000001", "0.000001"),
        ("12345678901234567890.123456", "12345678901234567890.123456"),
    ],
)
def test_sums_of_money_are_exact(text, value):
    assert coerced([text], "money") == ([Decimal(value)], [False])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1,234", "12.5"], ["1234", "12.5"]),
        (["1,234", "12,5"], ["1.234", "12.5"]),
        (["1.234", "1.234,50", "99"], ["1234", "1234.50", "99"]),
        (["0,123", "1,234"], ["0.123", "1.234"]),
        (["₹1,099", "₹399", "₹1,23,456"], ["1099", "399", "123456"]),
        (["1,234", "9,999"], ["1234", "9999"]),
        (["12,5", "12.5", "1,234"], ["12.5", "12.5", None]),
        (["1.234", "2.5"], ["1.234", "2.5"]),
    ],
)
def test_the_rest_of_a_column_tells_what_a_comma_is(texts, values):
    found, bad = coerced(texts, "money")
    assert found == [None if value is None else Decimal(value) for value in values]
    assert bad == [value is None for value in values]


def test_a_comma_is_what_it_is_in_all_of_the_column_and_where_nothing_tells_is_asked_for(read, monkeypatch):
    monkeypatch.setattr("adcli.tables.formats.blocks.BLOCK_BYTES", 60)
    header = "item_id;title;price\n"
    got = read(header + "1;A;1.234,50\n" * 5 + "2;B;1.234\n" * 10, tables=["products"])
    assert got.frame["price"].unique(maintain_order=True).to_list() == [Decimal("1234.5"), Decimal(1234)]
    with pytest.raises(
        DataError, match=r"'1,234' can have thousands or decimals.*--decimal point or --decimal comma"
    ):
        read(header + "1;A;1,234\n", tables=["products"])
    for mark, price in (("point", Decimal(1234)), ("comma", Decimal("1.234"))):
        got = read(header + "1;A;1,234\n", tables=["products"], given=GivenFormats(decimal_mark=mark))
        assert got.frame["price"].to_list() == [price]
    monkeypatch.setattr("adcli.tables.formats.detect._SAMPLE_ROWS", 3)
    got = read(header + "1;A;1.250\n" * 50 + "2;B;1.250,00\n" * 50, tables=["products"])
    assert got.frame["price"].unique().to_list() == [Decimal(1250)]


@pytest.mark.parametrize("text", ["abc", "1.2.3", "12,34,5", "inf", "--5", "9" * 40])
def test_what_is_no_sum_is_a_problem(text):
    assert coerced([text], "money") == ([None], [True])


@pytest.mark.parametrize("nothing", ["", "NA", "NULL", "null", "nan", "NaN", "None", "\\N", "-", "  "])
@pytest.mark.parametrize("kind", ["time", "money", "number", "integer", "flag", "probability"])
def test_ways_to_write_that_there_is_no_value(nothing, kind):
    assert coerced([nothing], kind) == ([None], [False])


def test_prices_are_never_negative_but_revenue_may_be():
    assert coerced(["-1"], "money", "price")[1] == [True]
    assert coerced(["-1"], "money", "revenue")[1] == [False]


def test_flags_in_many_spellings():
    texts = ["TRUE", "False", "yes", "NO", "1", "0", "1.0", "t", "2", "maybe"]
    assert coerced(texts, "flag") == ([1, 0, 1, 0, 1, 0, 1, 1, None, None], [False] * 8 + [True] * 2)
    assert coerced([True, False, None], "flag") == ([1, 0, None], [False] * 3)
    assert coerced([1, 0, 3], "flag") == ([1, 0, None], [False, False, True])


def test_probabilities_stay_in_their_range():
    assert (
        coerced(["0", "1", "0.5", "1.01", "-0.1", "x"], "probability", "pctr")[1] == [False] * 3 + [True] * 3
    )
    assert coerced(["0", "1", "0.5"], "probability", "propensity")[1] == [True, False, False]


def test_whole_numbers_are_whole():
    assert coerced(["3", "3.0", "3.5", "x"], "integer") == ([3, 3, None, None], [False, False, True, True])
    assert coerced([3.0, 3.5], "integer") == ([3, None], [False, True])


def test_numbers_must_be_finite():
    assert coerced(["3.5", "inf", "1e999"], "number") == ([3.5, None, None], [False, True, True])


def test_ids_stay_as_they_are_written():
    assert coerced(["00123", " a ", "1e5"], "string", "user_id")[0] == ["00123", "a", "1e5"]
    assert coerced([7, 8], "string", "user_id")[0] == ["7", "8"]


def test_ids_that_pandas_made_decimals_are_whole_again_if_all_are():
    assert coerced(["17850.0", None, "12.0"], "string", "user_id")[0] == ["17850", None, "12"]
    assert coerced(["17850.0", "A1"], "string", "user_id")[0] == ["17850.0", "A1"]
    assert coerced([17850.0, None], "string", "user_id")[0] == ["17850", None]


def test_words_for_nothing_are_no_ids_but_may_be_text():
    assert coerced(["nan", "NULL", "x"], "string", "user_id")[0] == [None, None, "x"]
    assert coerced(["nan", "NULL", "x"], "string", "text")[0] == ["nan", "NULL", "x"]


@pytest.mark.parametrize(
    "values",
    [
        [[1.0, 2.0], [3.0, 4.0]],
        [["1", "2"], ["3", "4"]],
        ["[1, 2]", "[3.0, 4e0]"],
        ["1 2", "3 4"],
        pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int32, 2)),
    ],
)
def test_vectors_from_lists_and_texts(values):
    made, problems = read_column(pl.Series(values), Column("embedding", "vector"))
    assert made.dtype == pl.Array(pl.Float32, 2)
    assert made.to_list() == [[1.0, 2.0], [3.0, 4.0]]
    assert not any(problem.where.any() for problem in problems)


def test_vectors_of_another_width_or_with_gaps_are_problems():
    assert coerced([[1.0, 2.0], [3.0], [1.0, float("nan")], None], "vector")[1] == [False, True, True, False]
    assert coerced(["1 2", "1 x", "word"], "vector")[1] == [False, True, True]


def test_lists_of_words():
    assert coerced([["a"], []], "list")[0] == [["a"], []]
    assert coerced(['["a", 1, {"b": 2}]', "plain", None], "list")[0] == [
        ["a", "1", '{"b": 2}'],
        ["plain"],
        None,
    ]


def test_what_cannot_be_read_is_quoted_short_and_without_control_characters(read):
    header = "event_time,user_id,event_type,price\n"
    got = read(
        header + "2024-01-01,u,view,\x1b[31mred" + "x" * 100 + "\n2024-01-01,,view,1\n2024-01-01,u,view,5\n"
    )
    (_, first), second = got.reasons
    assert first.startswith("price: not a number: '�[31mredxxx")
    assert len(first) < 80
    assert second == (3, "user_id: missing")


def test_the_first_reason_is_given_for_a_row_with_several(read):
    got = read("event_time,user_id,event_type,price,quantity\nlater,,view,abc,many\n")
    assert got.reasons == [(2, "event_time: not a time: 'later'")]


def test_of_forwarded_addresses_the_first_is_the_client(read):
    got = read('event_time,user_id,event_type,X-Forwarded-For\n2024-01-01,u,view,"203.0.113.5, 10.0.0.1"\n')
    assert got.frame["ip"].to_list() == ["203.0.113.5"]


def test_an_identifier_that_a_spreadsheet_cut_short_is_no_user(read):
    got = read(HEADER + "2024-01-01,1.23457E+12,view\n2024-01-01,1234567890123,view\n2024-01-01,1E5,view\n")
    assert got.frame["user_id"].to_list() == ["1234567890123", "1E5"]
    assert got.reasons == [(2, "user_id: cut short by a spreadsheet: '1.23457E+12'")]
