"""From the lines that can be said of a product to a set of ads, each from another angle and opening.

Source: Carbonell & Goldstein (1998), maximal marginal relevance, equation 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from adcli.copy.ad import ANGLES, Ad, Line
from adcli.copy.channels import Channel, Field, display_width
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.wording import root, sentences, words
from adcli.generate.planning import Pool, Rated

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
MOST_ASKING = {"question": 1, "imperative": 2}  # headlines of one ad that ask or invite
MOST_OPENING_ALIKE = 2  # headlines of one ad with the same first word
ALIKE = 0.5  # share of words in common beyond which two headlines of an ad say the same
NAMING = ("{kind}", "{a}", "{the}", "{name}")  # slots by which a headline says what the thing is
RUN = 4  # words in a row by which a line repeats another
STALENESS = 0.6  # weight of what the run has said before
DIFFERENCE = 0.4  # weight of unlikeness against a line's own score
AGAIN = 0.5  # what a line loses that another segment's ad of the product says
AGAIN_ANGLE = 0.2  # what a line loses for each of them that begins from its angle
NEARNESS = (
    2.0  # weight of a line's likeness to the segment's words, against that of the product's other lines
)


class Said:
    """What the ads of a run have said so far, in the order of the products.

    No sentence is said of two products; openings and runs of words that many ads have are less likely to be
    taken again.
    """

    def __init__(self) -> None:
        self._by: dict[str, str] = {}
        self._openings: Counter[str] = Counter()
        self._runs: set[tuple[str, ...]] = set()
        self._texts: set[tuple[str, str]] = set()
        self._angles: Counter[tuple[str, str]] = Counter()

    def anew(self, pool: Pool, item_id: str) -> Pool:
        """The pool, in which what other segments' ads of the product say and begin from is worth less."""

        def worth(rated: Rated, again: float) -> Rated:
            return rated._replace(
                score=rated.score - again - AGAIN * ((item_id, rated.line.text) in self._texts)
            )

        return Pool(
            tuple(worth(each, 0.0) for each in pool.headlines),
            tuple(
                worth(each, AGAIN_ANGLE * self._angles[item_id, each.line.angle])
                for each in pool.descriptions
            ),
        )

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
        self._angles[ad.item_id, ad.angle] += 1
        self._texts |= {(ad.item_id, line.text) for line in (*ad.headlines, *ad.descriptions)}
        self._openings.update(line.frame for line in ad.descriptions)
        self._by |= {sentence: ad.item_id for line in ad.descriptions for sentence in sentences(line.text)}
        self._runs.update(*(_runs(line.text) for line in ad.descriptions))


def _runs(text: str) -> set[tuple[str, ...]]:
    said = words(text)
    return set(zip(*(said[place:] for place in range(RUN)), strict=False))


def make_set(
    ad: Ad,
    pool: Pool,
    channel: Channel,
    n: int,
    said: Said,
    encode: Encode | None,
    audience: str = "",
) -> list[Ad]:
    """At most `n` ads; fewer where fewer angles, headlines or descriptions are to be had.

    Args:
        ad: Says whom the ads are for; it has no lines.
        pool: What can stand in them.
        channel: How many lines an ad has.
        n: Most ads.
        said: What the run has said so far; takes in the new ads.
        encode: Texts to (n, d) unit vectors; without it only openings and angles keep lines apart.
        audience: Words of the segment; lines near to them in meaning are better.
    """
    pool = said.anew(pool, ad.item_id)
    free = [rated for rated in pool.descriptions if said.is_free(rated.line, ad.item_id)]
    vectors = encode([rated.line.text for rated in free]) if encode and free else None
    if encode and vectors is not None and audience:
        near = NEARNESS * (vectors @ encode([audience])[0])
        free = [
            each._replace(score=each.score + float(gain))
            for each, gain in zip(free, near - near.mean(), strict=True)
        ]
    first = list(_picked(free, n, said, vectors))
    further = [rated for place, rated in enumerate(free) if place not in first]
    made = [ad._replace(angle=free[place].line.angle, descriptions=(free[place].line,)) for place in first]
    made, left = _with_further(made, further, channel.descriptions)
    made = _with_long_headlines(made, left, channel.long_headlines)
    titles = {f"{line.text}." for ad in made for line in ad.long_headlines}
    made = _with_more(made, [line for line in left if line.text not in titles], channel.descriptions)
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
            able = [line for line in _unlike(lines, left) if _is_short_enough(line, short, lines)]
            if not able:
                break
            lines.append(next(_saying_more(lines, able), able[0]))
            left.remove(lines[-1])
        if len(lines) >= field.least:
            whole.append(ad._replace(descriptions=tuple(lines)))
    return whole, left


