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
    """One headline, description or path."""

    text: str  # as it is shown
    angle: str  # one of `ANGLES`
    facts: tuple[Fact, ...] = ()  # the facts whose values stand in it
    frame: str = ""  # how it opens: lines of one frame open alike
    # `grammar`, or `model` where a language model wrote what stands between the values
    source: str = "grammar"


class Ad(NamedTuple):
    """One ad of a set: what a channel shows together."""

    item_id: str  # the product
    segment_id: str | None  # the audience; None is everybody
    angle: str  # of the first headline and description
    headlines: tuple[Line, ...]  # the first is the one of the angle
    descriptions: tuple[Line, ...]  # likewise
    paths: tuple[Line, ...] = ()  # what stands after the domain, where the channel shows it
    long_headlines: tuple[Line, ...] = ()  # headlines for formats that show one alone

    @property
    def lines(self) -> tuple[Line, ...]:
        """All that it says."""
        return (*self.headlines, *self.long_headlines, *self.descriptions, *self.paths)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that it states, each once."""
        return tuple(dict.fromkeys(fact for line in self.lines for fact in line.facts))
