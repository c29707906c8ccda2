"""Plain text from the texts of a shop: broken encodings, markup, category paths, shop boilerplate.

    >>> category_path('["Home Furnishing >> Curtains >> Elegance Curtains"]', title="Elegance Door Curtain")
    ['Home Furnishing', 'Curtains']

It does not correct spelling, and it does not translate.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

_MOJIBAKE = re.compile(
    "[\u00c2\u00c3\u00e2][\u0080-\u00bf\u0152-\u017e\u0192\u02c6\u02dc\u2010-\u203a\u20ac\u2122]{1,2}"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SPACES = re.compile(r"\s+")
_PATH_STEP = re.compile(r"\s*(?:>>?|›|»|\||/(?=\s))\s*")
_SENTENCE_END = re.compile(
    r"(?<!\bRs)(?<!\bNo)(?<!\bSt)(?<=[.!?。！？])\s+|(?<=[。！？])|[\r\n]+|,(?=Specifications of )"
)
_SPECIFICATIONS = re.compile(r",?\s*Specifications of .*", re.DOTALL)
_LABEL = re.compile(r"(?:\([^()]{0,120}\)\s*)?\bPrice: ?(?:Rs\.?|[₹$€£]) ?[\d,.]+")
_SHOP_TALK = re.compile(
    r"free (?:shipping|delivery)|cash on delivery|(?:only|100%) genuine products?|replacement guarantee|"
    r"\bat best prices?|\bbuy\b.{0,200}\b(?:online|at rs|for rs|from)\b|check price in india|"
    r"shop online for\b|huge collection|only at flipkart|"
    r"\bbrings? to you\b.{0,80}\bprice\b|^price: ?\S+ ?[\d,.]+$|"
    r"包邮|货到付款",
    re.IGNORECASE,
)

_LEAST_SHARED, _SHARE_SHARED = 5, 0.03  # products, and of all, under which a sentence is the shop's


def _as_bytes(character: str) -> bytes:
    """The byte that `character` was, read as Windows-1252 with its five gaps taken as Latin-1."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")


def _repaired(found: re.Match[str]) -> str:
    try:
        return b"".join(_as_bytes(character) for character in found[0]).decode("utf-8")
    except UnicodeError:
        return found[0]


def repair_mojibake(text: str) -> str:
    """`text` with UTF-8 that was once read as Windows-1252 (`â€¢`) turned back, the rest untouched."""
    return _MOJIBAKE.sub(_repaired, text)


def plain_text(text: str | None) -> str:
    """`text` on one line without markup, invisible characters and broken encoding; empty for None."""
    if not text:
        return ""
    unescaped = html.unescape(_TAG.sub(" ", repair_mojibake(text)))
    return _SPACES.sub(" ", _INVISIBLE.sub(" ", unescaped)).strip()


def category_path(raw: str | None, *, title: str = "") -> list[str]:
    """The steps of a category, widest first, from `A > B` or `["A >> B >> Brand B >> Title cut sho..."]`.

    A step that repeats the title, or an earlier step with the brand before it, says nothing and is left out.
    """
    text = plain_text(raw).strip("[]\"' ")
    wanted: list[str] = []
    heading = title.lower()
    first_words = heading.split()
    prefixes = [" ".join(first_words[:count]) for count in range(1, len(first_words))]
    for step in _PATH_STEP.split(text):
        step = step.strip("\"' ")
        known = {earlier.lower() for earlier in wanted}
        repeats = step.endswith("...") or (heading and step.lower() in heading and len(step.split()) > 3)
        branded = any(step.lower() == f"{brand} {earlier}" for earlier in known for brand in prefixes)
        same_as_title = bool(heading) and (step.lower() == heading or step.lower().startswith(heading))
        if step and not repeats and not branded and not same_as_title and step.lower() not in known:
            wanted.append(step)
    return _without_brand_steps(wanted, heading)


def _without_brand_steps(steps: list[str], heading: str) -> list[str]:
    """`steps` whose last one is dropped where it starts with the title's first word, as brand pages do."""
    if len(steps) > 1 and heading and steps[-1].lower().split()[0] == heading.split()[0]:
        return steps[:-1]
    return steps


def sentences(text: str) -> list[str]:
    """The sentences of `text`, English or Chinese, without those that are empty."""
    return [part for part in (piece.strip(" ,") for piece in _SENTENCE_END.split(text)) if part]


