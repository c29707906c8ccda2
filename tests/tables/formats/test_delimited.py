"""Delimited text: every physical oddity is either read right or rejected with its line number."""

import csv
import io

import pytest

from adcli.errors import DataError, UsageError
from adcli.tables.formats import blocks

HEADER = "event_time,user_id,event_type,text\n"


def row(user="u1", text="x"):
    return f"2024-01-01 10:00:00,{user},view,{text}\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
def test_line_ends_of_all_kinds(read, ending, final):
    content = (HEADER + row("a") + row("b")).replace("\n", ending)
    got = read(content if final else content.removesuffix(ending))
    assert got.frame["user_id"].to_list() == ["a", "b"]
    assert got.frame["text"].to_list() == ["x", "x"]
    assert got.rejects.is_empty()


@pytest.mark.parametrize(("delimiter", "said"), [(",", "','"), (";", "';'"), ("\t", "tab"), ("|", "'|'")])
def test_the_delimiter_is_read_off_the_header(read, delimiter, said):
    got = read((HEADER + row("a", "1")).replace(",", delimiter))
    assert got.frame.row(0)[1:] == ("a", "view", "1")
    assert f"CSV, {said}" in got.stream.notes[0]


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\n', "\nsep=;\r\n"])
def test_the_line_by_which_spreadsheets_name_the_delimiter_is_no_header(read, line):
    got = read(
        line + "item_id;title, in short\n1;A\n2\n",
        tables=["products"],
        column_map={"title": "title, in short"},
    )
    assert got.frame.rows() == [("1", "A")]
    assert got.reasons == [(line.count("\n") + 3, "too few fields (1 of 2)")]


def test_the_delimiter_given_wins(read):
    content = "event_time~user_id~event_type~a,b,c,d,e\n2024-01-01~u~view~1\n"
    assert read(content, delimiter="~").frame["a,b,c,d,e"].to_list() == ["1"]


def test_a_decimal_comma_beside_semicolons_is_no_delimiter(read):
    got = read("event_time;user_id;event_type;price\n2024-01-01;u;view;12,50\n2024-01-01;u;view;3\n")
    assert [str(price) for price in got.frame["price"]] == ["12.500000000000000000", "3.000000000000000000"]


INCHES = 'event_time\tuser_id\tevent_type\ttext\n2024-01-01\tu\tview\t"Sturdy\n2024-01-02\tv\tview\t27" wide\n2024-01-03\tw\tview\tBest"\n'


def test_quotes_of_tab_separated_texts_that_enclose_nothing_are_text(read):
    got = read(INCHES)
    assert got.frame["text"].to_list() == ['"Sturdy', '27" wide', 'Best"']
    assert "quotes are text" in got.stream.notes[0]
    quoted = read('event_time\tuser_id\tevent_type\ttext\n2024-01-01\tu\tview\t"a\tb\nc"\n')
    assert quoted.frame["text"].to_list() == ["a\tb\nc"]


def test_the_quote_given_wins(read):
    assert read(INCHES, quote='"').frame.height < 3
    got = read("event_time,user_id,event_type,text\n2024-01-01,u,view,'a,b'\n", quote="'")
    assert got.frame["text"].to_list() == ["a,b"]
    got = read('event_time,user_id,event_type,text\n2024-01-01,u,view,"a"\n', quote="none")
    assert got.frame["text"].to_list() == ['"a"']
    with pytest.raises(UsageError, match="--quote"):
        read(INCHES, quote="x")


def test_quoted_fields_hold_delimiters_quotes_and_line_ends(read):
    texts = ["a,b", 'say "x"', "two\nlines", "win\r\ndows", "", '"', "é,日本"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER.strip().split(","))
    for text in texts:
        writer.writerow(["2024-01-01", "u", "view", text])
    got = read(buffer.getvalue())
    assert got.frame["text"].to_list() == [text or None for text in texts]


def test_lines_are_numbered_as_an_editor_numbers_them(read):
    got = read(HEADER + row(text='"two\nlines"') + "\n" + "short\n" + row() + "2024-01-01,u\n")
    assert got.reasons == [(5, "too few fields (1 of 4)"), (7, "too few fields (2 of 4)")]
    assert got.rejects["raw"].to_list() == ["short", "2024-01-01,u"]


def test_rows_with_too_many_fields_are_rejected_whole(read):
    got = read(HEADER + row() + row(text="x,y") + row())
    assert got.frame.height == 2
    assert got.reasons == [(3, "too many fields (5 of 4)")]


@pytest.mark.parametrize(
    "content", [HEADER + row() + "2024-01-01,u", HEADER + row() + '2024-01-01,u,view,"open']
)
def test_a_last_row_that_was_cut_off_is_rejected_and_said_to_be(read, content):
    got = read(content)
    assert got.frame.height == 1
    (line, reason), *others = got.reasons
    assert (line, others) == (3, [])
    assert "the input ends inside this row" in reason


