"""The formats of the channels an ad runs in, and whether an ad fits.

    >>> CHANNELS["google-search"].headlines
    Field(least=3, most=15, columns=30, one_within=0)
    >>> display_width("夏季连衣裙")
    10

The formats are a table, `data/channels.toml`. Lengths are in display columns, as ad platforms count: a
Chinese, Japanese or Korean character is two.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from adcli.copy.lexicon import DATA
from adcli.errors import UsageError, did_you_mean


class Field(NamedTuple):
    """One kind of text of a channel's ads."""

    least: int = 0  # how many an ad has at least
    most: int = 0  # and at most
    columns: int = 0  # the width of each at most
    one_within: int = 0  # the width of one of them at most; 0 asks nothing


FIELDS = ("headlines", "long_headlines", "descriptions", "paths")


class Channel(NamedTuple):
    """One channel's format."""

    name: str  # what `--channel` calls it
    headlines: Field  # how many, how wide; likewise the other kinds of text
    long_headlines: Field  # of formats that show a headline alone
    descriptions: Field  # what stands below; the first text of a feed, the preheader of an e-mail
    paths: Field  # what stands after the domain
    forbids: dict[str, re.Pattern[str]]  # what a text may not hold, by its kind; under `all` in any
    final_url: int  # the characters of a link at most; 0 where the channel says nothing
    utm: tuple[str, ...]  # source and medium of its links; empty where it takes none
    formerly: str  # what adcli called it before


def _read() -> dict[str, Channel]:
    table = tomllib.loads((DATA / "channels.toml").read_text("utf-8"))
    return {name: _channel(name, row) for name, row in table.items()}


def _channel(name: str, row: dict[str, Any]) -> Channel:
    short = row.get("one_within", {})
    fields = {
        kind: Field(*row.get(kind, (0, 0, 0)))._replace(one_within=short.get(kind, 0)) for kind in FIELDS
    }
    forbids = {kind: re.compile(pattern) for kind, pattern in row.get("forbids", {}).items()}
    utm = tuple(row.get("utm", ()))
    return Channel(
        name,
        **fields,
        forbids=forbids,
        final_url=row.get("final_url", 0),
        utm=utm,
        formerly=row.get("formerly", ""),
    )


CHANNELS: dict[str, Channel] = _read()


def channel_named(name: str) -> Channel:
    """The channel called `name`. Raises UsageError if there is no such channel."""
    if name not in CHANNELS:
        renamed = [channel.name for channel in CHANNELS.values() if channel.formerly == name]
        guess = f"Did you mean '{renamed[0]}'?" if renamed else did_you_mean(name, CHANNELS)
        raise UsageError(
            f"There is no channel '{name}'. {guess}".rstrip(), fix=f"Channels: {', '.join(CHANNELS)}."
        )
    return CHANNELS[name]


def display_width(text: str) -> int:
    """The columns that `text` takes, composed: two for a wide (East Asian) character, else one.

    A sign that may be shown either way (`…`, `①`) is taken as wide, so that no platform counts more.
    """
    if text.isascii():
        return len(text)
    return sum(1 + _is_wide(character) for character in unicodedata.normalize("NFC", text))


def _is_wide(character: str) -> bool:
    width = unicodedata.east_asian_width(character)
    return width in "WF" or (width == "A" and not unicodedata.category(character).startswith(("L", "M")))


def misfits(channel: Channel, **texts: Sequence[str]) -> list[str]:
    """What of an ad does not fit its channel: `headlines.few`, `descriptions.long`, `paths.character`.

    `channel`: the channel; `texts`: the texts of each of `FIELDS`.
    """
    return [f"{kind}.{fault}" for kind in FIELDS for fault in _faults(channel, kind, texts.get(kind, ()))]


def _faults(channel: Channel, kind: str, texts: Sequence[str]) -> list[str]:
    """What is wrong with the texts of one kind together, then with any of them alone."""
    field: Field = getattr(channel, kind)
    together = {
        "few": len(texts) < field.least,
        "many": len(texts) > field.most,
        "repeated": len({text.casefold() for text in texts}) < len(texts),
        "none_short": 0 < field.one_within < min(map(display_width, texts), default=0),
    }
    alone = dict.fromkeys(fault for text in texts for fault in unfit(text, kind, channel))
    return [*(fault for fault, is_so in together.items() if is_so), *alone]


def unfit(text: str, kind: str, channel: Channel) -> list[str]:
    """Why `text` alone cannot stand among a channel's `kind`: it is `empty`, `long`, or has a `character`."""
    field: Field = getattr(channel, kind)
    forbidden = [channel.forbids[name] for name in ("all", kind) if name in channel.forbids]
    faults = {
        "empty": not text.strip(),
        "long": display_width(text) > field.columns,
        "character": any(pattern.search(text) for pattern in forbidden),
    }
    return [fault for fault, is_so in faults.items() if is_so]
