"""Workbooks are read as their sheets show them: typed cells, text ids, titles, totals, the row's number."""

import datetime as dt
import io
import sys
import zipfile

import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.memory import table_bytes

pytest.importorskip("fastexcel")

_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs '
    'count="3"><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="20"/></cellXfs></styleSheet>',
}
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def cell(value, column, row):
    place = f'r="{chr(65 + column)}{row}"'
    if isinstance(value, str):
        return f'<c {place} t="inlineStr"><is><t>{value}</t></is></c>'
    style = 0
    if isinstance(value, dt.datetime):
        value, style = (value - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1), 1  # noqa: DTZ001
    elif isinstance(value, dt.time):
        value, style = (value.hour * 60 + value.minute) / 1440, 2
    return f'<c {place} s="{style}"><v>{value!r}</v></c>'


def workbook(**sheets):
    """Bytes of an xlsx file with these sheets, each a list of rows."""
    buffer = io.BytesIO()
    names = list(sheets)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in _PARTS.items():
            archive.writestr(path, text)
        listed = "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(names, 1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        )
        targets = "".join(
            f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        targets += f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f"{targets}</Relationships>",
        )
        for i, name in enumerate(names, 1):
            rows = "".join(
                f'<row r="{r}">{"".join(cell(v, c, r) for c, v in enumerate(row) if v is not None)}</row>'
                for r, row in enumerate(sheets[name], 1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
            )
    return buffer.getvalue()


HEADER = ["event_time", "user_id", "event_type", "item_id", "revenue", "visits"]
NINE = dt.datetime(2024, 3, 4, 9, 30, 15)  # noqa: DTZ001


def test_cells_are_read_by_their_types(read):
    rows = [
        HEADER,
        [NINE, 1000.0, "purchase", "007", 1.234, 3.0],
        [NINE, 1001.0, "purchase", "'0987", 2.5, 4.0],
    ]
    got = read(workbook(Orders=rows), name="orders.xlsx")
    assert got.frame["event_time"].dt.strftime("%FT%T").to_list() == ["2024-03-04T09:30:15"] * 2
    assert got.frame["user_id"].to_list() == ["1000", "1001"]
    assert got.frame["item_id"].to_list() == ["007", "0987"]
    assert [str(value).rstrip("0") for value in got.frame["revenue"]] == ["1.234", "2.5"]
    assert got.frame["visits"].to_list() == [3, 4]
    assert "sheet 'Orders' of a workbook" in got.stream.notes[0]


def test_a_date_and_a_time_of_day_in_two_cells_are_one_time(read):
    day = dt.datetime(2024, 3, 4)  # noqa: DTZ001
    rows = [["date", "time", "user_id", "event_type"], [day, dt.time(9, 30), "u", "view"]]
    got = read(workbook(Log=rows))
    assert got.frame["event_time"].dt.strftime("%F %R").to_list() == ["2024-03-04 09:30"]


def test_rejected_rows_have_the_number_that_the_sheet_shows(read):
    rows = [
        ["Export of March"], [], HEADER[:3], [NINE, "u1", "view"], [], [NINE, None, "view"], ["soon", "u3", "view"],
    ]  # fmt: skip
    got = read(workbook(Log=rows))
    assert got.frame.height == 1
    assert got.reasons == [(6, "user_id: missing"), (7, "event_time: not a time: 'soon'")]
    assert "2 rows above the header" in got.stream.notes[0]
    assert got.stream.inputs[0].read_as["format"]["sheet"] == "Log"


def test_a_report_of_an_ad_platform_loses_its_titles_and_totals(read):
    rows = [
        ["Campaign report"], ["1 March 2024 - 2 March 2024"],
        ["Day", "Campaign", "Impressions", "Clicks", "Cost"],
        ["2024-03-01", "A", 1000.0, 10.0, 5.5], ["2024-03-02", "A", 2000.0, "--", 6.25],
        ["Total: account", None, 3000.0, 10.0, 11.75],
    ]  # fmt: skip
    got = read(workbook(Sheet1=rows), tables=["report"])
    assert got.frame["impressions"].to_list() == [1000, 2000]
    assert got.frame["clicks"].to_list() == [10, None]
    assert got.rejects.height == 1


def test_several_sheets_with_cells_are_named_and_one_is_asked_for(read):
    rows = [HEADER[:3], [NINE, "u1", "view"]]
    book = workbook(June=rows, Notes=[], July=[*rows, *rows[1:]])
    with pytest.raises(DataError, match=r"several sheets with cells: June, July.*--sheet"):
        read(book)
    assert read(book, sheet="July").frame.height == 2
    with pytest.raises(UsageError, match=r"--sheet Juli.*it has June, Notes, July.*July"):
        read(book, sheet="Juli")
    assert read(workbook(June=rows, Notes=[])).frame.height == 1


def test_layouts_of_text_have_no_effect_on_workbooks_nor_sheets_on_texts(read):
    book = workbook(Log=[HEADER[:3], [NINE, "u1", "view"]])
    assert list(read(book, delimiter=";").stream.idle_options()) == ["delimiter"]
    assert list(read(book, encoding="cp1252").stream.idle_options()) == ["encoding"]
    text = "event_time,user_id,event_type\n2024-01-01,u,view\n"
    assert list(read(text, sheet="A").stream.idle_options()) == ["sheet"]
    assert not read(book, sheet="Log").stream.idle_options()


def test_a_bomb_is_refused_before_it_takes_memory(read):
    book = io.BytesIO(workbook(Log=[HEADER[:3], [NINE, "u1", "view"]]))
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", " " * (200 << 20))
    with pytest.raises(DataError, match=r"bomb|more memory than there is"):
        read(book.getvalue())
    with pytest.raises(DataError, match="--memory"):
        read(workbook(Log=[HEADER[:3], [NINE, "u" * 100_000, "view"]]), memory=100_000)
    assert table_bytes("1MB") == 1 << 20


@pytest.mark.parametrize(
    "harm", [lambda data: data[:-400], lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)]
)
def test_a_damaged_workbook_is_one_sentence(read, harm):
    with pytest.raises(DataError, match="workbook cannot be read") as refused:
        read(harm(workbook(Log=[HEADER[:3], [NINE, "u1", "view"]])))
    assert "\n" not in str(refused.value)


def test_without_fastexcel_the_extra_is_named(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(DataError, match=r"adcli\[excel\]"):
        read(workbook(Log=[HEADER[:3]]))
