"""What a comparison may say: the closed list of verdicts, the one rule that decides, the one wording."""

from __future__ import annotations

import math
from typing import NamedTuple

from adcli.numbers import difference_kind, plain, show, show_interval
from adcli.statistics.intervals import Interval

BETTER = "better"
WORSE = "worse"
NO_DIFFERENCE = "no difference found"
NOT_ENOUGH = "not enough evidence"
HEALTHY = "healthy"  # of a split that is as it was planned
INVALID = "invalid: "  # followed by what makes it so; the only verdict that is a prefix

_MAY_BE_NONE = ": it may be 0"
SMALLEST_SHOWN = 1e-6  # p-values below are the approximation's, not the data's


class Verdict(NamedTuple):
    """One verdict."""

    verdict: str  # a word from the closed list
    reason: str = ""  # why it is this one
    sentence: str = ""  # what is so, with the figures it rests on, where pages and terminals say it
    subject: str = ""  # the arm or group that the sentence begins with; a page puts those of one into a line


def invalid(what: str, reason: str) -> Verdict:
    """The verdict `invalid: what`, which stands above whatever the figures say."""
    return Verdict(INVALID + what, reason)


def decide(
    difference: float,
    interval: Interval,
    *,
    confidence: float = 0.95,
    p_value: float | None = None,
    comparisons: int = 1,
    smallest_effect: float = 0.0,
    lower_is_better: bool = False,
    kind: str = "number",
    caution: str = "",
    enough: str = "",
) -> Verdict:
    """The verdict on a figure's difference to what it is compared with.

    The p-value decides where there is one, adjusted for the number of comparisons; else whether the interval
    holds 0. An end that is NaN is not known, and rules nothing out.

    Args:
        difference: The figure less its reference.
        interval: Of the difference.
        confidence: Of the interval; 1 - confidence is the level that the p-value is held against.
        p_value: Two-sided, adjusted; NaN where the comparison could not be tested.
        comparisons: That it was adjusted for, in the wording.
        smallest_effect: The difference worth knowing, in the unit of `difference`: an interval that stays
            below it on both sides finds no difference. With 0 that is never said.
        lower_is_better: Whether a negative difference is the better one.
        kind: How the figure is read, as in `adcli.numbers`; `relative` for a relative difference.
        caution: Why the figures cannot decide; empty if they can.
        enough: What would be enough to decide, for the reason.
    """
    if caution:
        return Verdict(NOT_ENOUGH, caution)
    seen = f"the difference is {_bounded(difference, interval, kind, confidence)}"
    if p_value is not None and not math.isnan(p_value):
        seen += f", {_p(p_value, comparisons)}"
    found = interval.low > 0 or interval.high < 0 if p_value is None else p_value <= 1 - confidence
    if found:
        is_higher = difference > 0 if p_value is not None else interval.low > 0
        return Verdict(WORSE if is_higher == lower_is_better else BETTER, seen)
    if -smallest_effect < interval.low and interval.high < smallest_effect:
        least = plain(show(smallest_effect, difference_kind(kind)))
        return Verdict(NO_DIFFERENCE, f"{seen}: none of {least.lstrip('+')} or more")
    return Verdict(NOT_ENOUGH, f"{seen}{_MAY_BE_NONE}" + (f"; {enough}" if enough else ""))


def what_it_takes(verdict: str, reason: str) -> str:
    """Of the reason of a verdict, what would be enough to decide, or why nothing can be decided.

    Empty where the difference says all there is: a sentence states it.
    """
    if verdict in (BETTER, WORSE, NO_DIFFERENCE) and "the difference" in reason.lower():
        return ""
    _, found, rest = reason.partition(_MAY_BE_NONE)
    return rest.removeprefix("; ") if found else reason


def _bounded(difference: float, interval: Interval, kind: str, confidence: float) -> str:
    """The difference and what is known of its bounds."""
    read_as = difference_kind(kind)
    value = plain(show_interval(difference, *interval, read_as))
    if math.isnan(interval.low):
        return value
    if math.isnan(interval.high):
        return f"{value}, above {plain(show(interval.low, read_as))} with {confidence:.3g} confidence"
    return f"{value} ({100 * confidence:.3g} % interval)"


def _p(value: float, comparisons: int) -> str:
    said = f"p {value:.3g}" if value >= SMALLEST_SHOWN else f"p below {SMALLEST_SHOWN:g}"
    return said + (f" over {comparisons} comparisons" if comparisons > 1 else "")
