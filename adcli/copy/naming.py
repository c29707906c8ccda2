"""What a product is called in an ad: a short name, its brand, and the noun for what it is.

>>> short_name("RRTC RRTC1105SM00 Basic Analog Watch  - For Women")
'RRTC Basic Analog Watch'
>>> kind_of("Sathiyas Cotton Bath Towel", ["Bath Linen", "Towels"], {}, brand="Sathiyas")
'Bath Towel'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from adcli.copy.lexicon import COLOURS, MATERIALS, STOP_WORDS, lexicon
from adcli.copy.quantities import UNITS, codes
from adcli.copy.wording import category_path, is_chinese, plain_text, stem

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_TAIL = re.compile(r"\s+-\s+(?:for\b.*|[\d.,]+ ?\w{0,6})$", re.IGNORECASE)
_CORE_END = re.compile(r"\s(?:for|with|in|of|and its)\s|\s[-–|]\s|[,;:(]", re.IGNORECASE)
_ACRONYMS = frozenset(
    {
        "USB",
        "LED",
        "LCD",
        "TV",
        "DVD",
        "CD",
        "PC",
        "RAM",
        "HDMI",
        "GPS",
        "MP3",
        "3D",
        "SDRAM",
        "AC",
        "UV",
        "PU",
        "PVC",
        "MDF",
    }
)
SAYS_LITTLE = frozenset({
    "combo", "set", "kit", "pack", "piece", "pcs", "item", "product", "collection", "gift", "accessory",
    "gadget", "other",
})  # fmt: skip
"""Stems of nouns that do not tell what a thing is."""
NOT_A_KIND = (COLOURS - {"cream"}) | STOP_WORDS | {
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
        is_again = kept and stem(bare) == stem(kept[-1].strip(".,;:-")) and bare not in brand.lower().split()
        if is_code or not bare or is_again:
            continue
        kept.append(_calmed(word) if shouted else _spoken(word) if word.isupper() else word)
    return " ".join(kept).strip(" ,;:-|&") or plain_text(title)


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


def kind_of(
    title: str, path: Sequence[str], attributes: Mapping[str, str], *, brand: str = "", prose: str = ""
) -> str:
    """The noun for what the product is, compounds whole (`Power Bank`).

    Args:
        title: The product's title.
        path: Its category, widest step first.
        attributes: Its attributes by heading.
        brand: Its brand, which is no noun.
        prose: Its description, whose first words may name it too (`Bypass shears with …`).
    """
    if not title.isascii() and is_chinese(title):
        return _chinese_kind(title, attributes, brand)
    bare = re.sub(rf"(?i)^{re.escape(brand)}\b[\s,:-]*", "", title) if brand else title
    name = short_name(bare or title, brand=brand)
    whole, context = (
        _words_of(name),
        {stem(word) for step in (attributes.get("Type", ""), *path[-1:]) for word in _last_words(step)},
    )
    for filed in map(_singular, _last_phrases(path[-1]) if path else ()):
        if " " in filed and (said := re.search(rf"(?i)\b{re.escape(filed)}(?:e?s)?\b", name)):
            return " ".join(_spoken(word.lower()) for word in said[0].split())  # `Idli Maker`, `Track Pants`
    wanted = context - NOT_A_KIND - SAYS_LITTLE
    cut = _words_of(_core(name))
    for core in (cut, whole):
        stems = [stem(re.sub(r"[^\w'-]", "", word)) for word in core]
        places = [place for place, word in enumerate(stems) if word in things() or word in wanted]
        named = [place for place in places if stems[place] in wanted]
        if core is cut and wanted & {stem(word) for word in whole} and not named:
            continue
        if places:
            at_end = core is cut and stems[-1] in things()
            head = named[-1] if named and not at_end else places[-1] if core is cut else places[0]
            while core is whole and head + 1 in places:
                head += 1
            phrase = _phrase(core, stems, _last_of_set(core, stems, head))
            several = "combo" in stems and any(stems[place] not in phrase.lower() for place in places)
            if several and stem(phrase.split()[-1]) not in SAYS_LITTLE:
                phrase = f"{_singular(phrase)} Combo"
            return _placed(_with_parent(_filed(phrase, path), path), path)
    return _other_kind(cut, path, attributes, prose, title)


def _filed(noun: str, path: Sequence[str]) -> str:
    """`noun`, or where it may only describe (`jewellery` of a jewellery box) what it is filed under."""
    leaf = next(_last_phrases(path[-1]), "") if path else ""
    head = stem(leaf.split()[-1].lower()) if leaf else ""
    last = stem(noun.split()[-1].lower())
    describes = last in lexicon()["en"]["modifier"] and last != head and " " in leaf
    return _singular(leaf) if describes and head in things() - SAYS_LITTLE else noun


_PLACES = ("wall", "table", "desk", "floor")


def _placed(noun: str, path: Sequence[str]) -> str:
    """`noun` with the place that the category puts it in (`Clock` of `Table Clocks` → `Table Clock`)."""
    for place in _PLACES:
        if path and path[-1].lower() in (f"{place} {noun.lower()}", f"{place} {noun.lower()}s"):
            return f"{place.capitalize()} {noun}"
    return noun


def _other_kind(
    core: Sequence[str], path: Sequence[str], attributes: Mapping[str, str], prose: str, title: str
) -> str:
    """The noun where the title has none that is known: of type, description, category, or its last word."""
    of_type = _singular(next(_last_phrases(attributes.get("Type", "")), "none"))
    if stem(of_type.lower()) in lexicon()["en"]["modifier"] and path:
        of_type = _singular(next(_last_phrases(path[-1])))  # `Tea` cups
    if stem(of_type.split()[-1].lower()) in things() and len(of_type.split()) < 4:
        return of_type
    if len(core) > 1 and core[-2].lower() in lexicon()["en"]["modifier"] and _is_noun_like(core[-1]):
        return " ".join(_spoken(word.lower()) for word in core[-2:])  # `Hair Claw`, though no list has claws
    little = [word for word in core if stem(word) in SAYS_LITTLE]
    if little:
        stems = [stem(word) for word in core]
        phrase = _compound(core, stems, stems.index(stem(little[0])))
        return phrase if " " in phrase else _with_parent(phrase, path)
    leaf = _singular(next(_last_phrases(path[-1]))) if path else ""
    if stem(leaf.split()[-1].lower()) in things() if leaf else False:
        return " ".join(_spoken(word) for word in leaf.split())
    opening = _words_of(_core(re.split(r"[.,;:]", prose)[0]))
    for place in range(min(len(opening), 5) - 1, -1, -1):
        if stem(opening[place]) in things() - MATERIALS:
            return _compound(opening, [stem(word) for word in opening], place)
    if len(path) > 1:
        return _with_parent(" ".join(_spoken(word) for word in leaf.split()), path)
    described = [word for word in core if _is_noun_like(word)]
    return " ".join(_spoken(word.lower()) for word in described[-2:]) or title


def _is_noun_like(word: str) -> bool:
    return stem(word.lower()) not in NOT_A_KIND | SAYS_LITTLE and re.sub(r"\W", "", word).isalpha()


def _last_of_set(core: Sequence[str], stems: Sequence[str], head: int) -> int:
    """The place of the last noun of a set of two things (`Top & Pyjama Set`), else `head`."""
    after = stems[head + 1 : head + 4]
    is_set = len(after) == 3 and core[head + 1] in ("&", "and") and after[1] in things() and after[2] in _SETS
    return head + 2 if is_set else head


_SETS = ("set", "kit", "combo")


def _phrase(core: Sequence[str], stems: Sequence[str], head: int) -> str:
    """The compound that ends at `head`, with the `set` after it and the other noun before an `&`."""
    is_gift = stems[head + 1 : head + 2] == ["gift"]
    end = core[head + 1 : head + 2 + is_gift]
    ends = bool(end) and stem(end[-1]) in _SETS
    is_set = ends and stem(end[-1]) != "combo"
    joined = head >= 2 and core[head - 1] in ("&", "and")
    joined = joined and (stems[head - 2] in things() or (is_set and _is_noun_like(core[head - 2])))
    if joined and not ends:  # `Quilts & Comforters`: what a shop files one of them under
        both = all(word.lower().endswith("s") for word in (core[head - 2], core[head]))
        return _singular(_compound(core, stems, head - 2)) if both else _compound(core, stems, head - 2)
    phrase = _compound(core, stems, head)
    first = f"{_spoken(core[head - 2].lower())} {core[head - 1]} " if joined else ""
    return " ".join([f"{first}{phrase}", *(_spoken(word.lower()) for word in end if ends)])


@lru_cache(maxsize=1)
def things() -> frozenset[str]:
    """The stems of nouns that say what a thing is."""
    return frozenset(stem(word) for phrase in lexicon()["en"]["thing"] for word in phrase.split()) - (
        NOT_A_KIND - {"can"}
    )


def _core(name: str) -> str:
    """The phrase that names the thing: without count and audience before it, and without what follows."""
    text = re.sub(r"(?i)^(?:(?:set|pack|pair|box|bag) of \w+|s(?:et)?/\d+)\s+", "", name)
    text = re.sub(
        r"(?i)^(?:\w+ )??(?:baby )?(?:kid|men|women|boy|girl|child|children)s?['’]?s?\s+(?=\w+ )", "", text
    )
    return _CORE_END.split(text + " ")[0]


def _words_of(text: str) -> list[str]:
    return [word for word in (word.strip(".,;:!()-") for word in text.split()) if word]


def _compound(core: Sequence[str], stems: Sequence[str], place: int) -> str:
    """The noun at `place` with the words before it that make it another thing (`Watering Can`)."""
    modifiers = lexicon()["en"]["modifier"] if stems[place] != "showpiece" else frozenset()
    first = place
    while first > 0 and place - first < 3:
        before = stems[first - 1]
        is_joined = before in modifiers or core[first - 1].lower() in modifiers
        is_joined |= f"{core[first - 1]} {core[first]}".lower() in lexicon()["en"]["compound"]
        if not is_joined or before in COLOURS or before in stems[first : place + 1]:
            break
        first -= 1
    said = [word if word in _ACRONYMS else _spoken(word.lower()) for word in core[first : place + 1]]
    return " ".join(said)


def _chinese_kind(title: str, attributes: Mapping[str, str], brand: str) -> str:
    """The noun of a Chinese title: its type on record, else the longest noun that its words end in."""
    if "类型" in attributes:
        return attributes["类型"].split(",")[0]
    things = sorted(lexicon()["zh"]["thing"], key=len, reverse=True)
    for word in title.replace(brand, " ").split():
        found = next((thing for thing in things if word.endswith(thing)), "")
        if found:
            return found
    return next((thing for thing in things if thing in title), title.split()[-1])


def _last_phrases(phrase: str) -> Iterator[str]:
    """Each alternative of a category's name: `Blankets, Quilts & Dohars` → Blankets, Quilts, Dohars."""
    yield from (part.strip() for part in re.split(r"[,&/]| and ", phrase) if part.strip())