def _masked(sentence: str, title: str) -> str:
    """`sentence` as other products would have it: without the title and without figures."""
    text = sentence.lower()
    if title:
        text = text.replace(title.lower(), "@")
    return _SPACES.sub(" ", re.sub(r"\d[\d,.]*", "#", text)).strip()


def boilerplate(descriptions: Iterable[str], titles: Iterable[str]) -> frozenset[str]:
    """The masked sentences that a shop writes under many products (`Only genuine products.`).

    `descriptions`: plain texts, one a product; `titles`: titles in the same order.
    """
    counts: Counter[str] = Counter()
    products = 0
    for description, title in zip(descriptions, titles, strict=True):
        products += 1
        counts.update({_masked(sentence, title) for sentence in sentences(description)})
    threshold = max(_LEAST_SHARED, _SHARE_SHARED * products)
    return frozenset(sentence for sentence, count in counts.items() if count >= threshold)


def own_words(description: str, title: str, common: frozenset[str] = frozenset()) -> str:
    """`description` without boilerplate, labels and repetitions: the sentences about this product."""
    headed = description.replace(f"Key Features of {title}", " ").replace(f",{title}", ". ")
    prose = _SPECIFICATIONS.sub(" ", _LABEL.sub(". ", headed))
    kept: dict[str, str] = {}
    for sentence in sentences(prose):
        masked = _masked(sentence, title)
        says_something = len(words(masked.replace("@", ""))) > 1
        if says_something and masked not in common and not _SHOP_TALK.search(sentence):
            kept.setdefault(masked, sentence)
    return " ".join(kept.values())


def specification_text(description: str) -> str:
    """The part of `description` that lists specifications (`Specifications of … Brand X Color Red`)."""
    found = _SPECIFICATIONS.search(description)
    return found[0].strip(" ,") if found else ""


_FORMULA_SIGNS = {"=": ("", ""), "+": ("Plus ", "加"), "-": ("", ""), "@": ("At ", "")}


def sayable(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula: a sign it begins with is said, or left out.

    >>> sayable("+2 refills"), sayable("- soft on skin"), sayable("-18 °C all night")
    ('Plus 2 refills', 'Soft on skin', 'Minus 18 °C all night')
    """
    said = text.strip()
    if (sign := unicodedata.normalize("NFKC", said[:1])) not in _FORMULA_SIGNS:
        return said
    rest = sayable(said[1:])
    word = _FORMULA_SIGNS[sign][is_chinese(rest)]
    if sign == "-" and said[1:2].isdigit():
        word = "负" if is_chinese(rest) else "Minus "
    return f"{word}{rest}" if word else rest[:1].upper() + rest[1:]


def is_chinese(text: str) -> bool:
    """Whether at least a third of the letters of `text` are Chinese characters."""
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and 3 * sum("\u3400" <= character <= "\u9fff" for character in letters) >= len(
        letters
    )


def words(text: str) -> list[str]:
    """Lower-case words of `text`; each Chinese character is a word of its own."""
    return re.findall(r"[\u3400-\u9fff]|[^\W_]+(?:['’][^\W_]+)?", text.lower())


_STEM_ENDINGS: Sequence[tuple[str, str]] = (
    ("ies", "y"),
    ("sses", "ss"),
    ("shes", "sh"),
    ("ches", "ch"),
    ("xes", "x"),
)


_NO_SINGULAR = frozenset(
    {"clothes", "jeans", "glasses", "scissors", "pyjamas", "leggings", "series", "always", "sunglasses"}
)


def stem(word: str) -> str:
    """`word` in the singular, roughly: `watches` → `watch`, `batteries` → `battery`, `dress` stays."""
    lowered = word.lower().removesuffix("'s").removesuffix("’s")
    if lowered in _NO_SINGULAR:
        return lowered
    for ending, replacement in _STEM_ENDINGS:
        if lowered.endswith(ending) and len(lowered) > len(ending) + 1:
            return lowered.removesuffix(ending) + replacement
    if lowered.endswith("s") and not lowered.endswith(("ss", "us", "is")) and len(lowered) > 3:
        return lowered[:-1]
    return lowered


def root(word: str) -> str:
    """The first letters of the stem, by which words are related: `resistance`, `resistant` → `resist`."""
    return stem(word)[:6]
