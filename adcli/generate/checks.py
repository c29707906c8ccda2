"""The hard checks of an ad: what is wrong with it, each by the id of the rule it breaks.

    >>> from adcli.copy.facts import product_facts
    >>> product = product_facts({"item_id": "1", "title": "Acme Cotton Towel"})
    >>> from adcli.generate.drafting import Draft
    >>> ad = Draft("Acme Cotton Towel", "The best silk towel you will find, 700 GSM.")
    >>> flags(ad, product, CHANNELS["google-search"])
    ['absolute.best', 'material.unsupported', 'number.unsupported']

An ad without a flag is one that no rule caught, which is less than a true one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from adcli.copy.channels import CHANNELS, Channel, unfit
from adcli.copy.checker import Checker
from adcli.copy.claims import Finding, folded
from adcli.copy.facts import ProductFacts
from adcli.copy.lexicon import NEGATIVE, STOP_WORDS
from adcli.copy.scenes import foreign_words
from adcli.copy.wording import is_chinese, root, stem, words
from adcli.generate.drafting import Draft

__all__ = ["CHANNELS", "findings", "flags", "names_product", "repeats"]

_META = re.compile(
    r"\b(?:as an ai|language model|here(?:'s| is) (?:a|an|the|your)|i'm|i am|i (?:can|have|would|love|was)|"
    r"this (?:ad|advert\w*|sentence))\b|\b(?:product|facts|ad|shoppers):|\[[^\]]*\]|<[^>]*>",
    re.IGNORECASE,
)
_SENSITIVE = re.compile(
    r"\bmore attractive\b|\bsexy\b|\benvy of\b|\b(?:slimmer|younger|skinny)\b|\b(?:lose|losing) weight\b|"
    r"\bkeeps? (?:you|your \w+) (?:safe|alive|healthy)\b|\b(?:die|dies|dying|dead|death)\b",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"[�{}\\|<>]|https?:|,,|\.\.(?!\.)|\b(?:and|or|the|a|an|of|to|with|for|that|your|is)(?:[.!?](?:\s|$)|$)|"
    r"\b(\w+) (?:and|or) \1\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|not|without|never|against|from|less|free of|avoid|reduce[sd]?|protects?)\b", re.IGNORECASE
)


def findings(
    draft: Draft,
    product: ProductFacts,
    channel: Channel,
    *,
    brands: frozenset[str] = frozenset(),
    nouns: frozenset[str] = frozenset(),
    shown: Sequence[str] = (),
    checker: Checker | None = None,
) -> list[Finding]:
    """Each rule that `draft` breaks, with the words that break it.

    Args:
        draft: The ad.
        product: The facts of the product it is for.
        channel: The channel it is to run in.
        brands: Brands of the whole catalogue in lower case.
        nouns: Stems of the nouns of all products, one of which in a headline names another thing.
        shown: Texts the model was shown, which an ad must not repeat.
        checker: Of claims; None is that of the default market for these brands.
    """
    whole = f"{draft.headline}. {draft.description}" if draft.headline else draft.description
    own = folded(f"{product.title} {product.brand}")
    return [
        *(Finding(f"headline.{fault}", "") for fault in unfit(draft.headline, "headlines", channel)),
        *(Finding(f"description.{fault}", "") for fault in unfit(draft.description, "descriptions", channel)),
        *(checker or Checker(brands=brands)).stated(whole, product),
        *_off_product(draft, whole, product, nouns),
        *_copied(draft, product, shown),
        *(
            finding
            for finding in _ill_said(whole, draft.description, product)
            if len(finding.span) < 3 or folded(finding.span) not in own
        ),
    ]


def flags(
    draft: Draft,
    product: ProductFacts,
    channel: Channel,
    *,
    brands: frozenset[str] = frozenset(),
    nouns: frozenset[str] = frozenset(),
    shown: Sequence[str] = (),
    checker: Checker | None = None,
) -> list[str]:
    """The ids of the rules that `draft` breaks, each once, in order (`findings` names the words)."""
    found = findings(draft, product, channel, brands=brands, nouns=nouns, shown=shown, checker=checker)
    return sorted({finding.rule for finding in found})


def names_product(text: str, product: ProductFacts) -> bool:
    """Whether `text` says what the product is: one of its nouns, or two distinctive words of its name."""
    if not text.isascii() and product.kind and product.kind in text:
        return True
    said = {stem(word) for word in words(text)}
    distinctive = {stem(word) for word in words(product.name) if len(word) > 2} - STOP_WORDS
    return bool(said & product.nouns) or len(said & distinctive) >= min(2, len(distinctive))


def _off_product(draft: Draft, whole: str, product: ProductFacts, nouns: frozenset[str]) -> list[Finding]:
    known = product.record.stems
    headline = {stem(word) for word in words(draft.headline)}
    others = sorted(headline & nouns - known - product.nouns)
    broken: dict[str, Sequence[str]] = {
        "product.unnamed": [] if names_product(whole, product) else [""],
        "product.foreign": others,
        "name.unsupported": _unknown_names(draft.description, product),
        "scene.foreign": foreign_words(whole, product.scenes, on_record=known),
    }
    return [Finding(rule, span) for rule, spans in broken.items() for span in spans]


def _unknown_names(description: str, product: ProductFacts) -> list[str]:
    """Words inside a sentence that are written as names or abbreviations and are not on record."""
    inside = re.findall(r"(?<=[a-z,;:&] )[A-Z][\w'-]*", description)
    return [word for word in inside if folded(word) not in product.record.text]


def repeats(text: str) -> list[str]:
    """What `text` says twice: content words, or three words in a row."""
    said = words(text)
    if not text.isascii():
        counted = Counter(zip(said, said[1:], said[2:], said[3:], strict=False))
        return ["".join(gram) for gram, count in counted.items() if count > 1]
    counted_words = Counter(stem(word) for word in said if word not in STOP_WORDS and len(word) > 2)
    counted_grams = Counter(zip(said, said[1:], said[2:], strict=False))
    again = [word for word, count in counted_words.items() if count > 1]
    roots = Counter(root(word) for word in counted_words if len(word) >= 6)
    again += [root for root, count in roots.items() if count > 1]
    return again + [" ".join(gram) for gram, count in counted_grams.items() if count > 1]


def _ill_said(whole: str, description: str, product: ProductFacts) -> list[Finding]:
    """What no ad should say, whoever the product's: the rules that its own name is excused from."""
    said = {
        "text.meta": _META.findall(whole),
        "text.sensitive": _SENSITIVE.findall(whole),
        "text.broken": [match[0] for match in [_BROKEN.search(description.strip())] if match],
        "text.negative": [
            word
            for word in words(description)
            if word in NEGATIVE
            and stem(word) not in product.record.stems
            and not _NEGATED.search(description)
        ],
    }
    return [Finding(rule, span) for rule, spans in said.items() for span in spans]


