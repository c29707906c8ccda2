"""The formats of the channels an ad runs in, and whether an ad fits.

    >>> CHANNELS["search"].headline_most, CHANNELS["search"].description_most
    (30, 90)
    >>> display_width("夏季连衣裙")
    10

Lengths are in display columns, as ad platforms count: a Chinese, Japanese or Korean character is two.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from adcli.errors import UsageError, did_you_mean


class Channel(NamedTuple):
    """One channel's format: least and most columns of headline and description."""

    name: str
    headline_least: int
    headline_most: int
    description_least: int
    description_most: int


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel("search", 8, 30, 20, 90),
        Channel("social", 8, 40, 30, 125),
        Channel("display", 8, 30, 20, 90),
        Channel("email", 10, 60, 20, 90),
    )
}
"""Search and display as Google's responsive ads, social as Meta's, email as most inboxes show it."""


def channel_named(name: str) -> Channel:
    """The channel called `name`.

    Raises:
        UsageError: If there is no such channel.
    """
    if name not in CHANNELS:
        raise UsageError(
            f"There is no channel '{name}'. {did_you_mean(name, CHANNELS)}".rstrip(),
            fix=f"Channels: {', '.join(CHANNELS)}.",
        )
    return CHANNELS[name]


def display_width(text: str) -> int:
    """The columns that `text` takes: two for a wide (East Asian) character, none for a combining mark."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def misfits(headline: str, description: str, channel: Channel) -> list[str]:
    """What of an ad does not fit its channel: `headline.empty`, `.short`, `.long`; so of the description."""
    found = []
    for part, text, least, most in (
        ("headline", headline, channel.headline_least, channel.headline_most),
        ("description", description, channel.description_least, channel.description_most),
    ):
        width = display_width(text)
        if not text.strip():
            found.append(f"{part}.empty")
        elif width < least:
            found.append(f"{part}.short")
        elif width > most:
            found.append(f"{part}.long")
    return found
