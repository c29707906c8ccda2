"""From the lines that can be said of a product to a set of ads, each from another angle and opening.

Source: Carbonell & Goldstein (1998), maximal marginal relevance, equation 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from adcli.copy.ad import ANGLES, Ad, Line
from adcli.copy.channels import Channel, Field, display_width
from adcli.copy.wording import sentences, words
from adcli.generate.planning import Pool, Rated

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
MOST_HEADLINES = 5  # of one ad, also where a channel takes more: what remains would be padding
ONCE = frozenset({"question", "imperative"})  # angles that one headline of an ad takes
STALENESS = 0.6  # weight of what the run has said before
DIFFERENCE = 0.4  # weight of unlikeness against a line's own score


class Said:
    """What the ads of a run have said so far, in the order of the products.

    No sentence is said of two products; openings and runs of words that many ads have are less likely to be
    taken again.
    """

    def __init__(self) -> None:
        self._by: dict[str, str] = {}
        self._openings: Counter[str] = Counter()
        self._runs: set[tuple[str, ...]] = set()

    def is_free(self, line: Line, item_id: str) -> bool:
        """Whether no other product's ad has said a sentence of `line`."""
        return all(self._by.get(sentence, item_id) == item_id for sentence in sentences(line.text))

    def staleness(self, line: Line) -> float:
        """The share of ads so far that open as `line` does, and of its runs of words that were said."""
        runs = _runs(line.text)
        opened = self._openings[line.frame] / max(20, self._openings.total())
        return opened + len(runs & self._runs) / max(1, len(runs))

    def add(self, ad: Ad) -> None:
        """Note what an ad says."""
        self._openings.update(line.frame for line in ad.descriptions)
        self._by |= {sentence: ad.item_id for line in ad.descriptions for sentence in sentences(line.text)}
        self._runs.update(*(_runs(line.text) for line in ad.descriptions))


def _runs(text: str, *, size: int = 4) -> set[tuple[str, ...]]:
    said = words(text)
    return set(zip(*(said[place:] for place in range(size)), strict=False))


def make_set(
    ad: Ad,
    pool: Pool,
    channel: Channel,
    n: int,
    said: Said,
    encode: Encode | None,
) -> list[Ad]:
    """At most `n` ads; fewer where fewer angles, headlines or descriptions are to be had.

    Args:
        ad: Says whom the ads are for; it has no lines.
        pool: What can stand in them.
        channel: How many lines an ad has.
        n: Most ads.
        said: What the run has said so far; takes in the new ads.
        encode: Texts to (n, d) unit vectors; without it only openings and angles keep lines apart.
    """
    free = [rated for rated in pool.descriptions if said.is_free(rated.line, ad.item_id)]
    vectors = encode([rated.line.text for rated in free]) if encode and free else None
    first = list(_picked(free, n, said, vectors))
    further = [rated for place, rated in enumerate(free) if place not in first]
    made = [ad._replace(angle=free[place].line.angle, descriptions=(free[place].line,)) for place in first]
    made, left = _with_further(made, further, channel.descriptions)
    made = _with_long_headlines(made, left, channel.long_headlines)
    made = _with_headlines(made, pool.headlines, channel.headlines)
    for each in made:
        said.add(each)
    return made


