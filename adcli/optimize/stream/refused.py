"""Lines that cannot be used, and the checks of what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from adcli.errors import printable

LONGEST_ID = 256


class RefusedLine(Exception):  # noqa: N818 - no failure of the run: it is answered with an error line
    """A line that is answered with an error and changes nothing; the message says why."""


def identifier(message: Mapping[str, Any]) -> bytes:
    """The id of a request or reward as UTF-8; whole numbers are ids as well.

    Raises RefusedLine if there is none.
    """
    found = message.get("id")
    if type(found) is int:
        return str(found).encode()
    if type(found) is not str or not 0 < len(found) <= LONGEST_ID:
        raise RefusedLine(f"'id' must be a text of 1 to {LONGEST_ID} characters or a whole number.")
    return found.encode()


def finite(message: Mapping[str, Any], key: str, low: float, high: float) -> float:
    """A number of a line. Raises RefusedLine if it is none, or is out of range."""
    found = message[key]
    if type(found) not in (int, float):
        raise RefusedLine(f"'{key}' must be a number, not {shown(found)}.")
    if not low <= found <= high:
        raise RefusedLine(f"'{key}' is {found:g}, which is not between {low:g} and {high:g}.")
    return float(found)


def shown(value: Any) -> str:
    """A value of a line, fit to be quoted in a message."""
    return printable(orjson.dumps(value).decode())
