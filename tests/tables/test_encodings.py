"""Text is read in the encoding it is in; what cannot be decoded costs its row, not the file."""

import unicodedata

import pytest
from legacy_texts import legacy_texts

from adcli.errors import DataError

HEADER = "event_time,user_id,event_type,text\n"
GERMAN = HEADER + "2024-01-01,u1,view,Größe für Käse\n" * 20
CHINESE = HEADER + "2024-01-01,u1,view,简约而不简单的牛仔外套\n" * 20


@pytest.mark.parametrize(
    ("text", "codec", "said"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8-sig", "UTF-8 with BOM"),
        (GERMAN, "utf-16", "UTF-16"),
        (GERMAN, "utf-16-le", "UTF-16 without BOM"),
        (GERMAN, "utf-16-be", "UTF-16 without BOM"),
        (GERMAN, "utf-32", "UTF-32"),
        (GERMAN, "cp1252", "Latin-1"),
        (CHINESE, "gb18030", "GB18030"),
        (CHINESE, "utf-16", "UTF-16"),
    ],
)
def test_the_encoding_is_recognised_and_said(read, text, codec, said):
    got = read(text.encode(codec))
    assert got.frame["text"].unique().to_list() == [text.splitlines()[1].split(",")[3]]
    assert got.rejects.is_empty()
    assert said in got.stream.notes[0]


@pytest.mark.parametrize(
    ("word", "codec", "said"),
    [(word, "cp1252", "Latin-1") for word in ("Größe", "Café – “x”", "£12.99", "20 °C", "résumé")]
    + [(word, "gb18030", "GB18030") for word in ("男士 T恤 蓝色", "牛仔外套蓝色")]
    + [("枕カバー", "cp932", "Shift-JIS"), ("ワンピース", "iso2022_jp", "ISO-2022-JP")],
)
def test_one_short_word_is_enough_where_it_can_be_one_only(read, word, codec, said):
    got = read(f"{HEADER}2024-01-01,u1,view,the {word}\n".encode(codec))
    assert got.frame["text"].to_list() == [f"the {word}"]
    assert said in got.stream.notes[0]


@pytest.mark.parametrize(
    ("word", "codec", "others"),
    [
        ("jalapeño", "cp1252", ["Latin-1 (Windows-1252)", "'jalapeńo': --encoding cp1250"]),
        ("衣", "gb18030", ["GB18030", "Windows-874"]),
        ("上衣", "gb18030", ["'上衣': --encoding gb18030", "--encoding koi8-u"]),
        ("свеча", "cp1251", ["Windows-1251", "Windows-1255"]),
    ],
)
def test_one_short_word_that_can_be_several_is_not_guessed(read, word, codec, others):
    content = f"{HEADER}2024-01-01,u1,view,{word}\n".encode(codec)
    with pytest.raises(DataError) as refused:
        read(content)
    assert not [one for one in others if one not in str(refused.value)]
    assert read(content, encoding=codec).frame["text"].to_list() == [word]


@pytest.mark.parametrize(
    "legacy", list(legacy_texts((3, 10))), ids=lambda one: f"{one.language} {one.codec} {one.size}"
)
def test_no_text_is_read_in_a_wrong_encoding(read, legacy):
    try:
        got = read(legacy.data)
    except DataError as refused:
        assert "--encoding" in str(refused)  # noqa: PT017
    else:
        assert [unicodedata.normalize("NFC", text) for text in got.frame["text"]] == legacy.texts


def test_the_encoding_given_wins(read):
    content = (HEADER + "2024-01-01,u1,view,Ł 5\n").encode("iso8859-2")
    assert read(content, encoding="iso8859-2").frame["text"].to_list() == ["Ł 5"]
    assert read(content, encoding="cp1252").frame["text"].to_list() == ["£ 5"]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised_in_any_script(read, codec):
    content = (HEADER + "2024-01-01,u1,view,Женские туфли 上衣\n" * 3).encode(codec)
    assert read(content).frame["text"][0] == "Женские туфли 上衣"
    assert read(content, encoding="utf-16").frame["text"][0] == "Женские туфли 上衣"


def test_what_has_no_mark_is_not_read_as_an_encoding_that_needs_one(read):
    with pytest.raises(DataError, match="no byte order mark"):
        read(HEADER.encode() + b"2024-01-01,u1,view,x\n", encoding="utf-16")


def test_a_late_byte_that_is_not_utf8_rejects_its_row_only(read):
    rows = b"2024-01-01,u1,view,plain\n" * 60_000
    got = read(HEADER.encode() + rows + b"2024-01-01,u2,view,caf\xe9\n" + rows)
    assert got.frame.height == 120_000
    assert got.reasons == [(60_002, "not in the encoding of the input (byte 23 of the line)")]
    assert got.rejects["raw"][0].endswith(r"caf\xe9")


def test_damage_in_a_file_full_of_utf8_is_damage_and_not_latin_1(read):
    content = CHINESE.encode() + "2024-01-01,u2,view,简约".encode()[:-1] + b"\n"
    got = read(content)
    assert got.frame.height == 20
    assert [reason.split(" (")[0] for _, reason in got.reasons] == ["not in the encoding of the input"]


def test_undecodable_gb18030_rejects_its_row_only(read):
    got = read(CHINESE.encode("gb18030") + b"2024-01-01,u2,view,\xff\xff\n", encoding="gb18030")
    assert (got.frame.height, len(got.reasons)) == (20, 1)


def test_an_unknown_encoding_is_wrong_usage(read):
    from adcli.errors import UsageError

    with pytest.raises(UsageError, match="--encoding klingon: there is no such encoding"):
        read(GERMAN, encoding="klingon")
