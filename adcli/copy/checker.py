"""Whether an ad may run: rules of the market, the product's record, and a model of what follows from it.

    >>> from adcli.copy.facts import product_facts
    >>> towel = product_facts({"item_id": "1", "title": "Acme Cotton Towel"})
    >>> [found.rule for found in Checker().findings(["The best silk towel"], [towel])[0]]
    ['absolute.best', 'material.unsupported']

The model reads the sentences of English ads in which the first two layers find nothing but a new word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from adcli.arrays import Floats
from adcli.copy.claims import Finding, broken_rules, folded, personal_data, record_of
from adcli.copy.evidence import Claim, claims_of
from adcli.copy.facts import ProductFacts
from adcli.copy.grounding import NEW_WORD, ungrounded
from adcli.copy.lexicon import DATA
from adcli.copy.own import BrandRules

Supports = Callable[[Sequence[str]], Floats]
"""Texts of claims with their evidence to the probabilities (n,) that the evidence supports the claim."""

LEAST_SUPPORT = 0.05
LEAST_SUPPORT_OF_NEW_WORDS = 0.3
"""What a sentence needs in which a word is neither on record nor ordinary in ads."""
SHIPPED = DATA / "claims"  # the model of claims that adcli ships: an adapter of MiniLM with its head
_NOTHING = record_of([])


def is_publishable(found: Sequence[Finding]) -> bool:
    """Whether an ad with these findings may run."""
    return all(finding.severity != "block" for finding in found)


class Checker:
    """The three layers, for one market and one brand.

    Args:
        market: `us`, `eu` or `cn`.
        rules: What the brand's ads must say, may say and must not say.
        brands: Brands of the whole catalogue in lower case.
        supports: The model; None leaves its layer out.
        least_support: A claim that is supported with less probability than this is found.
    """

    def __init__(
        self,
        market: str = "us",
        *,
        rules: BrandRules | None = None,
        brands: frozenset[str] = frozenset(),
        supports: Supports | None = None,
        least_support: float = LEAST_SUPPORT,
    ) -> None:
        self.market, self.brands = market, brands
        self._rules, self._supports, self._least = rules, supports, least_support

    def knowing(self, brands: frozenset[str]) -> Checker:
        """This checker for the catalogue of these brands."""
        return Checker(
            self.market, rules=self._rules, brands=brands, supports=self._supports, least_support=self._least
        )

    def findings(self, ads: Sequence[str], products: Sequence[ProductFacts | None]) -> list[list[Finding]]:
        """What is wrong with each ad; without its product only rules that need no record are checked.

        `ads` (n,) texts; `products` (n,) the product of each.
        """
        found = [self.stated(text, product) for text, product in zip(ads, products, strict=True)]
        if self._supports is not None:
            unread = [
                claim
                for index, (text, product) in enumerate(zip(ads, products, strict=True))
                if product is not None
                for claim in claims_of(index, text, product, found[index])
            ]
            for claim, likely in zip(
                unread, self._supported([each.with_evidence for each in unread]), strict=True
            ):
                found[claim.ad] = self._judged(claim, likely, found[claim.ad])
        return [self._allowed(each, product) for each, product in zip(found, products, strict=True)]

    def support(self, texts: Sequence[str], product: ProductFacts) -> Floats:
        """(n,) the probability of each text's least supported claim; 1 where the model reads none."""
        least = np.ones(len(texts))
        if self._supports is None:
            return least
        claims = [claim for place, text in enumerate(texts) for claim in claims_of(place, text, product, ())]
        if claims:
            likely = self._supports([claim.with_evidence for claim in claims])
            np.minimum.at(least, [claim.ad for claim in claims], likely)
        return least

    def stated(self, text: str, product: ProductFacts | None) -> list[Finding]:
        """What rules and record find in one ad, without the model."""
        name = product.title if product else ""
        own = folded(f"{product.title} {product.brand}") if product else ""
        record = product.record if product else _NOTHING
        found = broken_rules(text, record, own_name=name, market=self.market)
        found += [each for each in personal_data(text) if folded(each.span) not in own]
        if product is not None:
            ruled = " ".join(each.span for each in found).lower()
            scenes = product.scenes or frozenset({"any"})
            further = ungrounded(text, record, brands=self.brands, scenes=scenes)
            found += [each for each in further if each.rule != NEW_WORD or each.span not in ruled]
        return [*found, *self._of_brand(text, product)]

    def must_say(self, product: ProductFacts | None) -> list[str]:
        """What the brand's rules ask every ad of this product to say."""
        items = ("", product.item_id) if product else ("",)
        return [
            said for item in items for said in (self._rules.must_say.get(item, ()) if self._rules else ())
        ]

    def _of_brand(self, text: str, product: ProductFacts | None) -> list[Finding]:
        """What the brand's own rules say of the ad."""
        if self._rules is None:
            return []
        plain, items = folded(text), ("", product.item_id) if product else ("",)
        return [
            *(
                Finding("brand.must_not_say", said, source="the brand's rules")
                for item in items
                for said in self._rules.must_not_say.get(item, ())
                if folded(said) in plain
            ),
            *(
                Finding("brand.must_say", said, source="the brand's rules")
                for said in self.must_say(product)
                if folded(said) not in plain
            ),
        ]

    def _allowed(self, found: list[Finding], product: ProductFacts | None) -> list[Finding]:
        """The findings without those within what the brand says its ads may say, each once."""
        items = ("", product.item_id) if product else ("",)
        may = [
            folded(said)
            for item in items
            for said in (self._rules.may_say.get(item, ()) if self._rules else ())
        ]
        kept = [
            each for each in found if not any(folded(each.span) and folded(each.span) in said for said in may)
        ]
        return list(dict.fromkeys(kept))

    def _supported(self, texts: Sequence[str]) -> Floats:
        return self._supports(texts) if texts and self._supports is not None else np.ones(len(texts))

    def _judged(self, claim: Claim, likely: float, found: list[Finding]) -> list[Finding]:
        """The findings of an ad once the model has read one of its sentences.

        A word that is nowhere on record blocks a sentence that the record does not support either, and so
        does a name; else it is a warning.
        """
        new = [each for each in found if each.rule == NEW_WORD and each.span in claim.text.lower()]
        if likely < (LEAST_SUPPORT_OF_NEW_WORDS if new else self._least):
            unsupported = Finding(
                "claim.unsupported", claim.text, layer="claims", source="the product's record"
            )
            return [*found, unsupported]
        return [
            each._replace(severity="warn") if each in new and not _is_name(each.span, claim.text) else each
            for each in found
        ]


def _is_name(word: str, sentence: str) -> bool:
    """Whether `word` stands with a capital within `sentence`, and not at its start."""
    return (
        bool(re.search(rf"(?<=\w[ ,'-]){re.escape(word.capitalize())}", sentence)) and not sentence.istitle()
    )
