"""Numbers as people read them: rates as per cent, money, three significant digits, intervals.

    show(0.00381, "rate")                          0.381 %
    show_interval(0.00381, 0.0027, 0.0052, "rate") 0.38 % [0.27, 0.52]

A kind says how a number is read: `rate` (a share, as %), `points` (a difference of rates, as pp), `relative`
(a relative change, as signed %), `money`, `money_difference`, `number`, `difference` (a signed number),
`count`, `p_value`.
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


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def difference_kind(kind: str) -> str:
    """The kind of the difference of two numbers of a kind: of two rates, percentage points."""
    return _DIFFERENCES.get(kind, kind)


def plain(text: str) -> str:
    """What `show` says, for data and messages: an ordinary blank and an ordinary minus."""
    return text.replace(_NO_BREAK, " ").replace(_MINUS, "-")


def show(value: float | Decimal | None, kind: str = "number") -> str:
    """One number with its unit; `–` where there is none."""
    if value is None or math.isnan(value):
        return NONE
    if kind == "p_value":
        return _p_value(float(value))
    scale, unit, is_signed = _KINDS[kind]
    scaled = float(value) * scale
    return _digits(scaled, _own_decimals(scaled, kind), is_signed=is_signed) + unit


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
    scale, unit, is_signed = _KINDS[kind]
    scaled, bounds = float(value) * scale, (float(low) * scale, float(high) * scale)
    decimals = _interval_decimals(scaled, *bounds, kind)
    first, last = (_digits(bound, decimals, is_signed=is_signed) for bound in bounds)
    return f"{_digits(scaled, decimals, is_signed=is_signed)}{unit} [{first}, {last}]"


def show_tick(value: float, step: float, kind: str = "number") -> str:
    """A number on an axis, with the decimals that tell neighbouring ticks apart."""
    scale, unit, is_signed = _KINDS[kind]
    steps = step * scale
    decimals = (
        next((d for d in range(7) if math.isclose(round(steps, d), steps, rel_tol=1e-6)), 7) if steps else 0
    )
    return _digits(round(value / step) * steps if step else 0.0, decimals, is_signed=is_signed) + unit


def _p_value(value: float) -> str:
    if value < 1e-4:
        return f"<{_NO_BREAK}0.0001"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.{_decimals_for(value, 2)}f}"


def _own_decimals(value: float, kind: str) -> int:
    """Decimals that show three significant digits; two for money above one, none for whole numbers."""
    if kind == "count" or math.isinf(value):
        return 0
    if kind.startswith("money") and abs(value) >= 1:
        return 2
    return 0 if value == round(value) else _decimals_for(value, 3)


def _interval_decimals(value: float, low: float, high: float, kind: str) -> int:
    """Decimals whose last step is at most a twentieth of the width, and show one digit of the value."""
    width = high - low
    if not (0 < width < math.inf and math.isfinite(value)):
        return _own_decimals(value, kind)
    decimals = max(0, math.ceil(-math.log10(width / 20) - 1e-9))
    needed = _decimals_for(value, 1) if value else 0
    return max(decimals, min(needed, decimals + 2))


def _decimals_for(value: float, significant: int) -> int:
    """Decimals needed to show `significant` digits of `value`."""
    return max(0, significant - 1 - math.floor(math.log10(abs(value))))


def _digits(value: float, decimals: int, *, is_signed: bool) -> str:
    """`value` with so many decimals; a power of ten where it is too small or too large to read so."""
    if math.isinf(value):
        text = "∞"
    elif value == 0 and decimals > 6:
        text = "0"
    elif decimals > 6 or abs(value) >= 1e12:
        mantissa, exponent = f"{abs(value):.2e}".split("e")
        text = f"{mantissa}{_NO_BREAK}×{_NO_BREAK}10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    else:
        grouping = "," if round(abs(value), decimals) >= 10_000 else ""
        text = f"{abs(value):{grouping}.{decimals}f}"
    is_zero = not any(char in text for char in "123456789∞")
    if is_zero:
        return text
    return f"{_MINUS if value < 0 else '+' if is_signed else ''}{text}"
