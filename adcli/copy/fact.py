"""A fact about a product: what it is a fact of, its value, what that belongs to, and where it was read."""

from __future__ import annotations

from typing import NamedTuple

from adcli.copy.wording import is_chinese

SLOTS = (
    "kind", "material", "colour", "size", "weight", "capacity", "quantity", "power", "function", "benefit",
    "audience", "occasion", "compatibility", "certificate", "origin", "offer", "warranty", "care",
    "ingredient", "style", "part", "other",
)  # fmt: skip
"""What a fact can be a fact of."""

FIRST_SAID = (
    "kind", "material", "function", "benefit", "certificate", "capacity", "power", "quantity", "audience",
    "colour", "style", "ingredient", "part", "compatibility", "size", "weight", "occasion", "origin",
    "warranty", "offer", "care", "other",
)  # fmt: skip
"""The slots in the order in which ads name them."""

MEASURED = {
    "length": "long", "width": "wide", "height": "high", "depth": "deep", "diameter": "in diameter",
    "thickness": "thick",
}  # fmt: skip
"""How an ad says what a size measures."""
SAID_AS = {said: role for role, said in MEASURED.items()} | {"tall": "height"}
"""What a size measures, by how an ad says it."""


class Fact(NamedTuple):
    """One fact about a product."""

    slot: str  # one of `SLOTS`
    value: str  # as the record has it (`213 cm`, `leather`)
    role: str = ""  # what the value is measured on or belongs to (`length`, `strap`), or ''
    span: str = ""  # the words of the source that say it
    negated: bool = False  # whether the record says that it is not so (`without perfume`)
    source: str = ""  # `title`, `description`, `category`, `attribute NAME`, `review` or a brand's own file

    @property
    def said(self) -> str:
        """The fact in the words in which an ad names it: `213 cm long`, `leather strap`, `without dye`."""
        if self.negated:
            return f"{'without' if self.slot in ('ingredient', 'part') else 'not'} {self.value}"
        if self.role in MEASURED:
            return f"{self.value} {MEASURED[self.role]}"
        if self.slot == "quantity" and self.role in ("pack", "set"):
            return f"{self.role} of {self.value}"
        if self.slot in ("audience", "compatibility") and not is_chinese(self.value):
            return self.value if self.value.startswith(("for ", "from ")) else f"for {self.value}"
        if self.role == "SPF":
            return f"SPF {self.value}"
        known = {word.rstrip("s") for word in self.value.lower().split()}
        is_said = not self.role or {word.rstrip("s") for word in self.role.lower().split()} <= known
        return self.value if is_said else f"{self.value} {self.role}"