def _with_more(ads: list[Ad], left: list[Line], field: Field) -> list[Ad]:
    """The ads with what is left dealt among them in turns, where it says more than an ad says already."""
    for _ in range(field.least, field.most):
        for place, ad in enumerate(ads):
            lines = ad.descriptions
            more = next(_saying_more(lines, _unlike(lines, left)), None)
            if more is not None:
                left.remove(more)
                ads[place] = ad._replace(descriptions=(*lines, more))
    return ads


def _unlike(lines: Sequence[Line], left: Sequence[Line]) -> Iterator[Line]:
    """Those that open unlike all of `lines`."""
    openings = {line.frame for line in lines}
    return (line for line in left if line.frame not in openings)


def _saying_more(lines: Sequence[Line], left: Iterable[Line]) -> Iterator[Line]:
    """Those that state a fact that none of `lines` states."""
    stated = {fact for line in lines for fact in line.facts}
    return (line for line in left if not set(line.facts) <= stated)


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


class _Heads:
    """The headlines that one ad has been dealt so far.

    Args:
        ad: The ad, whose first headline is of its angle and asks nothing where its description does.
        field: What the channel takes.
    """

    def __init__(self, ad: Ad, field: Field) -> None:
        self.taken: list[Line] = []
        self._ad, self._field = ad, field
        self._said: list[frozenset[str]] = []

    def best(self, left: Sequence[tuple[Rated, frozenset[str]]]) -> int | None:
        """The place of the headline that adds most: other words, facts that none so far states."""
        able = [place for place, (each, said) in enumerate(left) if self._can_take(each.line, said)]
        if not self.taken:
            able = self._heading(able, left)
        stated = {fact for line in self.taken for fact in line.facts}

        def gain(place: int) -> float:
            (line, score), said = left[place]
            return score - self._likeness(said) - STALENESS * (set(line.facts) <= stated)

        return max(able, key=gain, default=None)

    def take(self, line: Line, said: frozenset[str]) -> None:
        """Add a headline."""
        self.taken.append(line)
        self._said.append(said)

    def _heading(self, able: list[int], left: Sequence[tuple[Rated, frozenset[str]]]) -> list[int]:
        """Of the headlines to begin with those that name the thing, ask nothing twice, are of the angle."""
        asks = "?" in self._ad.descriptions[0].text
        for is_right in (
            _names_thing,
            lambda line: not (asks and line.text.endswith("?")),
            lambda line: line.text.lower() not in self._ad.descriptions[0].text.lower(),
            lambda line: line.angle == self._ad.angle,
        ):
            able = [place for place in able if is_right(left[place][0].line)] or able
        return able

    def _can_take(self, line: Line, said: frozenset[str]) -> bool:
        short = self._field.one_within if len(self.taken) == self._field.least - 1 else 0
        first, others = line.text.split()[0], self.taken
        nameless = sum(not _names_thing(other) for other in others)
        return (
            _is_short_enough(line, short, others)
            and sum(other.angle == line.angle for other in others)
            < MOST_ASKING.get(line.angle, self._field.most)
            and sum(other.text.split()[0] == first for other in others) < MOST_OPENING_ALIKE
            and (_names_thing(line) or (2 * nameless < len(others) and " " in line.text))
            and self._likeness(said) <= ALIKE
        )

    def _likeness(self, said: frozenset[str]) -> float:
        """The largest share of words that a headline has in common with one of those taken."""
        return max((len(said & other) / max(1, len(said | other)) for other in self._said), default=0.0)


def _names_thing(line: Line) -> bool:
    return any(slot in line.frame for slot in NAMING)


def _telling(lines: Sequence[Line]) -> list[frozenset[str]]:
    """The words of each line that tell it from others: those of the noun tell nothing."""
    said = [frozenset(map(root, words(line.text))) - STOP_WORDS for line in lines]
    naming = [each for line, each in zip(lines, said, strict=True) if _names_thing(line)]
    times = Counter(chain.from_iterable(naming))
    common = {word for word, count in times.items() if 3 * count > 2 * len(naming)}
    return [each - common for each in said]


def _with_headlines(ads: list[Ad], headlines: Sequence[Rated], field: Field) -> list[Ad]:
    """The ads with headlines dealt among them in turns, none twice; fewer ads where there are too few."""
    while ads:
        each_once = {rated.line.text.lower(): rated for rated in headlines}
        left = list(
            zip(each_once.values(), _telling([each.line for each in each_once.values()]), strict=True)
        )
        dealt = [_Heads(ad, field) for ad in ads]
        for turn in range(field.most):
            for heads in dealt:
                best = heads.best(left) if len(heads.taken) == turn else None
                if best is not None:
                    rated, said = left.pop(best)
                    heads.take(rated.line, said)
        if all(len(heads.taken) >= field.least for heads in dealt):
            return [ad._replace(headlines=tuple(heads.taken)) for ad, heads in zip(ads, dealt, strict=True)]
        ads = ads[:-1]
    return []
