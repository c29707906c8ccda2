"""Facts in Chinese titles and sentences, clause by clause, by the lists and cues of the lexicon.

>>> found = chinese_facts_in("小鹿 保温杯 粉色", "500毫升，带吸管。", "保温杯", "小鹿")
>>> [(fact.slot, fact.value) for fact in found]
[('colour', '粉色'), ('capacity', '500毫升'), ('part', '吸管')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adcli.copy.fact import Fact
from adcli.copy.lexicon import lexicon
from adcli.copy.quantities import quantities

_CLAUSE = re.compile(r"[，。；、！？,;\s]+")
_MEASURED = {"length": "size", "mass": "weight", "volume": "capacity", "power": "power", "count": "quantity"}
_CUES = (
    ("audience", re.compile(r"适合(?P<value>.*(?:儿童|宝宝|老人|学生|男士|女士|皮肤|发质))$")),
    ("compatibility", re.compile(r"(?:适合|适用于?|兼容)(?P<value>.+)")),
    ("function", re.compile(r"支持(?P<value>.+)")),
    ("part", re.compile(r"^(?:带|附|含|配)(?P<value>.{1,6})$")),
    ("power", re.compile(r"(?P<value>[\d.]+匹)")),
    ("capacity", re.compile(r"(?P<value>[单双三四多]人)$")),
    ("capacity", re.compile(r"^(?P<value>[单双三四多]人)")),
    ("quantity", re.compile(r"(?P<value>[一二三四五六两\d]+(?:对|双|条|件|只|盒|包|瓶)装?)$")),
    ("size", re.compile(r"(?P<value>[\d.]+[×x*][\d.]+(?:厘米|毫米|cm))")),
    ("size", re.compile(r"(?P<value>[高宽长厚]?[\d.]+(?:厘米|米床|米|cm)|大号|中号|小号)")),
    ("function", re.compile(r"(?P<value>(?:保温|防水指数|待机|续航)\d+\w*|\d+分钟\w{2,4})")),
    ("origin", re.compile(r"产自(?P<value>.+)|(?P<_>.+)制造$")),
    ("warranty", re.compile(r"(?P<value>(?:质保|保修)\w*\d?\w*年)")),
)  # fmt: skip


def chinese_facts_in(title: str, prose: str, kind: str, brand: str) -> list[Fact]:
    """The facts of a title, whose brand and noun state none, and of the prose under it."""
    bare = title.replace(brand, " ", 1) if brand else title
    found = [
        fact
        for source, text in (("title", bare), ("description", prose))
        for clause in _CLAUSE.split(text)
        if clause and clause != kind
        for fact in _of_clause(clause, source, kind)
    ]
    return list(dict.fromkeys(found))


def _of_clause(clause: str, source: str, kind: str) -> Iterator[Fact]:
    taken = clause
    for slot, cue in _CUES:
        found = cue.search(taken)
        if found and found["value"]:
            yield Fact(slot, found["value"], "", clause, negated=False, source=source)
            taken = taken.replace(found[0], " ")
    for quantity in quantities(taken):
        if slot := _MEASURED.get(quantity.dimension, ""):
            yield Fact(slot, quantity.text, "", clause, negated=False, source=source)
            taken = taken.replace(quantity.text, " ")
    yield from _listed(taken, clause, source, kind)


def _listed(taken: str, clause: str, source: str, kind: str) -> Iterator[Fact]:
    lists = lexicon()["zh"]
    for slot in (
        "care",
        "certificate",
        "material",
        "colour",
        "function",
        "benefit",
        "part",
        "style",
        "audience",
        "occasion",
    ):
        for word in sorted(lists[slot], key=len, reverse=True):
            alone = len(word) > 1 or taken.strip() in (word, f"{word}{kind}")
            if word in taken and word != kind and alone:
                part = next((each for each in lists["part"] if f"{word}{each}" in clause), "")
                yield Fact(
                    slot,
                    word,
                    part if slot in ("material", "colour") else "",
                    clause,
                    negated=False,
                    source=source,
                )
                taken = taken.replace(word, " ")
