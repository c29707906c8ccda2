"""The page: self-contained, the same every time, safe against its own data, readable by anyone."""

from __future__ import annotations

from collections import Counter
from functools import cache
from html.parser import HTMLParser
from itertools import product
from typing import NamedTuple

import polars as pl
import pytest

from adcli.report import Page, Passage, Table, interval_plot
from adcli.report.table import verdict_mark
from adcli.report.text import clean_text, display_width
from adcli.statistics.verdicts import Verdict


class File(NamedTuple):
    path: str
    rows: int | None
    bytes: int | None
    sha256: str


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> Page:
    """A page in which every place that data can reach holds `text`."""
    frame = pl.DataFrame({"metric": ["ctr"], f"by {text}": [text], "value": [0.01], "verdict": [text]})
    table = pl.DataFrame({"group": [text], "value": [0.1], "ci_low": [0.0], "ci_high": [0.2]})
    plot = interval_plot(
        "effects", text, table, label="group", axis=text, reference=0.0, reference_label=text
    )
    return Page(
        text,
        command_line=text,
        summary=text,
        verdicts=[Verdict(text, text, text, text)],
        tables=[Table(text, frame, note=text)],
        details=[Table(text, frame, note=text)],
        plots=[plot],
        method=[Passage(text, text)],
        inputs=[File(text, 3, 12, text)],
        data_notes=[text],
        versions={text: text},
        seed=7,
    )


HEADS = [
    "",
    '"',
    "'",
    "`",
    "-->",
    "]]>",
    "</title>",
    "</style>",
    "</desc>",
    "</text></svg>",
    "\x00",
    "\u202e",
    "&quot;",
    "{{7*7}}",
]
BODIES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    " onmouseover=alert(1) x=",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>1</script>'>",
    "<style>@import 'https://example.com'</style>",
    "<base href=https://example.com/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<form action=javascript:alert(1)><input>",
    "<math><mi xlink:href=data:x,1>",
    "<![CDATA[<script>1</script>]]>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "%3Cscript%3E&lt;script&gt;&#60;script&#62;",
    "\\u003cscript\\u003e${alert(1)}",
]
PAYLOADS = [head + body for head, body in product(HEADS, BODIES)]


def test_there_are_two_hundred_payloads() -> None:
    assert len(set(PAYLOADS)) >= 200


@cache
def harmless_page(width: int) -> Elements:
    """A page whose labels take the same room and hold nothing but letters."""
    return Elements(page_of("x" * width).html())


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_an_element_or_an_attribute(payload: str) -> None:
    harmless = harmless_page(min(display_width(clean_text(payload)), 40))
    hostile = Elements(page_of(payload).html())
    assert hostile.tags == harmless.tags
    assert Counter((tag, name) for tag, name, _ in hostile.attributes) == Counter(
        (tag, name) for tag, name, _ in harmless.attributes
    )
    assert not [name for _, name, _ in hostile.attributes if name.startswith("on")]
    assert not hostile.unbalanced


def test_links_lead_nowhere_but_inside_the_page() -> None:
    elements = Elements(page_of(PAYLOADS[4]).html())
    targets = [
        value
        for _, name, value in elements.attributes
        if name.rpartition(":")[2] in {"href", "src", "action"}
    ]
    assert all(value.startswith("#") for value in targets)
    assert not {"script", "link", "iframe", "object", "embed", "form", "a"} & set(elements.tags)


