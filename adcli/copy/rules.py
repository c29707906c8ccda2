"""The rules of advertising law, platforms and decency, read from `data/rules`: a pack for all, one a market.

A rule's words are phrases between semicolons, each a regular expression over whole words of folded text. Each
rule says where it comes from, and which texts it must and must not find, which a test holds it to.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import NamedTuple

from adcli.copy.lexicon import DATA, spelled
from adcli.errors import UsageError, did_you_mean

MARKETS = ("us", "eu", "cn")


class ClaimRule(NamedTuple):
    """One rule."""

    name: str  # its id
    pattern: re.Pattern[str]  # the words that break it
    # words of the ad that excuse it where they lie around the match (`best friend`)
    unless: re.Pattern[str] | None
    proof: str  # what of the product's record proves the claim; '' for claims that no record can prove
    about: re.Pattern[str] | None  # what the record must match for the rule to hold; None for every product
    whole: bool  # whether `unless` excuses wherever it stands in the ad
    source: str  # the law or policy
    severity: str  # `block`, or `warn`: a person should look
    block: tuple[str, ...]  # texts that it must find
    passes: tuple[str, ...]  # texts that it must not find


def _any_of(phrases: str) -> re.Pattern[str]:
    """Any of the phrases as whole words; Chinese has no spaces between words and needs none."""
    listed = "|".join(phrase.strip() for phrase in phrases.split(";") if phrase.strip())
    return re.compile(rf"(?<![a-z0-9])(?:{listed})(?![a-z0-9])")


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text) if text else None


@lru_cache(maxsize=len(MARKETS) + 1)
def _pack(name: str) -> tuple[ClaimRule, ...]:
    read = tomllib.loads((DATA / "rules" / f"{name}.toml").read_text("utf-8"))
    return tuple(
        ClaimRule(
            rule["id"],
            _any_of(spelled(rule["find"], read.get("lists", {}))),
            _pattern(rule.get("unless")),
            rule.get("proof", ""),
            _pattern(rule.get("about")),
            rule.get("sentence", False),
            rule["source"],
            rule.get("severity", "block"),
            tuple(rule["block"]),
            tuple(rule["pass"]),
        )
        for rule in read["rule"]
    )


def rules_of(market: str) -> tuple[ClaimRule, ...]:
    """The rules of a market: those of every market, and its own.

    Raises UsageError if there is no such market.
    """
    if market not in MARKETS:
        raise UsageError(
            f"There is no market '{market}'. {did_you_mean(market, MARKETS)}".rstrip(),
            fix=f"Markets: {', '.join(MARKETS)}.",
        )
    return (*_pack("all"), *_pack(market))
