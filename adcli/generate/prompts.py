"""What a language model is asked for: one ad sentence, from the facts, begun for it.

The beginning (`A brass showpiece that`) names the product and its facts before the model says a word; a small
model left to itself forgets both. Models with a chat template get messages whose last one is the assistant's,
to be continued; others get the same as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from adcli.copy.fact import Fact
from adcli.copy.facts import ProductFacts
from adcli.copy.naming import SAYS_LITTLE
from adcli.copy.scenes import scenes_of
from adcli.copy.wording import is_chinese, stem, words
from adcli.generate.examples import CHINESE_EXAMPLES, Example, examples_for, verbs_for

Message = dict[str, str]


class _Labels(NamedTuple):
    """The words of a request in one language."""

    instruction: str
    product: str
    facts: str
    shoppers: str
    ad: str


_ENGLISH = _Labels(
    "You write short, honest ads for an online shop. You use only the facts you are given.",
    "Product: ", "Facts: ", "Shoppers: ", "Ad: ",
)  # fmt: skip
_CHINESE = _Labels(
    "你为网店写简短、诚实的广告文案，只使用给出的信息。", "商品：", "信息：", "顾客：", "文案："
)
_LOOKED_AT = frozenset({"ornament", "walls"})
_AS_ADJECTIVE = ("colour", "material", "capacity")
_AUDIENCE = re.compile(
    r"\b(?:men|women|boys|girls|kids|children|babies|baby|newborns?|toddlers|infants|skin|hair)\b"
)


class Prompt(NamedTuple):
    """One request to a model: its instruction, and the beginning of the sentence that it continues."""

    examples: tuple[Example, ...]
    product: str
    facts: str
    shoppers: str
    lead: str

    def messages(self) -> list[Message]:
        """Chat messages; the last one is the assistant's beginning, to be continued."""
        turns: list[Message] = [{"role": "system", "content": self._labels.instruction}]
        for example in self.examples:
            turns.append({"role": "user", "content": self._request(example.product, example.facts)})
            turns.append({"role": "assistant", "content": example.ad})
        turns.append({"role": "user", "content": self._request(self.product, self.facts, self.shoppers)})
        turns.append({"role": "assistant", "content": self.lead})
        return turns

    def text(self) -> str:
        """Plain text that ends in the beginning, for a model without a chat template."""
        ad = self._labels.ad
        shown = [f"{self._request(each.product, each.facts)}\n{ad}{each.ad}" for each in self.examples]
        asked = self._request(self.product, self.facts, self.shoppers)
        return "\n\n".join([*shown, f"{asked}\n{ad}{self.lead}"])

    @property
    def _labels(self) -> _Labels:
        return _CHINESE if is_chinese(self.product) else _ENGLISH

    def _request(self, product: str, facts: str, shoppers: str = "") -> str:
        for_whom = f"\n{self._labels.shoppers}{shoppers}" if shoppers else ""
        return f"{self._labels.product}{product}\n{self._labels.facts}{facts}{for_whom}"


def article(phrase: str, *, plural: bool = False) -> str:
    """`phrase` with A or An before it; none before a plural."""
    if plural:
        return phrase[:1].upper() + phrase[1:]
    return ("An " if re.match(r"(?:[aeio]|u(?!s|ni)|[FHLMNRSX][A-Z])", phrase) else "A ") + phrase


