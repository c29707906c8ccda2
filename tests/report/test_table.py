"""Tables of figures: the machine's columns become what a person reads."""

from __future__ import annotations

import datetime as dt

import polars as pl

from adcli.report import Table
from adcli.report.table import heading


def texts(table: Table) -> list[list[str]]:
    return [
        [f"{cell.text} {cell.interval}".strip().replace("\u00a0", " ").replace("\u2212", "-") for cell in row]
        for row in table.rows
    ]


def test_a_rate_joins_its_interval_and_money_stays_money() -> None:
    frame = pl.DataFrame(
        {
            "metric": ["ctr", "cpc"],
            "value": [0.0038, 0.2134],
            "ci_low": [0.0027, 0.2],
            "ci_high": [0.0052, 0.23],
            "users": [10_000, 9_000],
        }
    )
    table = Table("Rates", frame)
    assert [cell.text for cell in table.headings] == ["Metric", "Value", "Users"]
    assert texts(table) == [
        ["CTR", "0.38 % [0.27, 0.52]", "10,000"],
        ["CPC", "0.213 [0.200, 0.230]", "9,000"],
    ]


def test_a_difference_of_rates_is_in_points_and_says_so() -> None:
    frame = pl.DataFrame(
        {
            "metric": ["retention_7"],
            "mean_variant": [0.182],
            "difference": [-0.0082],
            "difference_low": [-0.0133],
            "difference_high": [-0.0031],
            "relative": [-0.043],
            "p_value": [0.00861],
            "verdict": ["worse"],
        }
    )
    table = Table("Test", frame, kinds={"retention_7": "rate"})
    assert texts(table)[0] == [
        "Retention 7",
        "18.2 %",
        "-0.82 pp [-1.33, -0.31]",
        "-4.30 %",
        "0.0086",
        "worse",
    ]
    assert table.rows[0][-1].mark == "down"
    assert table.notes == []
    assert "pp" in table.terms


def test_a_column_of_unknown_name_can_be_given_its_kind() -> None:
    table = Table(
        "Bids",
        pl.DataFrame({"bidder": ["linear"], "value": [3.5], "share": [0.25]}),
        kinds={"value": "money"},
    )
    assert texts(table) == [["linear", "3.50", "25 %"]]


def test_nothing_suppressed_looks_like_zero() -> None:
    table = Table("Rates", pl.DataFrame({"placement": ["home", None], "value": [None, float("nan")]}))
    assert texts(table) == [["home", "–"], ["–", "–"]]


def test_times_lists_and_truths_are_words() -> None:
    frame = pl.DataFrame(
        {
            "day": [dt.datetime(2024, 3, 1, 12, 30, tzinfo=dt.UTC)],
            "flags": [["long", "banned"]],
            "fits": [True],
            "on": [dt.date(2024, 3, 1)],
        }
    )
    assert texts(Table("Ads", frame)) == [["2024-03-01 12:30", "long, banned", "yes", "2024-03-01"]]


def test_a_long_table_is_cut_and_says_how_much_is_left() -> None:
    table = Table("Rows", pl.DataFrame({"n": list(range(1_500))}), limit=100)
    assert len(table.rows) == 100
    assert table.notes == ["1,400 further rows are not shown here."]


def test_headings_are_the_fields_words() -> None:
    assert heading("effective_sample_size") == "Effective sample size"
    assert heading("ctr") == "CTR"
    assert heading("user_id") == "User ID"


def test_a_text_column_without_a_word_is_left_out_and_a_long_text_gets_room() -> None:
    frame = pl.DataFrame(
        {"metric": ["ctr"], "reason": [None], "note": [""], "definition": ["clicks / impressions " * 4]},
        schema_overrides={"reason": pl.String},
    )
    table = Table("Rates", frame)
    assert [cell.text for cell in table.headings] == ["Metric", "Definition"]
    assert table.rows[0][1].role == "long"
