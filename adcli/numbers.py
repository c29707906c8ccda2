"""Numbers as people read them: rates as per cent, money, three significant digits, intervals.

    show(0.00381, "rate")                          0.381 %
    show_interval(0.00381, 0.0027, 0.0052, "rate") 0.38 % [0.27, 0.52]

A kind says how a number is read: `rate` (a share, as %), `points` (a difference of rates, as pp), `relative`
(a relative change, as signed %), `money`, `money_difference`, `number`, `difference` (a signed number),
`count`, `p_value`, `probability` (as %). Money names its currency after a colon: `money:EUR`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

NONE = "–"
_NO_BREAK = "\u00a0"
_MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class _Kind(NamedTuple):
    scale: float = 1.0
    unit: str = ""
    is_signed: bool = False


_KINDS = {
    "rate": _Kind(100.0, f"{_NO_BREAK}%"),
    "probability": _Kind(100.0, f"{_NO_BREAK}%"),
    "points": _Kind(100.0, f"{_NO_BREAK}pp", is_signed=True),
    "relative": _Kind(100.0, f"{_NO_BREAK}%", is_signed=True),
    "money": _Kind(),
    "money_difference": _Kind(is_signed=True),
    "number": _Kind(),
    "difference": _Kind(is_signed=True),
    "count": _Kind(),
    "p_value": _Kind(),
}
_DIFFERENCES = {"rate": "points", "money": "money_difference", "number": "difference", "count": "difference"}
_LARGE_SUM = 10_000  # from which a whole sum of money is shown without cents
_MOST_DECIMALS = 6  # of %, which nobody reads as powers of ten


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def difference_kind(kind: str) -> str:
    """The kind of the difference of two numbers of a kind: of two rates, percentage points."""
    base, colon, currency = kind.partition(":")
    return _DIFFERENCES.get(base, base) + colon + currency


def in_currency(kind: str, currency: str) -> str:
    """The kind of a number whose money is of a currency, if that is known."""
    return f"{kind}:{currency}" if currency and kind.startswith("money") else kind


def plain(text: str) -> str:
    """What `show` says, for data and messages: an ordinary blank and an ordinary minus."""
    return text.replace(_NO_BREAK, " ").replace(_MINUS, "-")


def show(value: float | Decimal | None, kind: str = "number") -> str:
    """One number with its unit; `–` where there is none."""
    if value is None or math.isnan(value):
        return NONE
    if kind == "p_value":
        return _p_value(float(value))
    if kind == "probability" and not 0.001 <= value <= 0.999:
        return f"<{_NO_BREAK}0.1{_NO_BREAK}%" if value < 0.5 else f">{_NO_BREAK}99.9{_NO_BREAK}%"
    scale, unit, is_signed = _read_as(kind)
    scaled = float(value) * scale
    if kind == "rate" and 0 < scaled < 10**-_MOST_DECIMALS:
        return f"<{_NO_BREAK}{10**-_MOST_DECIMALS:.{_MOST_DECIMALS}f}{unit}"
    return _digits(scaled, _own_decimals(scaled, kind), is_signed=is_signed, in_full=scale > 1) + unit


def show_interval(
    value: float | Decimal | None,
    low: float | Decimal | None,
    high: float | Decimal | None,
    kind: str = "number",
) -> str:
    """A number and its interval, `0.38 % [0.27, 0.52]`, with the digits that its width justifies."""
    if (
        value is None
        or math.isnan(value)
        or low is None
        or high is None
        or math.isnan(low)
        or math.isnan(high)
    ):
        return show(value, kind)
    scale, unit, is_signed = _read_as(kind)
    scaled, bounds = float(value) * scale, (float(low) * scale, float(high) * scale)
    decimals = _interval_decimals(scaled, *bounds, kind)
    shown, first, last = (
        _digits(number, decimals, is_signed=is_signed, in_full=scale > 1) for number in (scaled, *bounds)
    )
    return f"{shown}{unit} [{first},{_NO_BREAK}{last}]"


def show_tick(value: float, step: float, kind: str = "number") -> str:
    """A number on an axis, with the decimals that tell neighbouring ticks apart."""
    scale, unit, is_signed = _read_as(kind)
    steps = step * scale
    decimals = (
        next((d for d in range(7) if math.isclose(round(steps, d), steps, rel_tol=1e-6)), 7) if steps else 0
    )
    return _digits(round(value / step) * steps if step else 0.0, decimals, is_signed=is_signed) + unit


def _read_as(kind: str) -> _Kind:
    base, _, currency = kind.partition(":")
    return _KINDS[base]._replace(unit=f"{_NO_BREAK}{currency}") if currency else _KINDS[base]


def _p_value(value: float) -> str:
    if value < 1e-4:
        return f"<{_NO_BREAK}0.0001"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.{_decimals_for(value, 2)}f}"


def _own_decimals(value: float, kind: str) -> int:
    """Decimals that show three significant digits; two for money above one, none for whole numbers."""
    if kind == "count" or math.isinf(value):
        return 0
    if kind.startswith("money") and abs(value) >= 1:
        return 0 if value == round(value) and abs(value) >= _LARGE_SUM else 2
    return 0 if value == round(value) else _decimals_for(value, 3)


def _interval_decimals(value: float, low: float, high: float, kind: str) -> int:
    """Decimals whose last step is at most a twentieth of the width, and show one digit of the value."""
    width = high - low
    if not (0 < width < math.inf and math.isfinite(value)):
        return _own_decimals(value, kind)
    decimals = max(0, math.ceil(-math.log10(width / 20) - 1e-9))
    needed = _decimals_for(value, 1) if value else 0
    return needed if decimals < needed <= decimals + 2 else decimals


def _decimals_for(value: float, significant: int) -> int:
    """Decimals needed to show `significant` digits of `value`."""
    return max(0, significant - 1 - math.floor(math.log10(abs(value))))


def _digits(value: float, decimals: int, *, is_signed: bool, in_full: bool = False) -> str:
    """`value` with so many decimals; a power of ten where it is too small or too large to read `in_full`."""
    if in_full:
        decimals = min(decimals, _MOST_DECIMALS)
    if math.isinf(value):
        text = "∞"
    elif value == 0 and decimals > 6:
        text = "0"
    elif decimals > 6 or abs(value) >= 1e12:
        mantissa, exponent = f"{abs(value):.2e}".split("e")
        text = f"{mantissa}{_NO_BREAK}×{_NO_BREAK}10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    else:
        text = f"{abs(value):,.{decimals}f}"
    is_zero = not any(char in text for char in "123456789∞")
    if is_zero:
        return text
    return f"{_MINUS if value < 0 else '+' if is_signed else ''}{text}"