def _copied(draft: Draft, product: ProductFacts, shown: Sequence[str]) -> list[Finding]:
    """What only repeats: itself, the facts in a row, or the examples; and what is in another language."""
    text = draft.description
    copied = next((other for other in shown if _shares_run(text, other)), "")
    listed = _listed_after_verb(text, product)
    wrong_language = is_chinese(text) != is_chinese(product.title)
    return [
        *(Finding("text.repeated", span) for span in repeats(text.replace(product.name, ""))[:1]),
        *([Finding("text.lists_facts", listed)] if listed else []),
        *([Finding("text.prompt_copy", copied)] if copied else []),
        *([Finding("text.language", "")] if text and wrong_language else []),
    ]


def _listed_after_verb(description: str, product: ProductFacts) -> str:
    """What a first sentence `A … that …` says after `that` if it only lists facts, which do not go there."""
    _, found, said = re.split(r"[.!?](?:\s|$)", description)[0].partition(" that ")
    stems_said = {stem(word) for word in words(said) if word not in STOP_WORDS}
    known = {fact: {stem(word) for word in words(fact.said)} for fact in product.listed}
    substance = any(
        stems_said & stems for fact, stems in known.items() if fact.slot in ("material", "colour")
    )
    listed = len(stems_said & set().union(*known.values())) >= 2
    return said if found and (substance or listed) else ""


def _shares_run(text: str, other: str, *, length: int = 7) -> bool:
    """Whether `text` has `length` words in a row from `other`."""
    said, known = words(text), words(other)
    runs = {tuple(known[i : i + length]) for i in range(len(known) - length + 1)}
    return any(tuple(said[i : i + length]) in runs for i in range(len(said) - length + 1))
