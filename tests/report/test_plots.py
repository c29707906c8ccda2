"""Plots: complete, the same every time, following the page's colours, and saying in words what they show."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest

from adcli.report import (
    Curve,
    Plot,
    bar_plot,
    cumulative_plot,
    histogram_plot,
    interval_plot,
    map_plot,
    reliability_plot,
    trend_plot,
)
from adcli.report.theme import LIGHT


def parsed(svg: str | bytes) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output


HOURS = list(range(24))
X = np.linspace(0, 1, 40)


def forest_table(rows: int, label: str = "campaign") -> pl.DataFrame:
    values = np.linspace(0.002, 0.009, rows)
    labels = pl.Series([f"{label} {row}" for row in range(rows)], dtype=pl.String)
    return pl.DataFrame(
        {"campaign": labels, "value": values, "ci_low": values - 0.001, "ci_high": values + 0.001}
    )


def forest(rows: int = 3, label: str = "campaign") -> Plot:
    return interval_plot(
        "forest",
        "CTR by campaign",
        forest_table(rows, label),
        label="campaign",
        axis="CTR",
        kind="rate",
        reference=0.005,
        reference_label="all",
    )


def bars() -> Plot:
    rows = [("logging", 0.005, 0.004, 0.006), ("learned", 0.006, 0.005, 0.007), ("none", None, None, None)]
    table = pl.DataFrame(rows, schema=["policy", "value", "ci_low", "ci_high"], orient="row")
    return bar_plot("values", "Value", table, label="policy", axis="Clicks per impression", kind="rate")


def hourly() -> Plot:
    curves = [
        Curve(name, HOURS, [0.01 * k] * 24, [0.009 * k] * 24, [0.011 * k] * 24)
        for k, name in ((1, "home"), (2, "cart"))
    ]
    return trend_plot("hours", "CTR by hour", curves, x_axis="Hour", y_axis="CTR", kind="rate")


def daily() -> Plot:
    days = [dt.datetime(2024, 2, 20, tzinfo=dt.UTC) + dt.timedelta(days=day) for day in range(20)]
    values = [None if day == 7 else 0.01 for day in range(20)]
    return trend_plot(
        "days", "CTR by day", [Curve("all", days, values)], x_axis="Day", y_axis="CTR", kind="rate"
    )


def qini() -> Plot:
    curve = Curve("model", X, 900 * np.sqrt(X), 800 * np.sqrt(X), 1000 * np.sqrt(X))
    return cumulative_plot(
        "qini",
        "Qini",
        [curve],
        reference=Curve("random", [0, 1], [0, 900]),
        x_axis="Share targeted",
        y_axis="Additional visits",
    )


def reliability() -> Plot:
    x = X[1:8]
    bins = {"predicted": x, "value": x * 1.1, "ci_low": x * 0.9, "ci_high": x * 1.3, "rows": [100] * 7}
    return reliability_plot("reliability", "Reliability", pl.DataFrame(bins))


def weights() -> Plot:
    return histogram_plot(
        "weights",
        "Weights",
        np.append(np.random.default_rng(5).lognormal(0, 1, 500), 0.0),
        axis="Weight",
    )


def embedding_map() -> Plot:
    points = np.random.default_rng(1).normal(size=(2, 2_600))
    return map_plot("map", "Products", *points, [f"category {row % 9}" for row in range(2_600)])


KINDS = [forest, bars, hourly, daily, qini, reliability, weights, embedding_map]


@pytest.mark.parametrize("make", KINDS)
def test_each_kind_gives_well_formed_svg_and_a_png_with_the_same_bytes_twice(
    make: Callable[[], Plot],
) -> None:
    one, other = make(), make()
    assert one.svg == other.svg
    assert one.svg_file() == other.svg_file()
    assert one.png() == other.png()
    assert one.png().startswith(b"\x89PNG")
    assert parsed(one.svg_file()).tag.endswith("svg")


@pytest.mark.parametrize("make", KINDS)
def test_every_colour_follows_the_page_and_nothing_is_fetched(make: Callable[[], Plot]) -> None:
    svg = str(make().svg)
    assert "var(--ink)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    assert not re.search(r"(href|src)=\"(?!#)", svg)
    assert "<metadata" not in svg
    assert "<style" not in svg


@pytest.mark.parametrize("make", KINDS)
def test_each_plot_is_described_in_words(make: Callable[[], Plot]) -> None:
    plot = make()
    root = parsed(str(plot.svg))
    assert root.attrib["role"] == "img"
    title, description = root[0], root[1]
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert description.text == plot.alt_text
    assert any(char.isdigit() for char in plot.alt_text)


def test_the_file_carries_both_colour_schemes_and_its_title() -> None:
    text = forest().svg_file().decode()
    assert "prefers-color-scheme:dark" in text
    assert LIGHT["ink"] in text
    assert text.count("CTR by campaign") >= 2


def test_ids_differ_between_plots_and_references_hold() -> None:
    pages = [str(make().svg) for make in KINDS]
    ids = [name for svg in pages for name in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    assert {name for svg in pages for name in re.findall(r'(?:href="|url\()#([^")]+)', svg)} <= set(ids)


def label_places(plot: Plot) -> list[float]:
    """The heights at which the row labels stand."""
    labels = [text for text in parsed(str(plot.svg)).iter() if (text.text or "").startswith("campaign")]
    return sorted(float(text.attrib["y"]) for text in labels)


def test_forty_rows_do_not_overlap_and_more_are_said_not_drawn() -> None:
    places = label_places(forest(40))
    assert len(places) == 40
    assert np.diff(places).min() >= 12  # the type is 9.5 high
    long = forest(60)
    assert len(label_places(long)) == 40
    assert "first 40 of 60" in long.alt_text


def test_long_and_foreign_labels_are_shortened_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot = forest(
            3, label="campaign 春季促销活动花园家具和工具大减价全场五折 $x^2$ of a very long name indeed"
        )
        svg = str(plot.svg)
        plot.png()
    assert "…" in svg
    assert "$x" in svg or "…" in svg


def test_a_dollar_in_a_label_is_a_dollar() -> None:
    assert "under $5 or $9_x" in str(forest(2, label="under $5 or $9_x").svg)


def test_the_words_count_what_lies_beyond_the_reference() -> None:
    assert "1 lie wholly above and 1 wholly below all at 0.500" in forest(3).alt_text.replace("\u00a0", " ")


def test_a_suppressed_row_keeps_its_place_without_a_bar() -> None:
    assert "–" in str(bars().svg)


def test_a_reader_s_own_matplotlib_settings_change_nothing() -> None:
    import matplotlib as mpl

    before = str(forest().svg)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": True}):
        assert str(forest().svg) == before
        assert mpl.rcParams["font.size"] == 30


def test_a_map_draws_a_sample_and_says_so() -> None:
    plot = embedding_map()
    assert "2,600 points in 9 categories" in plot.alt_text
    assert "2,000 of them are drawn" in plot.alt_text
    assert str(plot.svg).count("<use") < 2_100


def test_empty_input_still_draws() -> None:
    empty: list[float] = []
    for plot in (
        interval_plot("a", "None", forest_table(0), label="campaign", axis="CTR"),
        histogram_plot("b", "None", empty, axis="Weight"),
        histogram_plot("b", "One value", [2.0] * 9, axis="Weight"),
        map_plot("c", "None", empty, empty, []),
        trend_plot("d", "None", [], x_axis="Hour", y_axis="CTR"),
    ):
        assert plot.svg
