"""The facts of a product that an ad may state, in words an ad can use.

    >>> facts = product_facts({"item_id": "1", "title": "Acme Bath Towel", "material": "Cotton"})
    >>> facts.kind, [fact.text for fact in facts.facts]
    ('Towel', ['cotton'])

Facts are taken from what is on record (title, brand, category, attributes, price, description); none is
inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from adcli.copy.attributes import attributes
from adcli.copy.claims import Record, record_of
from adcli.copy.lexicon import COLOURS, MATERIALS
from adcli.copy.naming import brand_of, category_of, kind_of, nouns_of, short_name
from adcli.copy.quantities import CURRENCIES, quantities
from adcli.copy.scenes import scenes_of
from adcli.copy.stated import HEADINGS, Fact, lowered, pack_of, stated
from adcli.copy.wording import boilerplate, own_words, plain_text, specification_text, stem, words


class ProductFacts(NamedTuple):
    """What an ad for one product has to know.

    Attributes:
        item_id: The product's id.
        title: Its title, in plain text.
        name: The title fit for an ad, without model codes.
        brand: Its brand, or ''.
        kind: The noun for the thing (`Bath Towel`).
        nouns: Stems of nouns, one of which an ad must name.
        facts: What may be said of it, what sells first.
        prose: The description without the shop's boilerplate.
        scenes: Where it is used.
        record: All that is on record, for checking claims.
    """

    item_id: str
    title: str
    name: str
    brand: str
    kind: str
    nouns: frozenset[str]
    facts: tuple[Fact, ...]
    prose: str
    scenes: frozenset[str]
    record: Record


_AMBIGUOUS = frozenset({"cream", "olive", "bone"})
_NO_SIZE = CURRENCIES | {"", "time", "share"}  # of a time or share, only its sentence says of what


def _from_words(title: str, prose: str) -> list[Fact]:
    """Facts that title and prose state in known words: materials, colours, and measured quantities."""
    found = []
    for word in re.findall(r"\w+", title):
        kind = "material" if stem(word) in MATERIALS else "colour" if stem(word) in COLOURS else ""
        if kind and word.lower() not in _AMBIGUOUS:
            found.append(Fact(kind, lowered(word)))
    measured = [*quantities(title), *quantities(prose)[:4]]
    found += [Fact("size", each.text) for each in measured if each.dimension not in _NO_SIZE]
    return found


def _chosen(found: Iterable[Fact], most: int) -> tuple[Fact, ...]:
    """The first `most` facts in the order in which ads name them, each said once."""
    chosen: list[Fact] = []
    for fact in sorted(found, key=lambda fact: HEADINGS.index(fact.heading)):
        said = set(words(fact.text))
        same = any(said <= set(words(other.text)) or _squeezed(fact) == _squeezed(other) for other in chosen)
        if said and not same:
            chosen.append(fact)
    return tuple(chosen[:most])


def _squeezed(fact: Fact) -> str:
    return fact.text.replace(" ", "").lower()


def product_facts(
    product: Mapping[str, object], *, common: frozenset[str] = frozenset(), most: int = 10
) -> ProductFacts:
    """The facts of one product.

    Args:
        product: One row of a products table; further columns are read as attributes.
        common: The catalogue's boilerplate (`wording.boilerplate`), which says nothing about this product.
        most: At most so many facts, the ones that sell first.
    """
    title = plain_text(str(product.get("title") or ""))
    description = plain_text(str(product.get("description") or ""))
    prose = own_words(description, title, common)
    properties = attributes(product)
    brand, path = brand_of({**product, "title": title}, properties), category_of(product)
    kind = kind_of(title, path, properties, brand=brand)
    found = [fact for key, value in properties.items() if (fact := stated(key, value))]
    found += pack_of(properties) + _from_words(title, prose)
    texts = [title, brand, " . ".join(path), prose, *(f"{key} {value}" for key, value in properties.items())]
    texts += [fact.text for fact in found] + ([] if properties else [specification_text(description)])
    price = float(str(product["price"])) if product.get("price") is not None else None
    return ProductFacts(
        item_id=str(product.get("item_id") or ""),
        title=title,
        name=short_name(title, brand=brand),
        brand=brand,
        kind=kind,
        nouns=nouns_of(path, properties, kind),
        facts=_chosen(found, most),
        prose=prose,
        scenes=scenes_of(f"{title} {kind} {' '.join(path)}"),
        record=record_of(texts, price=price),
    )


class Catalogue(NamedTuple):
    """The facts of every product, and the brands (lower case) and kinds (stems) that are somebody's."""

    products: tuple[ProductFacts, ...]
    brands: frozenset[str]
    nouns: frozenset[str]


def catalogue_facts(products: Sequence[Mapping[str, object]]) -> Catalogue:
    """The facts of all rows of a products table, with the shop's boilerplate found and set aside."""
    titles = [plain_text(str(row.get("title") or "")) for row in products]
    descriptions = [plain_text(str(row.get("description") or "")) for row in products]
    common = boilerplate(descriptions, titles)
    facts = tuple(product_facts(row, common=common) for row in products)
    written = {word for product in facts for word in re.findall(r"\b[a-z]{3,}\b", product.prose)}
    brands = {product.brand.lower() for product in facts if len(product.brand) > 2}
    own = frozenset(brand for brand in brands if not set(brand.split()) <= written and not brand.isdigit())
    kinds = frozenset(stem(product.kind.split()[-1]) for product in facts if product.kind)
    return Catalogue(facts, own, kinds)