def test_an_unclosed_quote_costs_its_own_line_only(read):
    got = read(HEADER + row("a") + row("b", '"open') + row("c") + row("d", '"fine"') + row("e"))
    assert got.frame["user_id"].to_list() == ["a", "c", "d", "e"]
    assert [line for line, _ in got.reasons] == [3]


def test_an_unclosed_quote_without_any_later_quote_costs_its_own_line_only(read):
    got = read(HEADER + row("b", '"open') + row("c") * 1000)
    assert got.frame.height == 1000
    assert got.reasons == [(2, "a quote is opened and never closed")]


def test_a_quote_inside_an_unquoted_field_is_just_a_character(read):
    got = read(HEADER + row(text='5" pipe') + row(text='a "b" c') + row(text='"quoted, too"'))
    assert got.frame["text"].to_list() == ['5" pipe', 'a "b" c', "quoted, too"]


def test_text_after_a_closing_quote_rejects_the_row(read):
    got = read(HEADER + row("a", '"x"y') + row("b"))
    assert got.frame["user_id"].to_list() == ["b"]
    assert got.reasons == [(2, "a quote stands in the wrong place")]


def test_a_nul_byte_rejects_its_row_only(read):
    got = read(HEADER + row("a") + row("b", "x\0y") + row("c"))
    assert got.frame["user_id"].to_list() == ["a", "c"]
    assert got.reasons == [(3, "a NUL byte")]


@pytest.mark.parametrize(
    "again", [HEADER, "\ufeff" + HEADER, '\ufeff"event_time","user_id",event_type,text\n'], ids=repr
)
def test_a_repeated_header_line_is_rejected(read, again):
    got = read(HEADER + row("a") + again + row("b"))
    assert got.frame["user_id"].to_list() == ["a", "b"]
    assert got.reasons == [(3, "the header line again")]


def test_a_column_named_twice_is_an_error(read):
    with pytest.raises(DataError, match="line 1: the header names the column 'user_id' twice"):
        read("event_time,user_id,user_id,event_type\n")


def test_columns_without_a_name_are_named_by_their_place(read):
    got = read(",event_time,user_id,event_type,\n0,2024-01-01,u,view,z\n")
    assert got.frame.columns == ["event_time", "user_id", "event_type", "column_1", "column_5"]


def test_a_file_without_header_can_be_mapped_by_place(read):
    names = {"user_id": "column_1", "event_time": "column_2"}
    got = read("7,20240101\n8,20240102\n", column_map=names, constants={"event_type": "view"})
    assert got.frame["user_id"].to_list() == ["7", "8"]
    assert "no header line" in got.stream.notes[0]


def test_a_first_line_with_a_number_and_no_known_name_is_no_header(read):
    names = {"user_id": "column_1", "item_id": "column_2", "event_type": "column_4", "event_time": "column_5"}
    got = read("1,2268318,2520377,pv,1511544070\n1,2333346,2520771,buy,1511561733\n", column_map=names)
    assert got.frame["event_type"].to_list() == ["view", "purchase"]


def test_a_line_too_long_to_hold_is_rejected_and_reading_goes_on(read, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 5000)
    content = (
        HEADER + row("a") * 10 + row("b", "x" * 20_000) + row("c") * 10 + row("d", "y" * 5_500) + row("e")
    )
    got = read(content)
    assert got.frame["user_id"].to_list() == ["a"] * 10 + ["c"] * 10 + ["e"]
    assert [line for line, _ in got.reasons] == [12, 23]
    assert all(reason.startswith("a line too long") for _, reason in got.reasons)
    assert got.rejects["raw"].str.len_chars().max() <= 200


def test_blocks_join_without_a_seam(read, monkeypatch):
    content = HEADER + "".join(
        row(f"u{i}", text) for i, text in enumerate(['"two\nlines"', "plain", '"a ""b"""', 'in"ch', "é"] * 60)
    )
    whole = read(content)
    for size in (64, 100, 257, 1000):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        got = read(content)
        assert got.frame.equals(whole.frame)
        assert got.reasons == whole.reasons == []


def test_an_input_that_ends_exactly_with_a_block_loses_nothing(read, monkeypatch):
    content = (HEADER + row("a") + row("b", '"open') + row("c")).encode()
    monkeypatch.setattr(blocks, "BLOCK_BYTES", len(content))
    got = read(content)
    assert got.frame["user_id"].to_list() == ["a", "c"]
    assert [line for line, _ in got.reasons] == [3]


def test_empty_lines_are_no_rows(read):
    got = read("\n" + HEADER + "\n" + row() + "\r\n\n" + row() + "\n\n")
    assert got.stream.rows_read == 2


def test_empty_fields_are_null_and_blanks_are_kept(read):
    got = read("event_time,user_id,event_type,text,other\n2024-01-01,u,view, a ,\n2024-01-01,u,view,, b\n")
    assert got.frame["text"].to_list() == [" a ", None]
    assert got.frame["other"].to_list() == [None, " b"]


