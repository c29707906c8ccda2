"""Ads built from the facts alone: honest by construction, for where no draft of a model passes the checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adcli.copy.channels import Channel, display_width
from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import STOP_WORDS
from adcli.copy.naming import shortened
from adcli.copy.wording import is_chinese, root, stem, words
from adcli.generate.checks import repeats
from adcli.generate.drafting import Draft
from adcli.generate.prompts import adjectives, article, is_audience, spoken_kind

_CHINESE_CLOSINGS = ("欢迎到店选购。", "点击查看详情。", "现在就来看看。")
_CLOSINGS = ("See it in the shop.", "Order it online.", "See all details in the shop.", "Take a closer look.")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _titled(text: str) -> str:
    """`text` as in a title: words with a capital, small words and units as they are."""
    small = {"for", "of", "and", "in", "with", "ml", "cm", "mm", "kg", "g"}
    return " ".join(
        word if word in small or not word.islower() else word.capitalize() for word in text.split()
    )


def headlines(product: ProductFacts, channel: Channel) -> list[str]:
    """Headlines for the product that fit the channel: its name, its kind with brand or a fact; best first."""
    kind, brand = product.kind, product.brand
    branded = (
        kind
        if not brand or stem(brand.lower()) in {stem(word) for word in words(kind)}
        else f"{brand} {kind}"
    )
    titled = [_titled(word) for word in adjectives(product.listed)]
    described = [f"{' '.join(titled[-count:])} {kind}" for count in (2, 1) if len(titled) >= count]
    aims = [
        f"{kind} {_titled(fact.said)}"
        for fact in product.listed
        if fact.slot == "audience" and is_audience(fact.said)
    ]
    packs = [
        f"{kind}, {_titled(fact.said)}"
        for fact in product.listed
        if fact.slot == "quantity" and fact.role in ("pack", "set")
    ]
    candidates = [
        shortened(product.name, kind, channel.headlines.columns),
        branded,
        *described,
        *packs,
        *aims,
        kind,
    ]
    fitting = [text for text in candidates if 0 < display_width(text) <= channel.headlines.columns]
    plain = [text for text in fitting if "/" not in text and len(set(words(text))) == len(words(text))]
    return list(dict.fromkeys(plain or fitting or [shortened(product.name, kind, channel.headlines.columns)]))


def listed_facts(facts: Sequence[Fact], said: str, room: int) -> str:
    """The facts that `said` does not state yet, as a sentence within `room` columns."""
    chinese = any(is_chinese(fact.said) for fact in facts)
    comma, stop = ("，", "。") if chinese else (", ", ".")
    known = {root(word) for word in words(said)} - STOP_WORDS
    text = ""
    for fact in facts:
        stated = {root(word) for word in words(fact.said)} - STOP_WORDS
        if stated & known or len(fact.said.split()) > 5 or repeats(fact.said):
            continue
        longer = f"{text}{comma}{fact.said}" if text else _capitalised(fact.said)
        if display_width(longer) + display_width(stop) <= room:
            text, known = longer, known | stated
    return f"{text}{stop}" if text else ""


def _openings(product: ProductFacts) -> Iterator[str]:
    kind = spoken_kind(product)
    yield _capitalised(" ".join([*adjectives(product.listed)[-2:], kind])) if product.listed else product.name
    yield _capitalised(f"{kind} by {product.brand}") if product.brand else product.name
    yield product.name
    yield article(kind).strip() if product.listed else product.name


def templates(product: ProductFacts, channel: Channel, n: int) -> list[Draft]:
    """`n` different ads for the product from its facts, in a fixed order; fewer if there are too few.

    Args:
        product: The product's facts.
        channel: The channel's format.
        n: How many are wanted.
    """
    chinese = is_chinese(product.title)
    heads = headlines(product, channel)
    openings = [product.kind, product.name, f"这款{product.kind}"] if chinese else list(_openings(product))
    closings = _CHINESE_CLOSINGS if chinese else _CLOSINGS
    found: dict[Draft, None] = {}
    for turn in range(len(openings) * len(closings) * max(1, len(product.listed))):
        first = turn % max(1, len(product.listed))
        facts = product.listed[first:] + product.listed[:first]
        closing = closings[(turn // 2) % len(closings)]
        description = _composed(openings[turn % len(openings)], facts, closing, channel.descriptions.columns)
        if description:
            found.setdefault(Draft(heads[turn % len(heads)], description))
        if len(found) == n:
            break
    return list(found)


def _composed(opening: str, facts: Sequence[Fact], closing: str, most: int) -> str:
    """`opening: fact, fact. closing` in at most `most` columns; the closing goes first, then facts."""
    chinese = is_chinese(closing)
    colon, stop, gap = ("：", "。", "") if chinese else (": ", ".", " ")
    if display_width(opening) + 2 > most:
        opening = ""
    listed = listed_facts(facts, opening, most - display_width(opening) - 2)
    if opening and listed:
        start = f"{opening}{colon}{listed if listed[:2].isupper() else listed[:1].lower() + listed[1:]}"
    else:
        start = listed or (f"{opening}{stop}" if opening else "")
    whole = f"{start}{gap}{closing}".strip()
    return whole if display_width(whole) <= most else start
