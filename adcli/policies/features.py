"""How one column becomes numbers, and back from a file the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from adcli.arrays import Floats, Floats32, Integers

Kind = Literal["number", "category", "hour", "weekday", "vector", "scores"]
KINDS = get_args(Kind)
Basis = tuple[Floats32, Floats32]  # center (D,), directions (D, r)

MOST_CATEGORIES = 50
MOST_DIRECTIONS = 16
LARGEST_DEVIATION = 5.0  # standard deviations at which a number is cut
LARGEST_NUMBER = 1e100
CODE_LIKE = r"^[+-]?0\d"  # 00123 is a code, not a number
FEW_NUMBERS = 12  # whole numbers with no more values than this name things rather than measure them


@dataclass(frozen=True)
class Feature:
    """How one column becomes numbers.

    `number`: (value - center) / scale, cut at five deviations, 0 where missing; if `missing`, with a second
    column that is 1 where it is missing. `category`: one column per category and a last one for any other.
    `hour`: two harmonics of the hour of day, UTC. `weekday`: seven columns. `vector`: `directions` principal
    directions, each scaled by its deviation. `scores`: `directions` numbers as they are, one for each action.
    """

    column: str
    kind: Kind
    categories: tuple[str, ...] = ()
    center: float = 0.0
    scale: float = 1.0
    missing: bool = False
    directions: int = 0

    def check(self) -> None:
        """Make sure that a feature read from a file can be computed. Raises ValueError if it cannot."""
        numbers = (self.center, self.scale, self.directions)
        plain = all(isinstance(one, int | float) and np.isfinite(one) for one in numbers)
        words = isinstance(self.column, str) and all(isinstance(one, str) for one in self.categories)
        unlike = len(set(self.categories)) == len(self.categories)
        if self.kind not in KINDS or not plain or not words or not unlike or not self.scale > 0:
            raise ValueError(f"'{self.column}' is described as no feature")

    @property
    def names(self) -> list[str]:
        """The names of the encoded columns."""
        match self.kind:
            case "number":
                return [self.column] + ([f"{self.column} is missing"] if self.missing else [])
            case "category":
                return [f"{self.column}={value}" for value in self.categories] + [f"{self.column}=any other"]
            case "hour":
                return [f"hour {wave}" for wave in ("sin 1", "cos 1", "sin 2", "cos 2")]
            case "weekday":
                return [f"weekday {day}" for day in range(1, 8)]
            case "vector" | "scores":
                return [f"{self.column} {direction}" for direction in range(self.directions)]


def fit_feature(values: pl.Series, *, rare: int) -> tuple[Feature, Basis | None] | None:
    """How to encode a column, with the basis of a vector column; None where it says nothing (one value).

    `values`: the column as read; `rare`: the number of rows below which a category joins "any other".
    """
    dtype = values.dtype
    if dtype in (pl.List, pl.Array):
        return _fit_vector(values)
    if dtype == pl.String and is_number(values):
        values = values.cast(pl.Float64, strict=False)
    if values.dtype.is_numeric() or dtype == pl.Boolean:
        return _fit_number(values)
    return _fit_category(values, rare)


def is_number(values: pl.Series) -> bool:
    """Whether a column of strings holds measured numbers, and not codes written in digits."""
    given = values.drop_nulls()
    if not given.len() or given.cast(pl.Float64, strict=False).null_count():
        return False
    whole = given.str.contains(r"^[+-]?\d+$").all()
    is_code = given.str.contains(CODE_LIKE).any() or values.name.lower().endswith("id")
    return not (whole and (is_code or given.n_unique() <= FEW_NUMBERS))


def _fit_number(values: pl.Series) -> tuple[Feature, None] | None:
    numbers = _as_number(values)
    given = numbers[~np.isnan(numbers)]
    if not given.size or not given.std() > 0:
        return None
    feature = Feature(
        values.name,
        "number",
        center=float(given.mean()),
        scale=float(given.std()),
        missing=bool(given.size < numbers.size),
    )
    return feature, None


def _fit_category(values: pl.Series, rare: int) -> tuple[Feature, None] | None:
    counts = values.cast(pl.String).fill_null("").value_counts(sort=True, name="rows")
    if counts.height < 2:
        return None
    kept = counts.filter(pl.col("rows") >= rare).head(MOST_CATEGORIES)[values.name].sort().to_list()
    if not kept:
        return None
    return Feature(values.name, "category", categories=tuple(kept)), None


def _fit_vector(values: pl.Series) -> tuple[Feature, Basis]:
    rows = _as_vectors(values)
    center = rows.mean(axis=0)
    _, spread, directions = np.linalg.svd(rows - center, full_matrices=False)
    kept = int(min(MOST_DIRECTIONS, (spread > 1e-6 * max(spread[0], 1e-30)).sum()))
    deviations = spread[:kept] / np.sqrt(rows.shape[0])
    basis = (directions[:kept].T / deviations).astype(np.float32)
    return Feature(values.name, "vector", directions=kept), (center.astype(np.float32), basis)


def encode_feature(feature: Feature, frame: pl.DataFrame, basis: Basis | None) -> Floats32:
    """One column as numbers, shape (n, len(feature.names))."""
    match feature.kind:
        case "number":
            return _encode_number(feature, frame)
        case "category":
            return _one_hot(_category_codes(feature, frame[feature.column]), len(feature.categories) + 1)
        case "hour":
            return _encode_hour(frame[feature.column])
        case "weekday":
            return _one_hot(
                frame[feature.column].dt.weekday().fill_null(1).to_numpy().astype(np.int64) - 1, 7
            )
        case "vector":
            assert basis is not None  # noqa: S101 - a vector feature is never read without its basis
            center, directions = basis
            return np.asarray((_as_vectors(frame[feature.column]) - center) @ directions, dtype=np.float32)
        case "scores":
            return _as_vectors(frame[feature.column])


def _as_number(values: pl.Series) -> Floats:
    """The numbers of a column; NaN where there is none, or none that can be squared."""
    numbers = values.cast(pl.Float64, strict=False).to_numpy()
    wild = ~(np.abs(numbers) < LARGEST_NUMBER)
    return np.where(wild, np.nan, numbers) if wild.any() else numbers


def _as_vectors(values: pl.Series) -> Floats32:
    width = len(values.drop_nulls()[0])
    return np.asarray(values.cast(pl.Array(pl.Float32, width)).to_numpy(), dtype=np.float32)


def encode_numbers(features: Sequence[Feature], frame: pl.DataFrame) -> Floats32:
    """Several numeric columns at once, shape (n, features); 0 where a number is missing."""
    columns = [pl.col(feature.column).cast(pl.Float64, strict=False) for feature in features]
    numbers = frame.select(columns).to_numpy(order="c") if columns else np.empty((frame.height, 0))
    wild = ~(np.abs(numbers) < LARGEST_NUMBER)
    deviations = numbers - np.array([feature.center for feature in features])
    with np.errstate(over="ignore"):
        deviations /= np.array([feature.scale for feature in features])
    np.clip(deviations, -LARGEST_DEVIATION, LARGEST_DEVIATION, out=deviations)
    deviations[wild] = 0
    encoded: Floats32 = deviations.astype(np.float32)
    return encoded


def _encode_number(feature: Feature, frame: pl.DataFrame) -> Floats32:
    absent = np.isnan(_as_number(frame[feature.column]))
    columns = [encode_numbers([feature], frame), absent[:, None]]
    return np.hstack(columns[: len(feature.names)]).astype(np.float32)


def _category_codes(feature: Feature, values: pl.Series) -> Integers:
    """The number of each value's category, the last for any other, shape (n,)."""
    known = len(feature.categories)
    words = values.cast(pl.String)
    if words.null_count():
        words = words.fill_null("")
    codes = words.cast(pl.Enum(list(feature.categories)), strict=False).to_physical()
    return np.asarray(np.nan_to_num(codes.cast(pl.Float64).to_numpy(), nan=known), dtype=np.int64)


def _one_hot(codes: Integers, width: int) -> Floats32:
    encoded = np.zeros((codes.size, width), dtype=np.float32)
    encoded[np.arange(codes.size), codes] = 1.0
    return encoded


def _encode_hour(times: pl.Series) -> Floats32:
    minutes = (times.dt.hour().cast(pl.Float64) * 60 + times.dt.minute()).fill_null(0).to_numpy()
    turn = 2 * np.pi * minutes / 1440
    return np.column_stack([np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)]).astype(
        np.float32
    )
