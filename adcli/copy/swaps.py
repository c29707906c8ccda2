"""True and false claims made from a catalogue's own facts, for training and measuring a checker of claims.

A false claim differs from a true one in one thing: the value, its unit, what it belongs to, who made it,
whether it is so, who endorses it, or how it compares.

Source: Tang, Laban and Durrett, "MiniCheck" (2024), for checkers that learn from synthetic claims; Kryscinski
et al., "Evaluating the Factual Consistency of Abstractive Text Summarization" (2020), for swaps.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from adcli.copy.evidence import claims_of
from adcli.copy.fact import MEASURED, Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import DATA
from adcli.copy.quantities import quantities
from adcli.copy.wording import words

KINDS = ("value", "unit", "role", "relation", "negation", "endorsement", "superlative", "unlawful")
"""What a false claim is false in; `unlawful` ones no record could make lawful."""
_OF_NO_FACT = ("endorsement", "superlative", "unlawful")
_UNITS = (
    ("mm", "cm", "m", "inch"), ("g", "kg", "oz"), ("ml", "l"), ("W", "V", "lumens"),
    ("minutes", "hours", "days"), ("months", "years"),
)  # fmt: skip
TRIES = 12
VOUCHED = 0.3
_DENIED = ("part", "ingredient", "function", "certificate", "care", "compatibility")
Phrases = Mapping[str, Any]
"""How facts are `stated`, what is `false`, and the table of `meaning` if any (`data/claims.toml`)."""


class MadeClaim(NamedTuple):
    """One claim about the product of a number: its text, what it is false in ('' is true)."""

    product: int
    text: str
    kind: str


@lru_cache(maxsize=1)
def training_phrases() -> Phrases:
    """The phrases of `data/claims.toml`."""
    read: Phrases = tomllib.loads((DATA / "claims.toml").read_text("utf-8"))
    return read


def made_claims(
    products: Sequence[ProductFacts], phrases: Phrases, *, seed: int, each: int = 1
) -> list[MadeClaim]:
    """Claims about the products, for each as many true ones as false.

    Args:
        products: The catalogue; values are swapped among its products.
        phrases: How claims are phrased.
        seed: Of what is drawn.
        each: False claims of each kind for a product, where its facts allow one.
    """
    random = Random(seed)  # noqa: S311 - no secret
    maker = _Maker(products, phrases, random)
    found: list[MadeClaim] = []
    for place, product in enumerate(products):
        false = [
            claim
            for kind in (*KINDS, "unlawful")  # of many sorts, so drawn twice
            for _ in range(each)
            for claim in maker.false(place, product, kind)
        ]
        true = [maker.true(place, product) for _ in false]
        found += [claim for claim in (*false, *true) if claim.text]
    return found


def asked(claims: Sequence[MadeClaim], products: Sequence[ProductFacts], *, seed: int) -> list[MadeClaim]:
    """The claims that a model is asked about: as many true as false ones, false numbers and units left out.

    Whether a number is on record needs no model, and neither does what names only things on record: of true
    ones that do, some are kept, so that the model learns to find words again.
    """
    random = Random(seed)  # noqa: S311 - no secret
    read = [
        claim
        for claim in claims
        if claims_of(0, claim.text, products[claim.product], ())
        or (not claim.kind and random.random() < VOUCHED)
    ]
    true = [claim for claim in read if not claim.kind]
    false = [
        claim
        for claim in read
        if claim.kind and not (claim.kind in ("value", "unit") and any(map(str.isdigit, claim.text)))
    ]
    each = min(len(true), len(false))
    return [*random.sample(false, each), *random.sample(true, each)]


class _Maker:
    """Draws claims; what other products have is what is not so of this one."""

    def __init__(self, products: Sequence[ProductFacts], phrases: Phrases, random: Random) -> None:
        self._stated, self._false, self._random = phrases["stated"], phrases["false"], random
        self._meaning = phrases.get("meaning", [])
        self._values: dict[tuple[str, bool], list[Fact]] = {}
        for product in products:
            for fact in _usable(product):
                self._values.setdefault((fact.slot, bool(fact.role)), []).append(fact)
        self._brands = sorted({product.brand for product in products if product.brand})

    def true(self, place: int, product: ProductFacts) -> MadeClaim:
        """A claim that the record supports, or one that states nothing."""
        facts = _usable(product)
        draw = self._random.random()
        if draw < 0.25 or not facts:
            return self._made(place, product, self._pick(self._stated["ordinary"]), "")
        if draw > 0.85 and "two" in self._stated and (pair := self._two(facts)):
            return self._both(place, product, [each.said for each in pair])
        if draw < 0.32 and product.brand:
            return self._made(place, product, self._pick(self._stated["brand"]), "")
        return self._made(place, product, *self._about(self._random.choice(facts)))

    def false(self, place: int, product: ProductFacts, kind: str) -> Iterator[MadeClaim]:
        """A claim that is false in `kind`, if the product's facts allow one."""
        facts = _usable(product)
        if kind in _OF_NO_FACT:
            if kind not in self._false:
                return
            phrase = self._pick(self._false[kind]).replace("{e}", self._pick(self._false["experts"]))
            yield self._made(place, product, phrase, "", kind=kind)
        elif kind == "relation":
            others = [brand for brand in self._brands if brand != product.brand]
            if others:
                phrase = self._pick(self._false["relation"]).replace("{o}", self._random.choice(others))
                yield self._made(place, product, phrase, "", kind=kind)
        else:
            self._random.shuffle(facts)
            changed = next((each for fact in facts for each in self._changed(fact, product, kind)), None)
            own = self._two(facts) if "two" in self._stated and self._random.random() < 0.15 else []
            if changed is not None and own and kind == "value":
                said = self._random.sample([own[0].said, changed[1]], 2)
                yield self._both(place, product, said, kind=kind)
            elif changed is not None:
                yield self._made(place, product, *changed, kind=kind)

    def _two(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """Two short facts that one sentence may name; none where there are no two."""
        short = [fact for fact in facts if not fact.negated and len(fact.said.split()) < 5]
        return self._random.sample(short, 2) if len(short) > 1 else []

    def _both(self, place: int, product: ProductFacts, said: Sequence[str], kind: str = "") -> MadeClaim:
        phrase = self._pick(self._stated["two"]).replace("{w}", said[1])
        return self._made(place, product, phrase, said[0], kind=kind)

    def _changed(self, fact: Fact, product: ProductFacts, kind: str) -> Iterator[tuple[str, str, str]]:
        """Phrase, value and role of claims that a fact is turned into by a change of this kind."""
        if kind == "negation":
            if (said := self._reworded(fact, denied=not fact.negated)) and self._random.random() < 0.6:
                yield said, "", ""
            elif fact.negated:
                yield self._pick(self._false["affirmed"]), fact.value, ""
            elif fact.slot in _DENIED and len(fact.value.split()) <= 3:
                yield self._pick(self._false["denied"]), fact.value, ""
        elif fact.negated:
            return
        elif kind == "value":
            alike = self._values[fact.slot, bool(fact.role)]
            drawn = (self._random.choice(alike) for _ in range(TRIES))
            other = next((each for each in drawn if not each.negated and _differs(each, product)), None)
            if other is not None:
                yield self._phrase(fact), other.value, fact.role
        elif kind == "unit" and (unit := _other_unit(fact.value, self._random)):
            yield self._phrase(fact), unit, fact.role
        elif kind == "role":
            yield from self._other_role(fact, product)

    def _other_role(self, fact: Fact, product: ProductFacts) -> Iterator[tuple[str, str, str]]:
        """The fact said of another part, or measured another way."""
        parts = [
            each.value.split()[-1] for each in product.facts if each.slot == "part" and not each.negated
        ] + [each.role for each in product.facts if each.role and each.slot in ("material", "colour", "size")]
        taken = {
            role
            for each in product.facts
            if fact.value in each.value
            for role in (each.role, *words(each.said))
        }
        other = [part for part in parts if part.lower() not in taken | MEASURED.keys()]
        ways = [way for way in MEASURED if way not in taken]
        if fact.slot == "size" and fact.role in MEASURED and ways and self._random.random() < 0.5:
            yield self._phrase(fact._replace(role="")), f"{fact.value} {MEASURED[self._pick(ways)]}", ""
        elif other and (fact.slot in ("material", "colour") or (fact.slot == "size" and fact.role)):
            yield self._pick(self._stated[f"{fact.slot}_role"]), fact.value, self._pick(other)

    def _reworded(self, fact: Fact, *, denied: bool) -> str:
        """The fact, or what denies it, without its own words; '' where the table has none for it."""
        its = [each for each in self._meaning if each["word"] in fact.value.lower()]
        return self._pick(its[0]["no" if denied else "yes"]) if its else ""

    def _about(self, fact: Fact) -> tuple[str, str, str]:
        if (said := self._reworded(fact, denied=fact.negated)) and self._random.random() < 0.5:
            return said, "", ""
        if fact.negated:
            return self._pick(self._stated["negated"]), fact.value, ""
        return self._phrase(fact), fact.value if fact.role and _has_role(fact) else fact.said, fact.role

    def _phrase(self, fact: Fact) -> str:
        """How the fact is put; now and then with a tail that states nothing, as ads have it."""
        name = f"{fact.slot}_role" if _has_role(fact) else fact.slot
        phrase = self._pick(self._stated.get(name, self._stated["other"]))
        is_tailed = "tail" in self._stated and self._random.random() < 0.25
        return f"{phrase[:-1]}{self._pick(self._stated['tail'])}." if is_tailed else phrase

    def _pick(self, phrases: Sequence[str]) -> str:
        return self._random.choice(phrases)

    def _made(
        self, place: int, product: ProductFacts, phrase: str, said: str, role: str = "", kind: str = ""
    ) -> MadeClaim:
        noun = product.kind.lower() or "product"
        article = "An" if noun[:1] in "aeio" else "A"
        bare = re.sub(r"^(?:for|from) ", "", said)
        text = phrase.replace("{K}", f"{article} {noun}").replace("{k}", noun).replace("{v}", bare)
        text = text.replace("{r}", role).replace("{b}", product.brand or noun)
        return MadeClaim(place, text[:1].upper() + text[1:], kind)


def _usable(product: ProductFacts) -> list[Fact]:
    denied = [Fact("function", name, negated=True) for name in product.record.denied]
    return denied + [
        fact
        for fact in product.facts
        if fact.slot != "kind" and fact.source != "review" and len(fact.value) < 60
    ]


def _has_role(fact: Fact) -> bool:
    return bool(fact.role) and fact.slot in ("material", "colour", "size") and fact.said != f"{fact.value}"


def _differs(fact: Fact, product: ProductFacts) -> bool:
    """Whether no word of the value is on the product's record, or its number is another."""
    if fact.value.lower() in product.record.text:
        return False
    numbers = quantities(fact.value)
    if numbers:
        return all(number.text.lower() not in product.record.text for number in numbers)
    return not any(word in product.record.text for word in fact.value.lower().split() if len(word) > 3)


def _other_unit(value: str, random: Random) -> str:
    """`value` with another unit of its kind or a near one; '' if it has none."""
    for units in _UNITS:
        for unit in units:
            found = re.search(rf"(?<=\d)([ -]?){re.escape(unit)}\b", value)
            if found:
                other = random.choice([each for each in units if each != unit])
                return f"{value[: found.start()]}{found[1]}{other}{value[found.end() :]}"
    return ""
