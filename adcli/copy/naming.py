"""What a product is called in an ad: a short name, its brand, and the noun for what it is.

>>> short_name("RRTC RRTC1105SM00 Basic Analog Watch  - For Women")
'RRTC Basic Analog Watch'
>>> kind_of("Sathiyas Cotton Bath Towel", ["Bath Linen", "Towels"], {}, brand="Sathiyas")
'Bath Towel'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from adcli.copy.channels import display_width
from adcli.copy.lexicon import COLOURS, MATERIALS, STOP_WORDS
from adcli.copy.quantities import codes
from adcli.copy.wording import category_path, plain_text, stem

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_TAIL = re.compile(r"\s+-\s+(?:for\b.*|[\d.,]+ ?\w{0,6})$", re.IGNORECASE)
_CORE_END = re.compile(r"\s(?:for|with|in|by|from|of|and its)\s|\s[-–|]\s|[,;:(]", re.IGNORECASE)
SAYS_LITTLE = frozenset({
    "combo", "set", "kit", "pack", "piece", "pcs", "item", "product", "collection", "gift", "accessory",
    "gadget", "other",
})  # fmt: skip
"""Stems of nouns that do not tell what a thing is."""
_NOT_A_KIND = (COLOURS - {"cream"}) | STOP_WORDS | {
    "color", "colour", "colors", "colours", "size", "small", "medium", "large", "xl", "xxl", "single",
    "double", "king", "queen", "assorted", "multi", "muti", "new", "free", "sized", "women", "men", "boy",
    "girl", "kid", "baby", "unisex", "analog", "digital", "analog-digital", "ml", "cm", "inch", "gm", "gsm",
    "yes", "print", "printed", "sexy", "fun", "girly", "cute", "stylish", "fancy", "beautiful", "elegant",
}  # fmt: skip


def _spoken(word: str) -> str:
    """`word` in title case where it shouts (`CURTAIN`) or whispers; short capitals (`USB`, `SDRAM`) stay."""
    return (
        word.capitalize() if word.islower() or (word.isupper() and len(word) > 5 and word.isalpha()) else word
    )


def _calmed(word: str) -> str:
    """A word of an all-capital title in title case: `T-LIGHT` → `T-Light`; up to three letters stay."""
    return "-".join(part.capitalize() for part in word.split("-")) if len(word) > 3 else word


def short_name(title: str, *, brand: str = "") -> str:
    """`title` without model codes (but for the brand), asides, measures at its end, and words said twice."""
    text = _ASIDE.sub(" ", _TAIL.sub("", plain_text(title)))
    model_codes = codes(text) - set(brand.lower().split())
    shouted = text.isupper()
    kept: list[str] = []
    for word in text.split():
        bare = word.strip(".,;:-_").lower()
        is_code = bare in model_codes or "_" in word or (bare.isdigit() and len(bare) > 3)
        if is_code or not bare or (kept and stem(bare) == stem(kept[-1].strip(".,;:-"))):
            continue
        kept.append(_calmed(word) if shouted else _spoken(word) if word.isupper() else word)
    return " ".join(kept).strip(" ,;:-|&") or plain_text(title)


def shortened(name: str, kind: str, limit: int) -> str:
    """`name` in at most `limit` columns: its first words and the noun for the thing; else cut."""
    if display_width(name) <= limit:
        return name
    before = name.split()
    if not name.isascii() and len(before) == 1:
        return _cut_to_width(name, limit)
    noun = kind.split()
    modifiers = [word for word in before if stem(word.strip(",")) not in {stem(part) for part in noun}]
    for kept in range(len(modifiers), -1, -1):
        before_noun = " ".join(modifiers[:kept]).rstrip(" ,;:-|&")
        candidate = f"{before_noun} {' '.join(noun)}".strip()
        dangling = kept and stem(modifiers[kept - 1].strip(",").lower()) in STOP_WORDS | {"&", "-"}
        if not dangling and display_width(candidate) <= limit:
            return candidate
    return _cut_to_width(name, limit)


def _cut_to_width(text: str, limit: int) -> str:
    while display_width(text) > limit:
        text = text[:-1]
    return text


def brand_of(record: Mapping[str, object], attributes: Mapping[str, str]) -> str:
    """The brand on record, or the one that its category's name gives away (`RRTC Wrist Watches`), or ''."""
    stated = plain_text(str(record.get("brand") or attributes.get("Brand") or attributes.get("品牌") or ""))
    if stated:
        return stated
    title = plain_text(str(record.get("title") or ""))
    steps = [
        step.strip()
        for step in re.split(r"\s*>>?\s*", plain_text(str(record.get("category") or "")).strip("[]\"' "))
    ]
    for step in steps:
        for earlier in steps:
            prefix = step.removesuffix(earlier).strip()
            if earlier and prefix and prefix != step and title.lower().startswith(prefix.lower()):
                return prefix
    return ""


