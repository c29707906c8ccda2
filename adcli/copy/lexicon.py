"""Small word lists, English and Chinese, that the checks of ads read: each is named in what it decides.

They are chosen for few false alarms, not for completeness: a word is here if it states something about a
product that can be true or false, or that advertising law asks proof of.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


def _listed(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def spelled(pattern: str, lists: Mapping[str, str]) -> str:
    """`pattern` with each `{name}` as what `lists` has for it, in which names may stand too."""
    for name, listed in [*lists.items(), *lists.items()]:
        pattern = pattern.replace(f"{{{name}}}", listed)
    return pattern


@lru_cache(maxsize=1)
def lexicon() -> dict[str, dict[str, frozenset[str]]]:
    """The lists of `data/lexicon.toml` by language (`en`, `zh`) and name: phrases in lower case."""
    read = tomllib.loads(DATA.joinpath("lexicon.toml").read_text("utf-8"))
    chinese, verbs = read.pop("zh"), read.pop("verbs")
    english = {
        name: frozenset(" ".join(phrase.split()) for phrase in listed.split(";" if ";" in listed else None))
        for name, listed in read.items()
    }
    english |= {f"verb {slot}": _listed(listed) for slot, listed in verbs.items()}
    return {"en": english, "zh": {name: _listed(listed) for name, listed in chinese.items()}}


def _single(slot: str) -> frozenset[str]:
    """The words of a slot that state it wherever they stand, English (stems) and Chinese."""
    english, chinese = lexicon()["en"], lexicon()["zh"]
    plain = {word for word in english[slot] if " " not in word} - english["ambiguous"]
    return frozenset(plain | {word for word in chinese[slot] if len(word) > 1 or slot == "material"})


MATERIALS = _single("material") | {"gold", "silver", "copper", "bronze", "terracotta"}
"""Words for what a thing is made of (stems)."""

COLOURS = _single("colour")
"""Words for a colour (stems)."""

COLOUR_IDIOMS = (
    r"green (?:choice|living|planet)|black friday|white[- ]glove|red carpet|out of the blue|"
    r"golden (?:hour|rule)|ice cream|\bcream\b(?= for| with| that|[.,]| \d)"
)
"""Uses of a colour's word that state no colour."""

SAME_WORD: dict[str, str] = {
    "gray": "grey", "multicolour": "multicolor", "aluminium": "aluminum", "microfibre": "microfiber",
    "wooden": "wood", "golden": "gold", "silken": "silk", "woolen": "wool", "woollen": "wool",
    "纯棉": "棉", "真皮": "皮革", "牛皮": "皮革", "羊皮": "皮革", "真丝": "蚕丝", "桑蚕丝": "蚕丝",
    "聚酯": "涤纶", "聚酯纤维": "涤纶", "牛仔布": "牛仔",
}  # fmt: skip
"""Spellings of one thing."""

WELL_KNOWN_BRANDS = _listed("""
    nike adidas puma reebok iphone samsung sony xiaomi huawei lenovo amazon walmart costco ikea starbucks
    disney marvel gucci prada chanel hermes rolex omega levi's zara h&m uniqlo dyson nestle coca-cola pepsi
    microsoft google nintendo lego philips bosch canon nikon
""")
"""Brands that a language model likes to name although the product is another's."""

POSITIVE = _listed("""
    beautiful beautifully bright charming cheerful clean comfort comfortable cosy cozy cute delight delightful
    durable easy elegant enjoy fresh friendly fun gentle gift good graceful great happy joy love lovely
    luxurious nice perfect pleasant pretty quality refreshing relax reliable safe smart smooth soft special
    strong stunning style stylish sturdy treat warm wonderful
    喜欢 舒适 优雅 时尚 漂亮 柔软 精致 轻松 温暖
""")
NEGATIVE = _listed("""
    angry annoying awful bad boring broken cheap defect difficult dirty disappointing dull fail failure fake
    harsh hate horrible ill infamous lack lose loss mess pain painful poor problem rough ruin sad stiff
    tired trouble ugly unhappy useless weak worry worse worst wrong
    差 糟糕 难看 失望 廉价
""")
"""The small sentiment list: words of ads and reviews, by sign."""

STOP_WORDS = _listed("""
    a about above after all also an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers him
    his how i if in into is it its just me more most my no nor not now of off on once only or other our ours
    out over own same she should so some such than that the their theirs them then there these they this those
    through to too under until up very was we were what when where which while who whom why will with would
    you your yours it's you're don't
    的 了 和 是 在 也 有 就 都 而 及 与 着 或 这 那 你 我 他 她 它
""")
"""Words without a topic."""
