"""Text from data, made safe to show."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs"}  # controls, invisible formatting (turns of direction among it), lone surrogates
_KEPT = {"\u200c", "\u200d"}  # joiners that scripts and emoji need
_WHITE_SPACE = re.compile(r"[^\S\u00a0\u202f]+")  # what must not break a line stays
_WIDE = {"W", "F"}


def clean_text(text: object) -> str:
    """`text` on one line, without any control, direction-turning or invalid character."""
    spaced = _WHITE_SPACE.sub(" ", str(text))
    return "".join(char for char in spaced if _is_shown(char)).strip()


def _is_shown(char: str) -> bool:
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return char in _KEPT or not (is_noncharacter or unicodedata.category(char) in _HIDDEN)


def spaced(text: str) -> str:
    """`text` whose per cent signs are set off as in `adcli.numbers`."""
    return re.sub(r"(?<=\d)%", "\u00a0%", text)


def display_width(text: str) -> int:
    """The width of `text` in half-width cells: a Chinese character takes two, a combining mark none."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in _WIDE)
        for char in text
    )


def shorten(text: object, width: int) -> str:
    """`text`, clean and at most `width` cells wide; what was cut from the middle is shown by `…`.

    The end is kept because labels of one family often differ only there.
    """
    cleaned = clean_text(text)
    if display_width(cleaned) <= width:
        return cleaned
    tail = _fitting(cleaned[::-1], width // 3)[::-1]
    head = _fitting(cleaned, width - 1 - display_width(tail))
    return f"{head.rstrip()}…{tail.lstrip()}"


def _fitting(text: str, width: int) -> str:
    """The longest beginning of `text` that is at most `width` cells wide."""
    used = 0
    for position, char in enumerate(text):
        used += display_width(char)
        if used > width:
            return text[:position]
    return text
