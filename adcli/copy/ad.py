"""An ad in parts: headlines, descriptions and paths, each with the facts that it states."""

from __future__ import annotations

from typing import NamedTuple

from adcli.copy.fact import Fact

ANGLES = ("fact", "benefit", "use", "audience", "occasion", "offer", "question", "imperative")
"""What an ad can begin from."""


def shown_to(text: str, segment_id: str | None) -> str:
    """An ad's text as a model of clicks reads it, with the segment that it was for."""
    return f"{text} | {segment_id}" if segment_id else text


class Line(NamedTuple):
    """One headline, description or path.

    Attributes:
        text: As it is shown.
        angle: One of `ANGLES`.
        facts: The facts whose values stand in it.
        frame: How it opens: lines of one frame open alike.
        source: `grammar`, or `model` where a language model wrote what stands between the values.
    """

    text: str
    angle: str
    facts: tuple[Fact, ...] = ()
    frame: str = ""
    source: str = "grammar"


class Ad(NamedTuple):
    """One ad of a set: what a channel shows together.

    Attributes:
        item_id: The product.
        segment_id: The audience; None is everybody.
        angle: Of the first headline and description.
        headlines: The first is the one of the angle.
        descriptions: Likewise.
        paths: What stands after the domain, where the channel shows it.
        long_headlines: Headlines for formats that show one alone.
    """

    item_id: str
    segment_id: str | None
    angle: str
    headlines: tuple[Line, ...]
    descriptions: tuple[Line, ...]
    paths: tuple[Line, ...] = ()
    long_headlines: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All that it says."""
        return (*self.headlines, *self.long_headlines, *self.descriptions, *self.paths)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that it states, each once."""
        return tuple(dict.fromkeys(fact for line in self.lines for fact in line.facts))