def _singular(phrase: str) -> str:
    *before, last = phrase.split()
    return " ".join([*before, _spoken(stem(last))])


def _with_parent(noun: str, path: Sequence[str]) -> str:
    """`noun`, and before one that says little (`Combo`) what the category calls it (`Deodorant Combo`)."""
    if stem(noun) not in SAYS_LITTLE or not path:
        return noun
    for step in reversed(path):
        for word in _last_words(step):
            if stem(word) not in SAYS_LITTLE | NOT_A_KIND:
                return f"{stem(word).capitalize()} {noun}"
    return noun


def category_of(record: Mapping[str, object]) -> list[str]:
    """The category path of one row of a products table."""
    return category_path(str(record.get("category") or ""), title=plain_text(str(record.get("title") or "")))


def capitals(text: str) -> str:
    """`text` with capitals where letters are named (`hdmi port` → `HDMI port`, `ss lid`, `a-line`)."""
    named = " ".join(
        word.upper() if word.upper() in _ACRONYMS or _is_spelled(word) else word for word in text.split(" ")
    )
    return re.sub(r"(?<![\w-])[a-df-z]-(?=[a-z]{2})", lambda letter: letter[0].upper(), named)


def _is_spelled(word: str) -> bool:
    """Whether no word can be read of the letters, and they are no unit."""
    return bool(re.fullmatch(r"[b-df-hj-np-tv-xz]{2,4}", word)) and word not in UNITS


def spoken(kind: str) -> str:
    """The noun as it stands in a sentence: lower case, short capitals kept (`USB hub`)."""
    return capitals(
        " ".join(word if word.isupper() and len(word) <= 5 else word.lower() for word in kind.split())
    )
