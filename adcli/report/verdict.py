"""The shape beside each verdict's word, so that neither needs colour to be told apart."""

from __future__ import annotations

from collections.abc import Mapping

from adcli.report.text import clean_text
from adcli.statistics.verdicts import BETTER, HEALTHY, INVALID, NO_DIFFERENCE, NOT_ENOUGH, WORSE

VERDICT_MARKS: Mapping[str, str] = {
    BETTER: "up",
    WORSE: "down",
    NO_DIFFERENCE: "equal",
    HEALTHY: "equal",
    NOT_ENOUGH: "open",
    INVALID.strip(" :"): "cross",
}


def verdict_mark(verdict: str) -> str:
    """The shape that stands for a verdict; `open` for a word that is not on the list."""
    return VERDICT_MARKS.get(clean_text(verdict).partition(":")[0].strip(), "open")
