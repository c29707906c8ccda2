"""A table on a terminal: what decides first, texts that give way, nothing wider than the terminal."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.cli.console import Console
from adcli.cli.preview import preview
from adcli.report.text import display_width
from adcli.statistics.verdicts import Verdict

FIGURES = pl.DataFrame(
    {
        "metric": ["ctr", "revenue"],
        "variant": ["b", "b"],
        "n_variant": [45_489, 45_489],
        "mean_variant": [0.18201, 3.2],
        "difference": [-0.0082, 0.21],
        "difference_low": [-0.0133, -0.1],
        "difference_high": [-0.0031, 0.52],
        "verdict": ["worse", "not enough evidence"],
        "reason": ["the difference is so and so" * 3, ""],
    }
)


@pytest.fixture
def screen(monkeypatch, capsys):
    """What a terminal of so many columns shows of a table."""

    def show(frame, columns, kinds=None):
        monkeypatch.setenv("COLUMNS", str(columns))
        preview(frame, frame.height, "Keep it.", kinds)
        return capsys.readouterr().out.splitlines()

    return show


def test_verdict_and_difference_stand_before_counts_rounded_and_with_their_interval(screen):
    lines = screen(FIGURES, 100, {"ctr": "rate"})
    head = lines[0]
    assert head.index("variant") < head.index("verdict") < head.index("difference") < head.index("n_variant")
    assert "-0.82 pp [-1.33, -0.31]" in lines[2]
    assert "+0.21 [-0.10, +0.52]" in lines[3]


def test_the_longest_text_gives_way_and_an_id_keeps_eight_characters(screen):
    frame = pl.DataFrame({"user_id": ["123e4567-e89b-12d3"], "text": ["word " * 40], "n": [7]})
    lines = screen(frame, 40)
    user, text, number = (cell.strip() for cell in lines[2].split("│"))
    assert len(user) >= 8
    assert "…" in text
    assert number == "7"
    assert screen(frame, 100)[2].startswith("123e4567-e89b-12d3")


def test_times_are_shown_to_the_second_and_money_as_it_is(screen):
    frame = pl.DataFrame(
        {"event_time": [dt.datetime(2026, 1, 2, 3, 4, 5, 678_901, dt.UTC)], "price": [Decimal("12.99")]}
    )
    assert screen(frame, 80)[2].split() == ["2026-01-02", "03:04:05", "│", "12.99"]


def test_times_and_numbers_are_whole_while_texts_give_way(screen):
    frame = pl.DataFrame(
        {
            "title": ["a title of many words, which goes on"],
            "event_time": [dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)],
            "revenue": [1_234_567.25],
            "price": [Decimal("899.000")],
        }
    )
    line = screen(frame, 56)[2]
    assert "2026-01-02 03:04:05" in line
    assert line.split("│")[2:] == [" 1234567 ", "   899"]
    assert "…" in line.split("│")[0]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60), min_size=2, max_size=5
    ),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_the_terminal(texts, columns):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        lines = []
        patch.setattr("rich.console.Console.print", lambda self, what, **_: lines.append(what))
        preview(pl.DataFrame({f"column_{i}": [text] for i, text in enumerate(texts)}), 1, "")
    grid = lines[0]
    widths = [column.min_width for column in grid.columns]
    assert sum(widths) + 3 * (len(widths) - 1) <= columns
    for column in grid.columns:
        assert all(display_width(cell) <= column.min_width for cell in column.cells)


def test_the_answer_says_the_verdict_first(capsys):
    answers = [Verdict("better", "because", "b raises ctr"), Verdict("", sentence="CTR 5\u00a0%")]
    Console().answer(answers)
    assert capsys.readouterr().err.splitlines() == ["better: b raises ctr", "CTR 5 %"]
    Console(quiet=True).answer(answers)
    assert capsys.readouterr().err == ""


def test_of_many_answers_the_first_are_said_and_the_rest_counted(capsys):
    Console().answer([Verdict("better", sentence=str(number)) for number in range(40)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 13
    assert lines[-1].startswith("and 28 more")