def test_the_policy_forbids_script_and_network() -> None:
    policy = next(
        value for _, name, value in Elements(Page("x").html()).attributes if value.startswith("default-src")
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert "script-src" not in policy
    assert "http" not in policy


def test_the_same_page_gives_the_same_bytes() -> None:
    assert page_of("shop").html() == page_of("shop").html()


def test_the_verdict_comes_first_by_word_and_shape() -> None:
    kinds = ["better", "worse", "no difference found", "not enough evidence", "invalid: sample ratio"]
    page = Page(
        "Test",
        verdicts=[Verdict(kind, "why", f"sentence {n}") for n, kind in enumerate(kinds)],
        tables=[Table("Figures of it", pl.DataFrame({"value": [1.0]}))],
    )
    html = page.html()
    assert html.index("sentence 4") < html.index("Figures of it") < html.index("Appendix")
    assert all(f'<b class="kind">{kind}:</b>' in html for kind in kinds)
    assert len({verdict_mark(kind) for kind in kinds}) == 5


def test_what_is_about_one_arm_stands_in_one_line() -> None:
    verdicts = [
        Verdict("better", sentence="blue raises visit from 2 to 3.", subject="blue"),
        Verdict("worse", sentence="red lowers visit from 2 to 1.", subject="red"),
        Verdict("better", sentence="blue raises spend from 7 to 8.", subject="blue"),
        Verdict("not enough evidence", "It would take more.", "blue has clicks 5 against 4.", "blue"),
    ]
    blue, red = Page("Test", verdicts=verdicts).lines
    assert (blue.subject, red.subject) == ("blue", "red")
    assert [part.sentence for part in blue.parts] == [
        "raises visit from 2 to 3; raises spend from 7 to 8.",
        "has clicks 5 against 4.",
    ]
    html = Page("Test", verdicts=verdicts).html()
    assert html.count("<li>") == 2
    assert html.count("It would take more.") == 1


def test_abbreviations_are_spelled_at_their_first_use_and_explained_where_they_are_used() -> None:
    rates = pl.DataFrame({"metric": ["ctr", "cpc"], "value": [0.1, 0.2]})
    page = Page(
        "Rates",
        summary="CTR 10 %. CTR is high in arm DM.",
        tables=[Table("Rates", rates)],
        method=[Passage("Adjustment", "CUPED by regression."), Passage("Bids", "Of money (ROAS).")],
    )
    text = Elements(page.html()).text
    assert "CTR (click-through rate) 10\u00a0%. CTR is high in arm DM." in text.replace(" %", "\u00a0%")
    assert "CPC: cost per click." in text
    assert "CUPED (controlled experiment using pre-experiment data) by regression." in text
    assert "Of money (ROAS, return on ad spend)." in text
    assert "clicks by impressions" in text
    assert "direct method" not in text
    assert "doubly robust" not in text


def test_a_reason_is_said_where_it_says_more_than_the_difference() -> None:
    seen = "the difference is +2.0 % [-1.0, +5.0] (95 % interval), p 0.2: it may be 0"
    page = Page(
        "Test",
        verdicts=[
            Verdict("better", "the difference is +3 % (95 % interval)", "first"),
            Verdict("better", "Spend was chosen by somebody", "second"),
            Verdict("not enough evidence", f"{seen}; about 90 units would do", "third"),
            Verdict("not enough evidence", "only 2 days", "fourth"),
        ],
    )
    assert [line.parts[0].reason for line in page.lines] == [
        "",
        "Spend was chosen by somebody.",
        "About 90 units would do.",
        "Only 2 days.",
    ]


def test_tables_and_headings_can_be_read_aloud() -> None:
    elements = Elements(page_of("shop").html())
    assert elements.tags["caption"] == elements.tags["table"] == 3
    scopes = [value for tag, name, value in elements.attributes if tag == "th" and name == "scope"]
    assert set(scopes) == {"col", "row"}
    assert elements.tags["h1"] == elements.tags["main"] == 1
    ids = [value for _, name, value in elements.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    labelled = [
        part for _, name, value in elements.attributes if name == "aria-labelledby" for part in value.split()
    ]
    assert set(labelled) <= set(ids)
    assert ("html", "lang", "en") in elements.attributes


def test_a_page_of_nothing_but_a_title_is_a_page() -> None:
    elements = Elements(Page("Only a title").html())
    assert not elements.unbalanced
    assert "Only a title" in elements.text
    assert "NaN" not in elements.text


def test_the_appendix_says_how_it_was_made() -> None:
    page = Page(
        "Rates",
        command_line="adcli evaluate rates log.csv --by placement",
        method=[Passage("Rates", "R = ΣC/ΣP")],
        inputs=[File("log.csv", 541_909, 1_000, "ab" * 32)],
        versions={"adcli": "0.1.0"},
        seed=7,
    )
    text = Elements(page.html()).text
    for part in (
        "adcli evaluate rates log.csv --by placement",
        "R = ΣC/ΣP",
        "541,909",
        "abababababababab",
        "0.1.0",
        "7",
    ):
        assert part in text
    assert "ab" * 32 not in text


def test_words_of_the_command_stand_as_code_in_the_method_and_stay_escaped() -> None:
    html = Page(
        "Rates", method=[Passage("Verdicts", "`better` needs <p> below `0.05`; a lone ` stays.")]
    ).html()
    assert "<code>better</code> needs &lt;p&gt; below <code>0.05</code>; a lone ` stays." in html
