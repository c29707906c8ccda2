"""Contexts of requests as numbers, without a frame: a context that was met before costs a look-up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from adcli.arrays import Floats
from adcli.optimize.stream.prior import OfflinePolicy
from adcli.optimize.stream.refused import RefusedLine, shown
from adcli.policies.context import NOT_CONTEXT
from adcli.policies.features import Feature

CELLS_KEPT = 4_000_000  # numbers of contexts that are remembered
MOST_IN_A_BLOCK = 2_048
HASHED_PARTS = 4
HASHED = 64  # features of contexts that the policy has no encoder for
LARGEST_NUMBER = 1e15

Values = tuple[Any, ...]


class Contexts:
    """The encoded contexts lately met: in each slot d features, K expected rewards and what may be shown.

    Slots are valid until `make_room` is called.
    """

    def __init__(self, policy: OfflinePolicy) -> None:
        self._policy = policy
        self.columns = policy.columns
        self._is_hashed = not policy.encoder.features
        self._known = {*self.columns, *policy.constraints.needed}
        self._kinds = {"event_time": "hour"} | {one.column: one.kind for one in policy.encoder.features}
        widths = {name: center.size for name, (center, _) in policy.encoder.bases.items()}
        self._converters = [
            partial(_vector, widths[name])
            if name in widths
            else CONVERTERS[self._kinds.get(name, "category")]
            for name in self.columns
        ]
        self.dimensions = HASHED if self._is_hashed else len(policy.encoder.names)
        self.parts = HASHED_PARTS if self._is_hashed else len(policy.encoder.features)
        k = len(policy.actions)
        self._size = max(CELLS_KEPT // (self.dimensions + 2 * k), 2 * MOST_IN_A_BLOCK)
        self.features = np.empty((self._size, self.dimensions))
        self.expected = np.empty((self._size, k))
        self.eligible = np.ones((self._size, k), dtype=bool)
        self._slots: dict[Any, int] = {}
        self.met: dict[bytes, int] = {}
        self._waiting: list[tuple[int, Values]] = []
        self._used = 0
        self.unknown_keys = 0

    @property
    def is_full(self) -> bool:
        """Whether no slot is left."""
        return self._used >= self._size

    @property
    def decides_eligibility(self) -> bool:
        """Whether the context decides what may be shown."""
        return self._policy.allowed is not None

    def make_room(self) -> None:
        """Forget all contexts where there may soon be no room."""
        if max(self._used, len(self.met)) > self._size - MOST_IN_A_BLOCK:
            self._slots.clear()
            self.met.clear()
            self._used = 0

    def slot(self, context: Mapping[str, Any], text: bytes | None = None) -> int:
        """Where a context is, which may be met again as this text; `encode` puts its numbers there.

        Raises RefusedLine if a value is of a wrong type.
        """
        raw = tuple(map(context.get, self.columns))
        if self._is_hashed:
            raw += tuple(chain.from_iterable(sorted(context.items())))
        elif len(context) + raw.count(None) != len(raw) and (unknown := context.keys() - self._known):
            self.unknown_keys += len(unknown)
            text = None  # they are counted each time
        try:
            found = self._slots.get(key := (raw, tuple(map(type, raw))))
        except TypeError:  # a list: vectors are seldom met twice
            key, found = None, None
        if found is not None:
            if text is not None:
                self.met[text] = found
            return found
        values = tuple(
            None if value is None else convert(name, value)
            for convert, name, value in zip(self._converters, self.columns, raw, strict=False)
        )
        slot = self._used
        if self._is_hashed:
            self.features[slot] = _hashed(context)
        self._used += 1
        self._waiting.append((slot, values))
        if key is not None:
            self._slots[key] = slot
        if text is not None:
            self.met[text] = slot
        return slot

    def encode(self) -> None:
        """Give the slots of new contexts their numbers."""
        if not self._waiting:
            return
        slots = [slot for slot, _ in self._waiting]
        columns = zip(*(values for _, values in self._waiting), strict=True)
        given = dict(zip(self.columns, map(list, columns), strict=True))
        encoded = encode_columns(self._policy, given, len(slots))
        if not self._is_hashed:
            self.features[slots] = encoded
        frame = partial(self._frame, given, len(slots))
        self.expected[slots] = self._policy.expected(encoded, frame)
        if self._policy.allowed is not None:
            self.eligible[slots] = self._policy.allowed(frame())
        self._waiting.clear()

    def _frame(self, given: Mapping[str, list[Any]], n: int) -> pl.DataFrame:
        """Contexts as a frame, which not every policy needs."""
        kinds = [FRAME_TYPES.get(self._kinds.get(name, "category"), pl.String) for name in given]
        columns = [pl.Series(name, given[name], dtype=kind) for name, kind in zip(given, kinds, strict=True)]
        return pl.DataFrame(columns) if columns else pl.DataFrame({"": [None] * n})


def _hashed(context: Mapping[str, Any]) -> Floats:
    """A context of which nothing was fitted: a place for each value, and for each measure.

    Source: Weinberger et al. (2009).
    """
    features = np.zeros(HASHED)
    for name, value in context.items():
        if name in NOT_CONTEXT or value is None:
            continue
        if type(value) is float:
            features[crc32(name.encode()) % HASHED] += math.asinh(_number(name, value))
        else:
            features[crc32(f"{name}={_category(name, value)}".encode()) % HASHED] += 1
    return features


def _refuse(name: str, value: Any, expected: str) -> RefusedLine:
    return RefusedLine(f"The context '{name}' must be {expected}, not {shown(value)}.")


def _number(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise _refuse(name, value, "a number") from None
    if not abs(found) < LARGEST_NUMBER:
        raise _refuse(name, value, f"below {LARGEST_NUMBER:g}")
    return found


def _category(name: str, value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is bool:
        return str(value).lower()
    if type(value) not in (int, float):
        raise _refuse(name, value, "a text")
    _number(name, value)
    return str(value)


def as_time(name: str, value: Any) -> datetime:
    """A time in UTC, without its zone."""
    try:
        found = datetime.fromisoformat(value) if type(value) is str else datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise _refuse(name, value, "a time such as 2026-05-01T18:00") from None
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)).replace(tzinfo=None)


def _vector(width: int, name: str, value: Any) -> list[float]:
    if type(value) is not list or len(value) != width:
        raise _refuse(name, value, f"a list of {width} numbers")
    return [_number(name, one) for one in value]


CONVERTERS = {"number": _number, "category": _category, "hour": as_time, "weekday": as_time}
FRAME_TYPES = {
    "number": pl.Float64(),
    "vector": pl.List(pl.Float64),
    "hour": pl.Datetime("us"),
    "weekday": pl.Datetime("us"),
}


def encode_columns(policy: OfflinePolicy, given: Mapping[str, list[Any]], n: int) -> Floats:
    """Columns of values as the policy's encoder would have them, shape (n, d); None is a missing value."""
    encoder = policy.encoder
    encoded = np.zeros((n, len(encoder.names)))
    start = 0
    for feature in encoder.features:
        width = len(feature.names)
        block = encoded[:, start : start + width]
        _encode(feature, given[feature.column], block, encoder.bases.get(feature.column))
        start += width
    return encoded


def _encode(feature: Feature, values: list[Any], block: Floats, basis: Any) -> None:
    """One feature of each value; the forms are those of `policies.features`."""
    match feature.kind:
        case "number":
            numbers = np.array([math.nan if value is None else value for value in values])
            absent = np.isnan(numbers)
            scaled = np.clip((numbers - feature.center) / feature.scale, -5, 5)
            block[:, 0] = np.where(absent, 0.0, scaled)
            if feature.missing:
                block[:, 1] = absent
        case "category":
            codes = {word: number for number, word in enumerate(feature.categories)}
            other = len(codes)
            for row, value in enumerate(values):
                block[row, codes.get("" if value is None else value, other)] = 1
        case "hour":
            for row, value in enumerate(values):
                turn = 0.0 if value is None else 2 * math.pi * (value.hour * 60 + value.minute) / 1440
                block[row] = math.sin(turn), math.cos(turn), math.sin(2 * turn), math.cos(2 * turn)
        case "weekday":
            for row, value in enumerate(values):
                block[row, 0 if value is None else value.weekday()] = 1
        case "vector":
            center, directions = basis
            for row, value in enumerate(values):
                if value is not None:
                    block[row] = (np.asarray(value) - center) @ directions