def _picked(
    free: Sequence[Rated], n: int, said: Said, vectors: npt.NDArray[np.float32] | None
) -> Iterator[int]:
    """Places of the descriptions that ads begin from: good and unlike, of other angles and openings."""
    angles: Counter[str] = Counter()
    openings: Counter[str] = Counter()
    picked: list[int] = []
    stale = [STALENESS * said.staleness(line) for line, _ in free]
    for _ in range(n):
        able = [
            place
            for place, (line, _) in enumerate(free)
            if place not in picked
            and angles[line.angle] < math.ceil(n / len(ANGLES))
            and openings[line.frame] < max(1, n // 4)
        ]
        if not able:
            return

        def gain(place: int) -> float:
            alike = float((vectors[picked] @ vectors[place]).max()) if vectors is not None and picked else 0.0
            own = free[place].score - stale[place]
            return (1 - DIFFERENCE) * own - DIFFERENCE * alike

        best = max(able, key=lambda place: (gain(place), -place))
        picked.append(best)
        angles[free[best].line.angle] += 1
        openings[free[best].line.frame] += 1
        yield best


def _with_further(ads: Sequence[Ad], further: Sequence[Rated], field: Field) -> tuple[list[Ad], list[Line]]:
    """The ads with as many descriptions as the channel asks for, those that can have them; what is left."""
    left = [line for line, _ in sorted(further, key=lambda rated: -rated.score)]
    whole = []
    for ad in ads:
        lines = list(ad.descriptions)
        while len(lines) < field.least:
            short = field.one_within if len(lines) == field.least - 1 else 0
            openings = {line.frame for line in lines}
            stated = {fact for line in lines for fact in line.facts}
            able = [
                line for line in left if line.frame not in openings and _is_short_enough(line, short, lines)
            ]
            if not able:
                break
            taken = next((line for line in able if not set(line.facts) <= stated), able[0])
            left.remove(taken)
            lines.append(taken)
        if len(lines) >= field.least:
            whole.append(ad._replace(descriptions=tuple(lines)))
    return whole, left


def _with_long_headlines(ads: list[Ad], left: Sequence[Line], field: Field) -> list[Ad]:
    """The ads with the long headlines that the channel asks for: single sentences that no description is."""
    single = [
        line for line in left if len(sentences(line.text)) == 1 and display_width(line.text) <= field.columns
    ]
    whole = ads[: len(single) // field.least] if field.least else ads
    return [
        ad._replace(
            long_headlines=tuple(
                line._replace(text=line.text.removesuffix("."))
                for line in single[place * field.least : (place + 1) * field.least]
            )
        )
        for place, ad in enumerate(whole)
    ]


def _is_short_enough(line: Line, columns: int, lines: Sequence[Line]) -> bool:
    """Whether one of the lines is within `columns` if `line` is added; 0 asks nothing."""
    return not columns or any(display_width(each.text) <= columns for each in (*lines, line))


def _heading(lines: list[Line], ad: Ad) -> list[Line]:
    """The lines to head an ad with: of its angle, and no question where its description asks one."""
    asks = "?" in ad.descriptions[0].text
    apart = [line for line in lines if not (asks and line.text.endswith("?"))]
    return [line for line in apart if line.angle == ad.angle] or apart or lines


def _with_headlines(ads: list[Ad], headlines: Sequence[Rated], field: Field) -> list[Ad]:
    """The ads with headlines dealt among them, none twice, the first of its ad's angle if it can be."""
    while ads:
        left = list(_distinct(headlines))
        dealt: list[list[Line]] = [[] for _ in ads]
        for turn in range(min(field.most, MOST_HEADLINES)):
            short = field.one_within if turn == field.least - 1 else 0
            for ad, taken in zip(ads, dealt, strict=True):
                able = [
                    line
                    for line in left
                    if _is_short_enough(line, short, taken)
                    and (line.angle not in ONCE or line.angle not in {each.angle for each in taken})
                ]
                fitting = able if turn else _heading(able, ad)
                if fitting and len(taken) == turn:
                    taken.append(fitting[0])
                    left.remove(fitting[0])
        if all(len(taken) >= field.least for taken in dealt):
            return [ad._replace(headlines=tuple(taken)) for ad, taken in zip(ads, dealt, strict=True)]
        ads = ads[:-1]
    return []


def _distinct(headlines: Sequence[Rated]) -> Iterator[Line]:
    """The headlines, best first, without those that say the same in the same way."""
    known: set[object] = set()
    for line, _ in sorted(headlines, key=lambda rated: -rated.score):
        asks = line.angle if line.angle in ("question", "imperative") else ""
        says = (asks, frozenset(line.facts), line.frame.startswith("{brand}"))
        if says not in known and line.text.lower() not in known:
            known |= {says, line.text.lower()}
            yield line