def test_leading_zeros_and_long_numbers_stay(read):
    got = read("event_time,user_id,event_type,other\n2024-01-01,00123,view,12345678901234567890123\n")
    assert got.frame.row(0)[1] == "00123"
    assert got.frame["other"].to_list() == ["12345678901234567890123"]


def test_aligned_columns_are_read_only_when_asked_for(read):
    content = " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n 00021 0002\r\n"
    with pytest.raises(DataError, match=r"aligned with blanks. If they are, read it with --format aligned"):
        read(content)
    got = read(
        content,
        format="aligned",
        column_map={"user_id": "column_1", "event_time": "column_3", "revenue": "column_5"},
        constants={"event_type": "purchase"},
    )
    assert got.frame["user_id"].to_list() == ["00004", "00004"]
    assert got.reasons == [(3, "too few fields (2 of 5)")]


def test_aligned_columns_may_have_a_header(read):
    got = read("user_id  event_time event_type\n u1 2024-01-01   view\n", format="aligned")
    assert got.frame["user_id"].to_list() == ["u1"]


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_stray_quote_far_inside_swallows_no_row(read, delimiter):
    lines = (HEADER + row() * 60_000).split("\n")
    lines[50_000] = row(text='"Sturdy').strip()
    lines[50_010] = row(text='screen 27"').strip()
    lines[55_000], lines[55_004] = row('"u').strip(), row('u"').strip()
    got = read("\n".join(lines).replace(",", delimiter))
    assert got.stream.rows_read == 60_000
    if delimiter == "\t":
        assert got.rejects.is_empty()
        assert got.frame["text"][49_999] == '"Sturdy'
    else:
        why = "a quote is opened that only another row closes"
        assert got.reasons == [(50_001, why), (55_001, why)]


def test_quotes_of_tab_separated_texts_are_one_thing_in_all_of_the_file(read):
    fields = "\t".join(["2024-01-01", "u", "view", '"Great"'])
    stray = "\t".join(["2024-01-01", "u", "view", '"Great" it said'])
    got = read("\n".join([HEADER.strip().replace(",", "\t"), *[fields] * 60_000, stray, ""]))
    assert got.frame["text"].unique().sort().to_list() == ['"Great"', '"Great" it said']


def test_prose_of_several_lines_with_commas_is_one_field(read):
    text = '"red, green, blue, black\ngrey, white, pink, gold"'
    assert read(HEADER + row(text=text)).frame["text"].to_list() == [text.strip('"')]


def test_an_escape_makes_the_next_character_text(read):
    got = read(HEADER + row(text='"27\\" wide, flat"') + row(text="a\\,b") + row(text="\\N"), escape="\\")
    assert got.frame["text"].to_list() == ['27" wide, flat', "a,b", None]
    got = read(HEADER.replace(",", "\t") + "2024-01-01\tu\tview\ta\\\tb\n", escape="\\", quote="none")
    assert got.frame["text"].to_list() == ["a\tb"]


def test_comments_are_no_rows_but_inside_a_field(read):
    got = read('# made by "x\n' + HEADER + row() + row(text='"two\n#lines"') + "#" + row(), comment="#")
    assert got.frame["text"].to_list() == ["x", "two\n#lines"]
    assert got.stream.rows_read == 2


def test_lines_above_the_table_are_skipped(read):
    got = read('{"a": 1}\nnot, "this\n' + HEADER + row() + row(user=""), skip_lines=2)
    assert (got.frame.height, got.reasons) == (1, [(5, "user_id: missing")])
    numbers = read("x\n1,2,3\n4,5,6\n", skip_lines=1, tables=["units"], column_map={"variant": "column_1"})
    assert numbers.frame["variant"].to_list() == ["1", "4"]
    with pytest.raises(DataError, match="no line but those skipped"):
        read(HEADER, skip_lines=9)


@pytest.mark.parametrize("options", [{"escape": "xx"}, {"escape": '"'}, {"comment": ",", "delimiter": ","}])
def test_signs_that_cannot_be_are_wrong_usage(read, options):
    with pytest.raises(UsageError, match="must be one ASCII character"):
        read(HEADER + row(), **options)


def test_a_stray_quote_in_a_table_of_two_columns_swallows_no_row(read):
    got = read('item_id,title\n1,"Lamp\n2,Desk\n3,Chair"\n4,Sofa\n', tables=["products"])
    assert got.frame["item_id"].to_list() == ["2", "3", "4"]
    assert [line for line, _ in got.reasons] == [2]
    got = read('item_id,title\n1,"Lamp\nof red steel, with a shade"\n2,Desk\n', tables=["products"])
    assert got.frame["title"].to_list() == ["Lamp\nof red steel, with a shade", "Desk"]
