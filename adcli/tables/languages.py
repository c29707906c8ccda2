"""In which encoding a text without a mark is written: the one in which it is text of a language.

chardet says how likely the pairs of letters are in each encoding. Here an encoding is taken only if its
letters are those of a language, and if every other in which they could be text as well is far less likely, or
has several words more that no language writes so. Else all that are possible are named.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

ENCODINGS: Final = {  # what chardet may find, in the order of how common they are
    "cp1252": "Latin-1 (Windows-1252)", "iso8859-15": "Latin-9 (ISO 8859-15)", "gb18030": "GB18030",
    "cp932": "Shift-JIS", "euc_jis_2004": "EUC-JP", "cp949": "EUC-KR", "big5hkscs": "Big5",
    "cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1253": "Windows-1253", "cp1254": "Windows-1254",
    "cp1255": "Windows-1255", "cp1256": "Windows-1256", "cp1257": "Windows-1257", "cp874": "Windows-874",
    "iso8859-2": "Latin-2 (ISO 8859-2)", "iso8859-7": "ISO 8859-7", "koi8-u": "KOI8",
    "cp1258": "Windows-1258", "iso8859-4": "ISO 8859-4", "iso8859-5": "ISO 8859-5",
    "iso8859-6": "ISO 8859-6", "cp850": "DOS 850", "cp852": "DOS 852", "cp866": "DOS 866",
    "mac-cyrillic": "Mac Cyrillic",
}  # fmt: skip
_USUAL: Final = tuple(ENCODINGS)[:18]
_PAIRS: Final = ("gb18030", "cp932", "euc_jis_2004", "cp949", "big5hkscs", "cp874")
_ALPHABETS: Final = {  # the letters of languages beyond a to z
    "LATIN": (
        "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "ãáâàçéêíõóôúü", "äöüßé", "àèéìòùî",  # French to Italian
        "äåöéšž", "æøåéö", "ëïéèöüáó", "àçéèíïóòúü", "áðéíóúýþæö",  # Swedish, Danish to Icelandic
        "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű",  # Polish to Hungarian
        "čćđšž", "ăâîşţ", "çğıöşüâîû",  # Croatian, Romanian, Turkish
        "āčēģīķļņōŗšūž", "ąčęėįšųūž", "äõöüšž",  # Latvian to Estonian
        "àáãạảăắằẵặẳâấầẫậẩđèéẽẹẻêếềễệểìíĩịỉòóõọỏôốồỗộổơớờỡợởùúũụủưứừữựửỳýỹỵỷ",
    ),
    "CYRILLIC": (
        "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
        "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "абвгдђежзијклљмнњопрстћуфхцчџш",
    ),
    "GREEK": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",),
}  # fmt: skip
_ALONE: Final = frozenset({"CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI"})  # never with others in a word
_NO_TEXT: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]|[A-Za-z][\u1100-\u11ff\u3041-\uffef][a-z]"
)
_SIGN_INSIDE: Final = re.compile(
    r"[^\W\d_][^\w\s\x00-\x7f’‘·\xad\u0300-\u036f\u0591-\u0652\u0e30-\u0e4f\u3000-\u30ff\uff00-\uffef][^\W\d_]"
)
_SIGN_BESIDE: Final = re.compile(r"[^\W\d_]+[€£¥¢¤¦§¨¬¯¶¸½¼¾]|[¢¤¦¨¬¯¸×÷—][^\W\d_]+")
_SIGNS: Final = frozenset("£€¥¢©®™°½¼¾¹²³µ×–—‘’“”„…•§±ºª·«»¿¡´\xa0")
_BEYOND: Final = r"[^\W\d_ªº\x00-\x7f\u3040-\uffef]"
_LETTER_OF_SUM: Final = re.compile(rf"(?<![^\W\d_]){_BEYOND}(?=\d)|(?<=\d){_BEYOND}\b")
_WORD: Final = re.compile(r"[^\W\d_]+")
_FIELD_ENDS: Final = re.compile(rb'[\t\r\n,;"<>]')  # none of them is the second byte of a character
_SAMPLE: Final = 1 << 16
_FEW: Final = 3  # words: with fewer, all that is possible counts, unless Windows-1252 is far likelier
_LEAST_LIKELY: Final = 0.02


class Reading(NamedTuple):
    """A text as one encoding has it."""

    codec: str  # the encoding
    text: str  # what it decodes to
    likelihood: float  # chardet's, from 0 to 1: small, and only to be compared
    # how many different words tell something, or a fourth of the letters where words are not apart
    words: float
    foreign: int  # how many of them no language writes, of the language that has most of them


def readings(head: bytes) -> tuple[Reading | None, list[Reading]]:
    """What a text beyond ASCII and UTF-8 reads as, if that can be told, and all that it could be."""
    from chardet import detect_all

    sample = b"\n".join(field.strip() for field in _FIELD_ENDS.split(head) if not field.isascii())
    if len(sample) > _SAMPLE:
        sample = sample[: max(sample.rfind(b"\n", 0, _SAMPLE), 0) or _SAMPLE]
    found = detect_all(
        sample,
        ignore_threshold=True,
        compat_names=False,
        include_encodings=ENCODINGS,
        empty_input_encoding="cp1252",
    )
    likelihoods = {str(one["encoding"]): one["confidence"] for one in found}
    distinct: dict[str, Reading] = {}
    for codec in (codec for codec in ENCODINGS if codec in likelihoods):
        text = _decoded(sample, codec)
        if text in distinct:
            likelier = max(distinct[text].likelihood, likelihoods[codec])
            distinct[text] = distinct[text]._replace(likelihood=likelier)
        elif text is not None and (reading := _as_text(codec, text, likelihoods[codec])):
            distinct[text] = reading
    possible = [one for one in distinct.values() if one.foreign <= 0.67 * one.words + 0.5]
    possible.sort(key=lambda one: (one.codec not in _USUAL, -one.likelihood))
    taken = (one for one in possible if all(_beats(one, other) for other in possible if other is not one))
    return next((one for one in taken if _is_likely(one)), None), possible


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return unicodedata.normalize("NFC", sample.decode(codec))
    except UnicodeDecodeError:
        return None


def _as_text(codec: str, text: str, likelihood: float) -> Reading | None:
    """The reading, or None where it is no text."""
    letters = [char for char in text if char.isalpha() and not char.isascii()]
    if _NO_TEXT.search(text) or len(_SIGN_INSIDE.findall(text)) * 50 > len(letters):
        return None
    if not letters:
        only_signs = all(char.isascii() or char in _SIGNS for char in text) and not _SIGN_BESIDE.search(text)
        return Reading(codec, text, likelihood, 0, 0) if only_signs else None
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    scripts = [set(map(_script, word)) for word in words]
    alone = [len(word) for word, own in zip(words, scripts, strict=True) if own & _ALONE]
    mixed = sum(len(own) > 1 for own in scripts if own & _ALONE)
    if mixed * 50 > len(words) or 2 * alone.count(1) > max(len(alone), 1) or _LETTER_OF_SUM.search(text):
        return None
    if codec in _PAIRS:
        return Reading(codec, text, likelihood, len(set(letters)) / 4, 0)
    alphabets = _ALPHABETS.get(_script(letters[len(letters) // 2]), ())
    if alphabets and not _are_spelt(words):
        return None
    distinct = {word.replace("İ", "i").lower() for word in words}
    told = len(distinct) if "LATIN" in scripts[0] else min(len(distinct), len(set(letters)) / 4)
    foreign = [sum(not _is_written_in(alphabet, word) for word in distinct) for alphabet in alphabets]
    odd = len(set(_SIGN_BESIDE.findall(text)))
    return Reading(codec, text, likelihood, told, min(foreign, default=0) + odd)


def _are_spelt(words: list[str]) -> bool:
    """Whether nearly all words have capitals only at their start or throughout, and not only accents."""
    cased = sum(word in (word.lower(), word.upper(), word.capitalize()) for word in words)
    accents = sum(
        len(word) > 2 and _script(word[0]) == "LATIN" and not re.search("[A-Za-z]", word) for word in words
    )
    return cased >= 0.9 * len(words) and 10 * accents <= len(words)


def _is_written_in(alphabet: str, word: str) -> bool:
    return all(char.isascii() or char in alphabet for char in word)


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0].partition("-")[0]


def _is_likely(one: Reading) -> bool:
    return not one.words or (one.foreign <= 0.3 * one.words and one.likelihood >= _LEAST_LIKELY)


def _beats(one: Reading, other: Reading) -> bool:
    """Whether a text is so much likelier in one encoding that the other is out of the question."""
    more = other.foreign - one.foreign
    if more < 0:
        return False
    if one.words < _FEW:
        return one.codec in _USUAL and one.words >= 0.75 and one.likelihood >= 4 * other.likelihood
    if more >= _FEW and other.foreign >= 2 * one.foreign + _FEW:
        return True
    needed = (1.1 + 3 / one.words) * (1 if one.codec in _USUAL else 2)
    return one.likelihood >= other.likelihood * (max(1.1, needed / 2) if more else needed)
