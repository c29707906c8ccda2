"""The facts of a product that an ad may state, in words an ad can use.

    >>> facts = product_facts({"item_id": "1", "title": "Acme Bath Towel", "material": "Cotton"})
    >>> facts.kind, [fact.said for fact in facts.listed]
    ('Bath Towel', ['cotton'])

Facts are taken from what is on record (title, category, attributes, description, reviews, a brand's own
file); none is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from adcli.copy.attributes import attributes, denied, unheaded
from adcli.copy.chinese import chinese_facts_in
from adcli.copy.claims import Record, record_of
from adcli.copy.fact import FIRST_SAID, Fact
from adcli.copy.headings import stated
from adcli.copy.lexicon import STOP_WORDS, lexicon
from adcli.copy.naming import brand_of, category_of, kind_of, short_name, spoken, things
from adcli.copy.praise import praise
from adcli.copy.prose import facts_in
from adcli.copy.roles import Described, LabelRoles, facts_of_roles
from adcli.copy.scenes import scenes_of
from adcli.copy.wording import boilerplate, is_chinese, own_words, plain_text, specification_text, stem, words

_LISTED = frozenset({
    "material", "function", "certificate", "capacity", "power", "quantity", "audience", "colour", "style",
    "size", "warranty", "part",
})  # fmt: skip


class ProductFacts(NamedTuple):
    """What an ad for one product has to know."""

    item_id: str  # the product's id
    title: str  # its title, in plain text
    name: str  # the title fit for an ad, without model codes
    brand: str  # its brand, or ''
    kind: str  # the noun for the thing (`Bath Towel`)
    facts: tuple[Fact, ...]  # what is on record of it, what sells first
    prose: str  # the description without the shop's boilerplate
    scenes: frozenset[str]  # where it is used
    record: Record  # all that is on record, for checking claims

    @property
    def listed(self) -> tuple[Fact, ...]:
        """The facts that an ad can list in a few words: what sells first, at most three of a slot."""
        chosen: list[Fact] = []
        for fact in self.facts:
            alike = sum(other.slot == fact.slot for other in chosen)
            if fact.slot in _LISTED and not fact.negated and len(fact.said.split()) <= 5 and alike < 3:
                chosen.append(fact)
        return tuple(chosen[:10])


_PRIORITY = {slot: place for place, slot in enumerate(FIRST_SAID)}
_DESIGNED = frozenset({"material", "colour"})
"""Slots in which attributes are believed: a title's words are a name, a description's are of much else."""


def _chosen(found: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts in the order in which ads name them, each said once."""
    chosen: dict[str, list[tuple[set[str], Fact]]] = {}
    for fact in found:
        said = {stem(word) for word in words(fact.said)} - STOP_WORDS
        squeezed = fact.said.replace(" ", "").lower()
        known = chosen.setdefault(fact.slot, [])
        if said and not any(
            said <= other or squeezed == each.said.replace(" ", "").lower()
            for other, each in known
            if fact.slot not in _DESIGNED or each.role == fact.role or fact.role
        ):
            known.append((said, fact))
    return tuple(fact for slot in sorted(chosen, key=_PRIORITY.__getitem__) for _, fact in chosen[slot])


def _of_attributes(properties: Mapping[str, str], kind: str) -> list[Fact]:
    """The facts of the attributes; a type that only repeats what the thing is says nothing further."""
    noun = {stem(word) for word in words(kind)}
    found = []
    for key, value in properties.items():
        for fact in stated(key, value):
            if fact.role == "type":
                its = [stem(word) for word in words(fact.value)]
                if noun & set(its) or its[-1] in things():
                    continue
                fact = fact._replace(role="")
            found.append(fact)
    return found


def _of_texts(title: str, brand: str, kind: str, prose: str, *, has_matter: bool) -> list[Fact]:
    """The facts that title and prose state; the brand's words are none."""
    if is_chinese(title):
        return chinese_facts_in(title, prose, kind, brand)
    bare = re.sub(rf"(?i)^{re.escape(brand)}\b[\s,:-]*", "", title) if brand else title
    found = facts_in(bare.lower() if bare.isupper() else bare, kind=kind, source="title")
    if not has_matter:
        found = [fact for fact in found if fact.slot not in ("material", "colour")]
    without_brand = re.sub(rf"\b{re.escape(brand)}\b", " ", prose) if brand else prose
    found += facts_in(without_brand, kind=kind)
    scents = {fact.value.lower() for fact in found if "scent" in fact.span.lower()}
    return [fact for fact in found if fact.slot != "ingredient" or fact.value.lower() not in scents]


def _beside_title(description: str, title: str, kind: str, *, known: set[str]) -> list[Fact]:
    """What a description says in brackets after the title (`… (Pink, Pack of 1)`) of slots still open."""
    aside = re.search(rf"{re.escape(title)} ?\(([^()]{{2,80}})\)", description)
    pieces = aside[1].split(",") if aside else []
    found = [fact for piece in pieces for fact in facts_in(piece.strip(), kind=kind)]
    return [fact for fact in found if fact.slot in {"colour", "quantity", "capacity"} - known]


def _where(kind: str, title: str, path: Sequence[str], prose: str) -> str:
    """Where the noun stands: one that the title and another agree on is sure, whatever it is."""
    filed = {stem(word) for step in path[-1:] for word in words(step)[-1:]}
    if kind.lower() not in title.lower():
        return "category"
    if stem(kind.split()[-1].lower()) in filed:
        return "title and category"
    return "title and description" if " " in kind and kind.lower() in prose.lower() else "title"