def _last_words(phrase: str) -> Iterator[str]:
    """The last word of each alternative in a category's name: `Wool Blankets & Quilts` → blankets, quilts."""
    for part in re.split(r"[,&/]| and ", phrase):
        if part.split():
            yield part.split()[-1].lower()


def nouns_of(path: Sequence[str], attributes: Mapping[str, str], kind: str) -> frozenset[str]:
    """The stems of the nouns that name the thing: its kind, its type on record, its category's last step."""
    named = [
        *_last_words(kind),
        *_last_words(attributes.get("Type", "")),
        *(_last_words(path[-1]) if path else ()),
    ]
    stems = {stem(word) for word in named if word.replace("-", "").isalpha()}
    return frozenset(stems - _NOT_A_KIND - SAYS_LITTLE)


def kind_of(title: str, path: Sequence[str], attributes: Mapping[str, str], *, brand: str = "") -> str:
    """The noun for what the product is, as its title has it: by its type, its category or its last word.

    Args:
        title: The product's title.
        path: Its category, widest step first.
        attributes: Its attributes by heading.
        brand: Its brand, which is no noun.
    """
    if "类型" in attributes:
        return attributes["类型"].split(",")[0]
    name = short_name(title, brand=brand)
    name_words = [word.strip(".,;:!&") for word in name.split()]
    named = {
        stem(word) for source in (attributes.get("Type", ""), *path[-1:]) for word in _last_words(source)
    }
    wider = {stem(word) for step in path[1:] for word in _last_words(step)}
    for place in range(len(name_words) - 1, -1, -1):
        at_end = place == len(name_words) - 1
        if stem(name_words[place]) in (named | wider if at_end else named) - _NOT_A_KIND:
            spoken = _with_modifiers(name_words, place, path, attributes, brand)
            spoken = f"{spoken}{_rest_of_noun(name, name_words, place)}"
            return spoken if " " in spoken else _with_parent(spoken, path)
    core = _CORE_END.split(name + " ")[0].split()
    brand_words = {stem(re.sub(r"\W", "", word)) for word in brand.split()}
    for word in reversed(core[1:] if path else core):
        bare = word.strip(".,;:!&")
        if bare.isalpha() and len(bare) > 2 and stem(bare) not in _NOT_A_KIND | brand_words:
            return _with_parent(_spoken(bare), path)
    return stem(next(_last_words(path[-1]))).capitalize() if path else name


def _rest_of_noun(name: str, name_words: Sequence[str], place: int) -> str:
    """` Cream` after the `Massage` at `place`, where it is the last word before `for`, `with` and such."""
    core = _CORE_END.split(name + " ")[0].split()
    last = name_words[place + 1] if place + 2 == len(core) <= len(name_words) else ""
    says_what = (
        last.isalpha() and last[:1].isupper() and stem(last) not in _NOT_A_KIND | SAYS_LITTLE | MATERIALS
    )
    return f" {_spoken(last)}" if says_what else ""


def _with_modifiers(
    name_words: Sequence[str], place: int, path: Sequence[str], attributes: Mapping[str, str], brand: str
) -> str:
    """The noun at `place` and the words before it that the category or the type also has (`Pizza Cutter`)."""
    context = " ".join([*path, attributes.get("Type", ""), attributes.get("Designed For", "")]).lower()
    known = (
        {stem(word.strip("&,'")) for word in context.split()}
        - _NOT_A_KIND
        - SAYS_LITTLE
        - {stem(w) for w in brand.split()}
    )
    first = place
    while first > 0 and place - first < 2:
        before = stem(name_words[first - 1])
        if before not in known or before in ("", stem(name_words[first]), stem(name_words[place])):
            break
        first -= 1
    modifiers = [word if word.isupper() else stem(word).capitalize() for word in name_words[first:place]]
    return " ".join([*modifiers, _spoken(name_words[place])])


def _with_parent(noun: str, path: Sequence[str]) -> str:
    """`noun`, and before one that says little (`Combo`) what the category calls it (`Deodorant Combo`)."""
    if stem(noun) not in SAYS_LITTLE or not path:
        return noun
    for step in reversed(path):
        for word in _last_words(step):
            if stem(word) not in SAYS_LITTLE | _NOT_A_KIND:
                return f"{stem(word).capitalize()} {noun}"
    return noun


def category_of(record: Mapping[str, object]) -> list[str]:
    """The category path of one row of a products table."""
    return category_path(str(record.get("category") or ""), title=plain_text(str(record.get("title") or "")))
