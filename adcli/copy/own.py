"""What a brand itself states, as tables: facts of its products, and rules of what its ads say.

It is obeyed, so it is checked first: a slot or a column that does not exist, and what contradicts itself, is
an error and no guess.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adcli.copy.fact import SLOTS, Fact
from adcli.errors import DataError, did_you_mean

FACT_COLUMNS = ("item_id", "slot", "value", "role", "span", "negated", "source")
RULE_COLUMNS = ("rule", "text", "item_id")
KINDS_OF_RULE = ("must-say", "may-say", "must-not-say")
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no", ""}


class BrandRules(NamedTuple):
    """What ads must say, may say and must not say: texts by `item_id`, under '' those of every product."""

    must_say: dict[str, tuple[str, ...]]
    may_say: dict[str, tuple[str, ...]]
    must_not_say: dict[str, tuple[str, ...]]


def _refuse_unknown(frame: pl.DataFrame, known: tuple[str, ...], name: str) -> None:
    unknown = next((column for column in frame.columns if column not in known), None)
    if unknown is not None:
        raise DataError(
            f"{name}: there is no field '{unknown}'. {did_you_mean(unknown, known)}".rstrip(),
            fix=f"Its fields are {', '.join(known)}.",
        )


def own_facts(frame: pl.DataFrame, name: str) -> dict[str, tuple[Fact, ...]]:
    """The facts of a brand's own table by `item_id`; under '' those of every product.

    Args:
        frame: `slot value`, and where it has them `item_id role negated`.
        name: The file's, which the facts are to name as their source.

    Raises:
        DataError: If a column or a slot does not exist, or two rows contradict each other.
    """
    _refuse_unknown(frame, FACT_COLUMNS, name)
    found: dict[str, list[Fact]] = {}
    denied: dict[tuple[str, str, str, str], bool] = {}
    for row in frame.to_dicts():
        slot, value = str(row["slot"] or "").strip().lower(), str(row["value"] or "").strip()
        item, role = str(row.get("item_id") or ""), str(row.get("role") or "")
        if slot not in SLOTS:
            raise DataError(
                f"{name}: there is no slot '{slot}'. {did_you_mean(slot, SLOTS)}".rstrip(),
                fix=f"Slots: {', '.join(SLOTS)}.",
            )
        negated = _truth(row.get("negated"), name)
        if denied.setdefault((item, slot, value.lower(), role.lower()), negated) != negated:
            raise DataError(
                f"{name} states '{value}' of {item or 'every product'} and denies it.",
                fix="Keep one of them.",
            )
        found.setdefault(item, []).append(Fact(slot, value, role, value, negated, name))
    return {item: tuple(facts) for item, facts in found.items()}


def _truth(value: object, name: str) -> bool:
    said = str(value if value is not None else "").strip().lower()
    if said not in _TRUE | _FALSE:
        raise DataError(f"{name}: negated is '{value}'.", fix="Write true or false.")
    return said in _TRUE


def rules_of_document(path: Path) -> pl.DataFrame:
    """The table of rules that a TOML or JSON file lists as `must-say`, `may-say` and `must-not-say`.

    Raises DataError if the file can not be read, or has another field.
    """
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"{path} can not be read: {reason}.", fix="Write must-say = [...] and the like."
        ) from error
    if isinstance(content, list):
        return pl.DataFrame(content, infer_schema_length=None)
    rows = []
    for field, texts in content.items() if isinstance(content, dict) else [(f"{content}", "")]:
        kind = field.replace("_", "-")
        if kind not in KINDS_OF_RULE:
            raise DataError(
                f"{path}: there is no field '{field}'. {did_you_mean(kind, KINDS_OF_RULE)}".rstrip(),
                fix=f"Its fields are {', '.join(KINDS_OF_RULE)}.",
            )
        listed = [texts] if isinstance(texts, str) else texts
        if not isinstance(listed, list) or not all(isinstance(said, str) and said.strip() for said in listed):
            raise DataError(f"{path}: {field} is {texts!r}.", fix=f'Write {kind} = ["text", ...].')
        rows += [{"rule": kind, "text": said} for said in listed]
    return pl.DataFrame(rows, schema={"rule": pl.String(), "text": pl.String()})


def brand_rules(frame: pl.DataFrame, name: str) -> BrandRules:
    """The rules of a brand's own table.

    Args:
        frame: `rule` (must-say, may-say, must-not-say) and `text`; `item_id` for one product.
        name: The file's, for errors.

    Raises:
        DataError: If a column or a rule does not exist, or what must be said must not be said either.
    """
    _refuse_unknown(frame, RULE_COLUMNS, name)
    listed: dict[str, dict[str, list[str]]] = {kind: {} for kind in KINDS_OF_RULE}
    for row in frame.to_dicts():
        kind = str(row["rule"] or "").strip().lower().replace("_", "-").replace(" ", "-")
        if kind not in listed:
            raise DataError(
                f"{name}: there is no rule '{row['rule']}'. {did_you_mean(kind, KINDS_OF_RULE)}".rstrip(),
                fix=f"Rules: {', '.join(KINDS_OF_RULE)}.",
            )
        listed[kind].setdefault(str(row.get("item_id") or ""), []).append(str(row["text"] or "").strip())
    _refuse_contradictions(listed, name)
    must, may, must_not = (
        {item: tuple(texts) for item, texts in listed[kind].items()} for kind in KINDS_OF_RULE
    )
    return BrandRules(must, may, must_not)


def _refuse_contradictions(listed: dict[str, dict[str, list[str]]], name: str) -> None:
    for item, forbidden in listed["must-not-say"].items():
        for kind in ("must-say", "may-say"):
            for other, texts in listed[kind].items():
                both = {text.lower() for text in texts}
                clash = next((text for text in forbidden if any(text.lower() in said for said in both)), None)
                if clash is not None and (item == other or "" in (item, other)):
                    raise DataError(
                        f"{name}: '{clash}' is both what an ad {kind.replace('-', ' ')} and must not say.",
                        fix="Keep one of the two.",
                    )