def _joined(text: str) -> str:
    """`pink, blue` as it reads before a noun: `pink and blue`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def is_audience(text: str) -> bool:
    """Whether `for …` names, in few words, people (`for women`) or the skin or hair it is for."""
    return bool(_AUDIENCE.search(text)) and len(text.split()) <= 4 and "/" not in text


def adjectives(facts: Sequence[Fact]) -> list[str]:
    """The facts that can stand before the noun, the one farthest from it first."""
    chosen: dict[str, str] = {}
    for fact in facts:
        fits = (
            fact.slot in _AS_ADJECTIVE and len(fact.said.split()) <= 3 and not re.search(r"[/(]", fact.said)
        )
        if fits and not fact.role and fact.slot not in chosen:
            chosen[fact.slot] = _joined(fact.said)
    return [chosen[heading] for heading in ("capacity", "colour", "material") if heading in chosen]


def spoken_kind(product: ProductFacts) -> str:
    """The noun for the product as it stands in a sentence: lower case, short capitals kept."""
    return " ".join(
        word if word.isupper() and len(word) <= 5 else word.lower() for word in product.kind.split()
    )


def _is_plural(kind: str) -> bool:
    last = kind.split()[-1].lower() if kind.split() else ""
    return last != stem(last) or (last.endswith("s") and not last.endswith(("ss", "us")))


def _agreed(verb: str, kind: str) -> str:
    """`verb` as it goes with `kind`: `adds` → `add` after a plural."""
    first, *rest = verb.split()
    plain = {"goes": "go"}.get(first, first.removesuffix("s"))
    return " ".join([plain if _is_plural(kind) else first, *rest])


def phrases(product: ProductFacts) -> list[str]:
    """The phrases that name the product, each with other facts (`A brass showpiece`, `A mug for kids`)."""
    kind = spoken_kind(product)
    parts = {stem(part) for part in kind.split()}
    before = [word for word in adjectives(product.listed) if stem(word.split()[-1]) not in parts]
    aims = [fact.said for fact in product.listed if fact.slot == "audience" and is_audience(fact.said)]
    shown = [
        fact.said
        for fact in product.listed
        if (fact.slot == "part" or (fact.role and fact.slot in ("material", "colour", "style")))
        and len(fact.said.split()) <= 3
    ]
    named = [" ".join([*before[-2:], kind])]
    named += [f"{kind} {_joined(aims[0])}"] if aims else []
    named += [f"{kind} with {article(_joined(shown[0])).lower()}"] if shown else []
    named += [" ".join([*before[:1], kind]), kind]
    return list(dict.fromkeys(article(phrase, plural=_is_plural(kind)) for phrase in named))


def _scenes(product: ProductFacts) -> frozenset[str]:
    """The scenes of the thing itself, and the nursery where its name says so; an ornament shows a baby."""
    for_babies = {stem(word) for word in words(product.title)} & {"baby", "infant", "toddler", "newborn"}
    noun = spoken_kind(product)
    thing = noun if stem(noun.split()[-1]) in SAYS_LITTLE else noun.split()[-1]
    own = scenes_of(thing)
    return own | ({"baby"} if for_babies and not own & _LOOKED_AT else frozenset())


def leads(product: ProductFacts) -> list[str]:
    """The beginnings of an ad for this product: a phrase that names it, and a verb of its scene."""
    kind = spoken_kind(product)
    verbs = verbs_for(_scenes(product))
    named = phrases(product)
    return [
        f"{named[turn % len(named)]} that {_agreed(verbs[turn % len(verbs)], kind)}"
        for turn in range(max(len(named), len(verbs)))
    ]


def prompts_for(product: ProductFacts, *, shoppers: str = "", most: int = 3) -> list[Prompt]:
    """The prompts for one product, at most `most`, each with its own beginning.

    Args:
        product: The product's facts.
        shoppers: Words for the segment the ad is for (`outdoor boots · hiking`), or ''.
        most: At most so many.
    """
    facts_said = [fact.said for fact in product.listed if fact.slot != "size"][:5]
    if is_chinese(product.title):
        facts = "，".join(facts_said) or product.name
        begun = [f"这款{product.kind}", f"{product.kind}"][:most]
        return [Prompt(CHINESE_EXAMPLES, product.kind, facts, shoppers, lead) for lead in begun]
    examples = tuple(examples_for(_scenes(product) or product.scenes))
    facts = ", ".join(facts_said) or product.name
    return [Prompt(examples, product.kind, facts, shoppers, lead) for lead in leads(product)[:most]]
