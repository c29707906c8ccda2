"""What can be said of a product in a channel: the best lines of every angle that its record opens."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import Literal, NamedTuple

from adcli.copy.ad import ANGLES, Line
from adcli.copy.channels import Channel, Field, display_width, unfit
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.wording import is_chinese, root, sayable, words
from adcli.generate import chinese
from adcli.generate import phrases as english
from adcli.generate.grammar import grammar_of, lines_of
from adcli.generate.nouns import titled

Language = Literal["auto", "en", "zh"]
HEADLINES = 48  # that are kept of a product, to choose from
WORTH = {
    "benefit": 1.0, "function": 1.0, "certificate": 0.8, "compatibility": 0.8, "capacity": 0.7,
    "power": 0.7, "material": 0.7, "part": 0.7, "ingredient": 0.7, "origin": 0.7, "care": 0.6,
    "warranty": 0.6, "offer": 0.6, "occasion": 0.4, "style": 0.4, "colour": 0.4, "audience": 0.4,
    "quantity": 0.3, "size": 0.3,
}  # fmt: skip
"""What a fact of each slot tells a shopper."""
LEAST = 1.0  # worth of what a description must state at least, by two facts or a benefit
MOST_WORTH = 2.2  # beyond which more is no better
DESIGN = 0.8  # what a headline gains that gives the name of the thing, where it says what no fact does
NEAR = 0.3  # what a line gains that speaks of what the audience likes
FULL = 80  # columns beyond which a longer line is no better


class Rated(NamedTuple):
    """A line and how good it is."""

    line: Line
    score: float


class Pool(NamedTuple):
    """The lines that can stand in a product's ads, the best of each angle first."""

    headlines: tuple[Rated, ...]
    descriptions: tuple[Rated, ...]


def pool_for(
    product: ProductFacts,
    channel: Channel,
    *,
    candidates: int,
    room: int = 0,
    seed: int = 0,
    language: Language = "auto",
    audience: str = "",
) -> Pool:
    """The lines for one product; none where it has no name that a sentence can hold.

    Args:
        product: Its facts.
        channel: How wide its lines may be, and what they may not hold.
        candidates: Descriptions that are kept.
        room: Columns of each description that are to stay free.
        seed: Of what decides among lines that are equally good.
        language: Of the ads; `auto` is that of the title.
        audience: Words of the segment: lines that share some are better.
    """
    is_in_chinese = language == "zh" or (language == "auto" and is_chinese(product.title))
    speech = chinese if is_in_chinese else english
    grammar = grammar_of("chinese" if is_in_chinese else "english")
    noun, phrases = speech.noun_for(product), speech.phrases_of(product)
    if not noun.kind and not noun.name:
        return Pool((), ())
    said = lines_of(
        grammar.descriptions, noun, phrases, grammar.predicates, columns=channel.descriptions.columns - room
    )
    heads = lines_of(grammar.headlines, noun, phrases, columns=channel.headlines.columns)
    titles = (line._replace(text=titled(line.text)) for line in heads)
    return Pool(
        _kept(rated(titles, product, audience, "headlines", channel, seed), channel.headlines, HEADLINES),
        _kept(
            rated(said, product, audience, "descriptions", channel, seed), channel.descriptions, candidates
        ),
    )


def paths_for(product: ProductFacts, channel: Channel) -> tuple[Line, ...]:
    """What stands after the domain: what the thing is, then whose; a word that is too wide is left out."""
    choices = ([product.kind, *product.kind.split()[-1:]], [product.brand])
    named = [next((path for text in texts if (path := _path(text, channel))), "") for texts in choices]
    paths = [path for path in dict.fromkeys(named) if path] if named[0] else []
    return tuple(Line(path, "fact", product.facts[:1]) for path in paths[: channel.paths.most])


def _path(text: str, channel: Channel) -> str:
    """`text` as a path that fits the channel, or ''."""
    path = re.sub(r"[^\w]+", "-", text.lower()).strip("-_")
    return "" if unfit(path, "paths", channel) else path


def rated(
    lines: Iterable[Line], product: ProductFacts, audience: str, kind: str, channel: Channel, seed: int
) -> Iterator[Rated]:
    """The lines that can stand among the channel's `kind`, each once, with how good they are."""
    width = min(getattr(channel, kind).columns, FULL)
    said = {text: line._replace(text=text) for line in lines for text in [sayable(line.text)]}
    known = _topics(" ".join([product.brand, *(fact.said for fact in product.facts)]))
    design = _topics(product.name) - known if kind == "headlines" else frozenset()
    for line in said.values():
        if unfit(line.text, kind, channel) or (kind == "descriptions" and not _tells_enough(line)):
            continue
        near = bool(_topics(audience) & _topics(line.text))
        score = _score(line, f"{seed}\x1f{product.item_id}\x1f{audience}", width)
        yield Rated(line, score + NEAR * near + DESIGN * bool(design and design <= _topics(line.text)))


def _kept(lines: Iterable[Rated], field: Field, most: int) -> tuple[Rated, ...]:
    """The best lines, and where the channel asks for a short one the best of those."""
    known = list(lines)
    short = [each for each in known if display_width(each.line.text) <= field.one_within]
    return tuple(dict.fromkeys([*_best(known, most), *_best(short, most // 3)]))


def _best(lines: Iterable[Rated], most: int) -> tuple[Rated, ...]:
    """The best lines of all angles in turn: the first of each angle, then the second of each."""
    ranked = sorted(lines, key=lambda each: -each.score)
    by_angle = [_by_opening([each for each in ranked if each.line.angle == angle]) for angle in ANGLES]
    turns = chain.from_iterable(zip_longest(*by_angle))
    return tuple(islice((each for each in turns if each is not None), most))


def _by_opening(ranked: Sequence[Rated]) -> list[Rated]:
    """The lines with the best of each opening first, then the second of each."""
    seen: Counter[str] = Counter()
    turns = []
    for each in ranked:
        turns.append((seen[each.line.frame], each))
        seen[each.line.frame] += 1
    return [each for _, each in sorted(turns, key=lambda turn: (turn[0], -turn[1].score))]


def _score(line: Line, key: str, width: int) -> float:
    """What it tells, the room used, and a part that only tells equally good lines apart."""
    drawn = hashlib.blake2b(f"{key}\x1f{line.text}".encode(), digest_size=4).digest()
    stated = min(_worth(line), MOST_WORTH) / MOST_WORTH
    filled = min(1.0, display_width(line.text) / width)
    return 0.5 * stated + 0.3 * filled + 0.2 * int.from_bytes(drawn) / 2**32


def _worth(line: Line) -> float:
    return sum(WORTH.get(fact.slot, 0.0) for fact in line.facts)


def _tells_enough(line: Line) -> bool:
    """Whether a description states two facts, or one benefit, that are worth an ad."""
    says_why = any(fact.slot == "benefit" for fact in line.facts) or (line.source == "model" and line.facts)
    return bool(says_why) or (len(line.facts) > 1 and _worth(line) >= LEAST)


def _topics(text: str) -> frozenset[str]:
    return frozenset(root(word) for word in words(text) if word not in STOP_WORDS)
