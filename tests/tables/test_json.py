"""NDJSON and JSON arrays: values keep what they say, faults cost their row."""

import json

import polars as pl
import pytest

from adcli.errors import DataError
from adcli.tables.formats import blocks, json_array

GOOD = {"event_time": "2024-01-01T10:00:00Z", "user_id": "u1", "event_type": "view"}


def line(**more):
    return json.dumps({**GOOD, **more}, ensure_ascii=False) + "\n"


def array(*rows, indent=None):
    return json.dumps([{**GOOD, **row} for row in rows], indent=indent, ensure_ascii=False)


def test_numbers_keep_their_exact_text_where_it_counts(read):
    got = read(line(price=2.55, item_id=12345678901234567890123, text=0).replace("2.55", "2.550000"))
    assert got.frame["item_id"].to_list() == ["12345678901234567890123"]
    assert [str(price) for price in got.frame["price"]] == ["2.550000000000000000"]


@pytest.mark.parametrize("fault", ["", "no JSON\n"])  # without a fault the block is read another way
def test_unrecognised_columns_are_typed_by_their_values(read, fault):
    rows = [
        line(whole=1, fraction=1.5, flag=True, mixed=1, word="a", many=["x"], numbers=[1, 2]),
        line(whole=2, fraction=2, flag=None, mixed="b", word="00123", many=[], numbers=[3]),
    ]
    got = read("".join(rows) + fault)
    assert got.frame.select("whole", "fraction", "flag", "mixed", "word", "many", "numbers").rows() == [
        (1, 1.5, True, "1", "a", ["x"], [1, 2]),
        (2, 2.0, None, "b", "00123", [], [3]),
    ]
    assert got.frame.schema["whole"] == pl.Int64
    assert got.frame.schema["numbers"] == pl.List(pl.Int64)


def test_objects_inside_are_carried_as_json_text(read):
    got = read(line(extra={"a": [1, {"b": None}], "ü": "x", "n": 1.5}))
    assert json.loads(got.frame["extra"][0]) == {"a": [1, {"b": None}], "ü": "x", "n": 1.5}


def test_keys_may_come_later_or_be_missing(read, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 500)
    got = read(line() * 10 + line(price=3, colour="red") * 10 + line() * 10)
    assert got.frame["price"].null_count() == 20
    assert got.frame["colour"].drop_nulls().unique().to_list() == ["red"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{'user_id': 1}", "not JSON: Expecting property name"),
        ('{"user_id": "u"', "not JSON: Expecting ',' delimiter"),
        ("5", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("{}", "an object without keys"),
        ('{"a": 1} {"b": 2}', "not JSON: more after the object"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "not readable: nested more than 64 deep"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "not readable: nested more than 64 deep"),
        ("\0", "not JSON"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number(read, bad, reason):
    got = read(line() + bad + "\n\n" + line())
    assert got.frame.height == 2
    [(number, why)] = got.reasons
    assert number == 2
    assert why.startswith(reason)


def test_not_a_number_is_no_value_and_infinity_is_not_read(read):
    got = read(
        (line(price=0) * 2).replace('"price": 0', '"price": NaN', 1)
        + line().replace("}", ', "price": Infinity}')
    )
    assert got.frame["price"].to_list() == [None, 0]
    assert got.reasons == [(3, "price: not a number: 'Infinity'")]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_read_on_one_line_or_many(read, indent):
    got = read(array({"text": 'a"},{"'}, {"text": "b"}, {"price": 3}, indent=indent))
    assert got.frame["text"].to_list() == ['a"},{"', "b", None]
    assert "JSON array" in got.stream.notes[0]


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_larger_than_a_block_are_read_in_pieces(read, monkeypatch, indent):
    monkeypatch.setattr(json_array, "BLOCK_BYTES", 300)
    got = read(array(*({"user_id": f"ü{i}"} for i in range(200)), indent=indent))
    assert got.frame["user_id"].to_list() == [f"ü{i}" for i in range(200)]


def test_a_bad_element_costs_itself(read):
    good = json.dumps(GOOD)
    got = read(f'[\n{good},\n{{"user_id": oops}},\n{good}, 7,\n{good}\n]')
    assert got.frame.height == 3
    assert [(number, reason.split(":")[0]) for number, reason in got.reasons] == [
        (3, "not JSON"),
        (4, "not a JSON object"),
    ]


def test_a_bad_element_of_a_pretty_printed_array_counts_once(read):
    good = json.dumps(GOOD, indent=2)
    bad = good.replace('"user_id":', "user_id:")
    got = read(f"[\n{good},\n{bad},\n{good}\n]")
    assert got.frame.height == 2
    assert [number for number, _ in got.reasons] == [7]


def test_an_array_that_was_cut_off_is_told(read):
    whole = array({}, {}, {})
    assert read(whole[:-20]).reasons == [(1, "not JSON: Unterminated string starting at")]
    assert read(whole[:-1]).reasons == [(1, "the array is not closed: the input was cut off")]


def test_one_object_over_several_lines_is_no_table(read):
    with pytest.raises(DataError, match="is one JSON object over several lines, not a table"):
        read(json.dumps(GOOD, indent=2))


def test_json_without_a_row_is_an_error(read):
    for content in ("[]", "[1, 2]"):
        with pytest.raises(DataError):
            read(content)


def test_a_table_of_endless_columns_is_refused(read):
    with pytest.raises(DataError, match="more than 10,000 different keys"):
        read(line() + json.dumps({f"k{i}": i for i in range(10_001)}) + "\n")
