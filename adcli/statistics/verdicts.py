"""The closed list of verdicts, and the sentence that goes with each."""

from __future__ import annotations

from typing import NamedTuple

BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference found"
NOT_ENOUGH = "not enough evidence"
INVALID = "invalid: "  # followed by what makes it so; the only verdict that is a prefix

VERDICTS = (BETTER, WORSE, NO_DIFFERENCE, NOT_ENOUGH, INVALID)


class Verdict(NamedTuple):
    """One word from the closed list (`verdict`) and why, for a person (`reason`)."""

    verdict: str
    reason: str


def invalid(what: str, reason: str) -> Verdict:
    """The verdict `invalid: what`, which stands above whatever the figures say."""
    return Verdict(INVALID + what, reason)