def _is_scented(kind: str, path: Sequence[str]) -> bool:
    """Whether the thing is of no material or colour: in a fragrance's name, lace and roses are scents."""
    named = {stem(word) for word in words(" ".join([kind, *path[-2:]]))}
    return bool(named & {stem(word) for word in lexicon()["en"]["contains"]})


def product_facts(
    product: Mapping[str, object],
    *,
    common: frozenset[str] = frozenset(),
    reviews: Sequence[str] = (),
    own: Sequence[Fact] = (),
) -> ProductFacts:
    """The facts of one product.

    Args:
        product: One row of a products table; further columns are read as attributes.
        common: The catalogue's boilerplate (`wording.boilerplate`), which says nothing about this product.
        reviews: What customers say of it, the best first.
        own: Facts that the brand's own file states, which come first.
    """
    title = plain_text(str(product.get("title") or ""))
    description = plain_text(str(product.get("description") or ""))
    prose = own_words(description, title, common)
    properties = attributes(product)
    brand, path = brand_of({**product, "title": title}, properties), category_of(product)
    kind = kind_of(title, path, properties, brand=brand, prose=prose)
    scenes = scenes_of(f"{title.removeprefix(brand)} {kind} {' '.join(path)}")
    named = Fact("kind", spoken(kind), "", kind, negated=False, source=_where(kind, title, path, prose))
    found = [*own, named, *_of_attributes(properties, kind)]
    texts_say = _of_texts(title, brand, kind, prose, has_matter=not _is_scented(kind, path))
    known = {fact.slot for fact in found}
    said_of = {(fact.slot, fact.role) for fact in found}
    found += [
        fact
        for fact in texts_say
        if fact.slot not in _DESIGNED
        or (fact.slot not in known if fact.source == "title" else (fact.slot, fact.role) not in said_of)
    ]
    found += _beside_title(description, title, kind, known={fact.slot for fact in found})
    found += praise(reviews)
    texts = [title, brand, " . ".join(path), prose, *(f"{key} {value}" for key, value in properties.items())]
    texts += [fact.said for fact in found if fact.source != "review"]
    texts += [] if properties else [specification_text(description)]
    texts += [*unheaded(product), *(f"not {heading}" for heading in denied(product))]
    price = float(str(product["price"])) if product.get("price") is not None else None
    chosen = _chosen(found)
    return ProductFacts(
        item_id=str(product.get("item_id") or ""),
        title=title,
        name=short_name(title, brand=brand),
        brand=brand,
        kind=kind,
        facts=chosen,
        prose=prose,
        scenes=scenes,
        record=record_of(
            texts,
            price=price,
            facts=[fact for fact in chosen if fact.source != "review"],
            brand=brand,
            denied=denied(product),
        ),
    )


class Catalogue(NamedTuple):
    """The facts of every product, and the brands (lower case) that are somebody's."""

    products: tuple[ProductFacts, ...]
    brands: frozenset[str]


def catalogue_facts(
    products: Sequence[Mapping[str, object]],
    *,
    reviews: Mapping[str, Sequence[str]] | None = None,
    own: Mapping[str, Sequence[Fact]] | None = None,
    label: LabelRoles | None = None,
) -> Catalogue:
    """The facts of all rows of a products table, with the shop's boilerplate found and set aside.

    Args:
        products: Rows of a products table.
        reviews: What customers say, by `item_id`, the best first.
        own: What a brand's own file states, by `item_id`; under '' what holds for every product.
        label: Reads the semantic roles of prose; None goes by patterns alone.
    """
    said, known = reviews or {}, own or {}
    titles = [plain_text(str(row.get("title") or "")) for row in products]
    descriptions = [plain_text(str(row.get("description") or "")) for row in products]
    common = boilerplate(descriptions, titles)
    facts = tuple(
        product_facts(
            row,
            common=common,
            reviews=said.get(str(row.get("item_id")), ()),
            own=[*known.get(str(row.get("item_id")), ()), *known.get("", ())],
        )
        for row in products
    )
    if label is not None:
        read = facts_of_roles([Described(p.kind, p.brand, p.prose, p.facts) for p in facts], label)
        facts = tuple(p._replace(facts=(*p.facts, *its)) for p, its in zip(facts, read, strict=True))
    written = {word for product in facts for word in re.findall(r"\b[a-z]{3,}\b", product.prose)}
    named = {product.brand.lower() for product in facts if len(product.brand) > 2}
    brands = frozenset(brand for brand in named if not set(brand.split()) <= written and not brand.isdigit())
    return Catalogue(facts, brands)


FACT_SCHEMA = {
    "item_id": pl.String(), "slot": pl.String(), "value": pl.String(), "role": pl.String(),
    "span": pl.String(), "negated": pl.Boolean(), "source": pl.String(),
}  # fmt: skip
"""Columns of the facts table, in order."""


def facts_table(products: Iterable[ProductFacts]) -> pl.DataFrame:
    """One row a fact: `item_id slot value role span negated source`, products in order."""
    rows = [
        (product.item_id, fact.slot, fact.value, fact.role, fact.span, fact.negated, fact.source)
        for product in products
        for fact in product.facts
    ]
    return pl.DataFrame(rows, schema=FACT_SCHEMA, orient="row")
