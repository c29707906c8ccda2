"""Files for upload: the platforms' own columns, links that tell ads apart, and nothing a platform would refuse."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.channels import CHANNELS, FIELDS
from adcli.copy.wording import sayable
from adcli.errors import DataError, UsageError
from adcli.generate.export_checks import problems
from adcli.generate.exports import export_file, exported, exports, uploadable
from adcli.generate.links import slug, tagged, with_final_urls

PRODUCTS = pl.DataFrame(
    {
        "item_id": ["1", "2", "3"],
        "title": ["+Size Steel Kettle", "Mug", "Lamp"],
        "url": ["https://shop.example/kettle?id=7&utm_source=old#top", "https://shop.example/mug", None],
    }
)


def ads_of(channel):
    """Two ads of the kettle, one of the mug and one of the lamp, which has no page."""
    form, about = CHANNELS[channel], ["Kettle", "Kettle", "Mug", "Lamp"]
    numbers = range(len(about))
    texts = {
        kind: [[f"{name} {kind[:4]} {place}" for place in range(getattr(form, kind).least)] for name in about]
        for kind in FIELDS
    }
    ads = pl.DataFrame(
        {
            "ad_id": [f"a{number}" for number in numbers],
            "item_id": ["1", "1", "2", "3"],
            "segment_id": [None, "s1", None, None],
            "channel": channel,
            "headline": [texts["headlines"][row][0] for row in numbers],
            "description": [texts["descriptions"][row][0] for row in numbers],
            **texts,
        },
        schema_overrides=dict.fromkeys(FIELDS, pl.List(pl.String)),
    )
    return with_final_urls(ads, PRODUCTS, "Spring Sale, 夏")


FILES = [(platform, file) for platform, files in exports().items() for file in files.values()]
EACH_FILE = pytest.mark.parametrize("file", [file for _, file in FILES], ids=lambda file: file.channel.name)


def content_of(file, ads=None):
    fit = uploadable(ads_of(file.channel.name) if ads is None else ads, file.channel)
    return exported(fit, PRODUCTS, file, campaign="Spring Sale", business_name="Acme")


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@EACH_FILE
def test_a_file_reads_back_as_the_platform_wants_it(file):
    content = content_of(file)
    assert problems(content, file) == []
    rows = rows_of(content)[bool(file.first_row) :]
    assert len(rows) == 3  # the lamp leads nowhere
    link = next(header for header, field in file.columns.items() if field == "final_url")
    for ad_id, row in zip(["a0", "a1", "a2"], rows, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
        tags = {name: values[0] for name, values in parse_qs(urlsplit(row[link]).query).items()}
        assert tags["utm_campaign"] == "spring-sale"
        assert tags["utm_content"] == ad_id
        assert tags["utm_source"] == file.channel.utm[0]
    assert rows[0][link].endswith("#top")
    groups = [row.get("Ad Group") or row.get("Asset Group") or row["Ad Set Name"] for row in rows]
    assert all(group.startswith("Plus Size Steel Kettle | 1") for group in groups[:2])
    assert groups[0] != groups[1]


def test_google_search_has_the_headers_of_ads_editor():
    file = export_file("google-ads-editor", "google-search")
    assert list(file.columns) == [
        "Campaign", "Ad Group", "Ad type", *[f"Headline {n}" for n in range(1, 16)],
        *[f"Description {n}" for n in range(1, 5)], "Path 1", "Path 2", "Final URL", "Status",
    ]  # fmt: skip
    row = rows_of(content_of(file))[0]
    assert (row["Campaign"], row["Ad type"]) == ("Spring Sale", "Responsive search ad")
    assert row["Status"] == "Paused"
    assert [row["Headline 1"], row["Headline 3"], row["Headline 4"]] == ["Kettle head 0", "Kettle head 2", ""]


def test_performance_max_has_the_headers_of_an_asset_group():
    file = export_file("google-ads-editor", "google-pmax", business_name="Acme")
    row = rows_of(content_of(file))[0]
    headers = {"Asset Group", "Long headline 1", "Long headline 5", "Description 5", "Asset Group Status"}
    assert headers <= set(row)
    assert row["Business name"] == "Acme"


def test_microsoft_takes_texts_as_json_below_the_format_version():
    file = export_file("microsoft-editor", "microsoft-search")
    version, row, *_ = rows_of(content_of(file))
    assert (version["Type"], version["Name"]) == ("Format Version", "6.0")
    assert row["Type"] == "Responsive Search Ad"
    assert json.loads(row["Headline"]) == [{"text": f"Kettle head {n}"} for n in range(3)]


def test_meta_calls_the_first_text_body():
    file = export_file("meta-bulk", "meta-feed")
    row = rows_of(content_of(file))[0]
    assert (row["Title"], row["Body"], row["Ad Name"]) == ("Kettle head 0", "Kettle desc 0", "a0")
    assert row["Ad Status"] == "PAUSED"


BROKEN = {
    "twice in the header": ("Path 2", "Path 1"),
    "no column that the platform documents": ("Headline 9", "Headlines 9"),
    "long": ("Kettle head 1", "日" * 16),
    "few": ("Kettle head 1", ""),
    "repeated": ("Kettle head 1", "Kettle head 0"),
    "a formula to a spreadsheet": ("Kettle head 1", "=Kettle"),
    "a line break or control character": ("Kettle head 1", '"Kettle\nhead"'),
    "not 'Paused'": ("Paused", "Enabled"),
    "empty": ("Spring Sale", ""),
    "no utm_content": ("utm_content", "content"),
    "no address of a page": ("https://", "shop/"),
    "character": ("Kettle head 1", "Buy a Kettle!"),
    "27 cells under 26 headers": ("Paused", "Paused,x"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_validator_says_what_a_platform_would_refuse(what):
    file = export_file("google-ads-editor", "google-search")
    content = content_of(file).decode("utf-8-sig").replace(*BROKEN[what], 1)
    assert what in {problem.what for problem in problems(content.encode("utf-8-sig"), file)}


def test_the_validator_knows_encodings_the_format_version_and_when_there_is_no_ad():
    file = export_file("microsoft-editor", "microsoft-search")
    content = content_of(file)
    assert "byte order mark" in problems(content[3:], file)[0].what
    assert "format version" in problems(content.replace(b"Format Version", b"Format", 1), file)[0].what
    assert problems(content.replace(b'""text""', b'""txt""', 1), file)
    assert problems(b"\r\n".join(content.split(b"\r\n")[:2]), file)[0].what == "no ad is in it"


@given(
    texts=st.lists(st.text(st.sampled_from("aB 日é=+-@,\"'!\n"), max_size=34), max_size=17),
    channel=st.sampled_from(["google-search", "microsoft-search"]),
)
def test_what_is_held_to_be_uploadable_is_never_refused(texts, channel):
    file = next(file for _, file in FILES if file.channel.name == channel)
    said = [sayable(" ".join(text.split())) for text in texts]
    ads = ads_of(channel).with_columns(pl.Series("headlines", [said] * 4, pl.List(pl.String)))
    try:
        fit = uploadable(ads, file.channel)
    except DataError:
        return
    assert problems(exported(fit, PRODUCTS, file, campaign="c"), file) == []


@given(st.text(st.sampled_from("=+-@＝＋ aZ5日"), max_size=12))
def test_no_text_begins_as_a_formula(text):
    assert not sayable(text).startswith(("=", "+", "-", "@", " "))


def test_signs_are_said_or_left_out():
    assert sayable("-18 °C all night") == "Minus 18 °C all night"
    assert sayable("+2个替芯") == "加2个替芯"
    assert sayable("=@home") == "At home"


def test_ads_without_a_page_are_an_error_only_where_all_are():
    ads = ads_of("google-search").with_columns(pl.lit(None, pl.String).alias("final_url"))
    with pytest.raises(DataError, match="No ad leads to a page"):
        uploadable(ads, CHANNELS["google-search"])


def test_links_keep_what_they_had_but_for_tags():
    link = tagged("https://shop.example/a?x=1&y=&utm_term=old", ("bing", "cpc"), "Été", "A1")
    assert link == (
        "https://shop.example/a?x=1&y=&utm_source=bing&utm_medium=cpc&utm_campaign=ete&utm_content=a1"
    )
    assert tagged("https://shop.example/a", (), "c", "1") == "https://shop.example/a"
    assert slug("夏季") == ""


def test_what_no_platform_takes_is_one_sentence():
    with pytest.raises(UsageError, match="Did you mean 'google-ads-editor'"):
        export_file("google-editor", "google-search")
    with pytest.raises(UsageError, match="takes no ads of --channel email"):
        export_file("meta-bulk", "email")
    with pytest.raises(UsageError, match="--business-name"):
        export_file("google-ads-editor", "google-display")
