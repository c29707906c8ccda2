"""Values and their differences in sentences, in the unit that the figures beside them have."""

from __future__ import annotations

from typing import Literal

import numpy as np

from adcli.policies.logged import LoggedRows

Kind = Literal["rate", "number"]


def value_kind(logged: LoggedRows, unit: str) -> Kind:
    """How a value is read: a rate, of clicks per impression; else a number (money, clicks per slate)."""
    is_rate = unit == "impression" and bool(np.isin(logged.reward, (0.0, 1.0)).all())
    return "rate" if is_rate else "number"


def level(value: float, kind: Kind) -> str:
    """A value: `6.19 %`, or `0.0619`."""
    return f"{100 * value:.3g} %" if kind == "rate" else f"{value:.3g}"


def size(difference: float, kind: Kind) -> str:
    """How large a difference is: `0.12 pp` (percentage points), or `0.0012`."""
    return f"{100 * difference:.2g} pp" if kind == "rate" else f"{difference:.2g}"


def change(difference: float, kind: Kind) -> str:
    """A difference with its sign: `+1.2 pp`, or `+0.012`."""
    return f"{100 * difference:+.3g} pp" if kind == "rate" else f"{difference:+.3g}"
