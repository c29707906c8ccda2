"""What is known before an ad is chosen: which columns of a log are context, and their encoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats32
from adcli.errors import DataError, require_known
from adcli.policies.features import Basis, Feature, encode_feature, encode_numbers, fit_feature, is_number

IDENTIFIERS = frozenset({"item_id", "ad_id", "user_id", "session_id", "slate_id", "ip", "user_agent"})
OUTCOMES = frozenset({"click", "conversion", "revenue", "cost", "propensity", "event_type", "quantity"})
OTHERWISE_USED = frozenset({"event_time", "query", "text", "price", "referrer", "episode"})
TEXT_SCORES = "text_score"  # of each action, by the model of texts; a column that no other member reads
NOT_CONTEXT = IDENTIFIERS | OUTCOMES | OTHERWISE_USED | {TEXT_SCORES}
RARE_SHARE = 0.001
FEWEST_OF_A_CATEGORY = 20
CYCLES_SEEN = 2  # an hour of day (weekday) is used once the log spans this many days (weeks)


class ChosenContext(NamedTuple):
    """The context columns, and a sentence for each column left out that a user may miss."""

    columns: list[str]
    notes: list[str]


@dataclass(frozen=True)
class ContextEncoder:
    """The features of a context, and the basis of each vector column."""

    features: tuple[Feature, ...] = ()
    bases: Mapping[str, Basis] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the d encoded columns."""
        return [name for feature in self.features for name in feature.names]

    @property
    def plain(self) -> int:
        """How many of the encoded columns are of the context alone, and not scores of actions."""
        return sum(len(feature.names) for feature in self.features if feature.kind != "scores")

    @property
    def columns(self) -> list[str]:
        """The columns that a frame must have to be encoded."""
        return list(dict.fromkeys(feature.column for feature in self.features))

    def encode(self, frame: pl.DataFrame) -> Floats32:
        """The context of each row as numbers, shape (n, d).

        Raises DataError if a context column is missing from the frame.
        """
        for column in self.columns:
            require_known(
                column,
                frame.columns,
                f"The policy was learned with the context column '{column}', which is not in this input.",
                "Add it, name it with --map, or give --users, --profiles, --text-model.",
            )
        encoded = np.empty((frame.height, len(self.names)), dtype=np.float32)
        plain, places, start = [], [], 0
        for feature in self.features:
            width = len(feature.names)
            if feature.kind == "number" and not feature.missing:
                plain.append(feature)
                places.append(start)
            else:
                own = encode_feature(feature, frame, self.bases.get(feature.column))
                encoded[:, start : start + width] = own
            start += width
        encoded[:, places] = encode_numbers(plain, frame)
        return encoded

    def to_json(self) -> list[dict[str, Any]]:
        """The features as plain values; the bases go beside them as tensors."""
        return [asdict(feature) for feature in self.features]

    def tensors(self) -> dict[str, Floats32]:
        """The bases by name, for a safetensors file."""
        named: dict[str, Floats32] = {}
        for column, (center, directions) in self.bases.items():
            named |= {f"context.{column}.center": center, f"context.{column}.directions": directions}
        return named


def read_encoder(features: Iterable[Mapping[str, Any]], tensors: Mapping[str, Floats32]) -> ContextEncoder:
    """The encoder that `to_json` and `tensors` wrote.

    Raises ValueError if a feature is none, or its basis does not fit it.
    """
    read = tuple(Feature(**{**feature, "categories": tuple(feature["categories"])}) for feature in features)
    for feature in read:
        feature.check()
    vectors = [feature.column for feature in read if feature.kind == "vector"]
    bases = {
        name: (tensors[f"context.{name}.center"], tensors[f"context.{name}.directions"]) for name in vectors
    }
    for name, (center, directions) in bases.items():
        expected = next(feature.directions for feature in read if feature.column == name)
        if directions.shape != (center.size, expected):
            raise ValueError(f"the vectors of '{name}' do not fit their directions")
    return ContextEncoder(read, bases)


def choose_context(
    frame: pl.DataFrame,
    *,
    action: Sequence[str] = (),
    wanted: Sequence[str] = (),
    excluded: Sequence[str] = (),
) -> ChosenContext:
    """The columns of a log that were known before the ad was chosen: those wanted, else all that can be.

    Left out of the automatic choice: the action, outcomes, identifiers, free text, row numbers, and what is
    `excluded`; of times, the hour and the weekday are used. Raises DataError if a wanted column is not there,
    or is the action, an outcome, or excluded.
    """
    if wanted:
        scores = [TEXT_SCORES] if TEXT_SCORES in frame.columns else []
        return ChosenContext([*_checked(frame, (*action, *excluded), wanted), *scores], [])
    columns: list[str] = []
    notes: list[str] = []
    for name in frame.columns:
        if name in NOT_CONTEXT or name in (*action, *excluded) or name.startswith("logged_"):
            continue
        reason = not_context(frame[name])
        if reason:
            notes.append(f"'{name}' is not used as context: {reason}.")
        else:
            columns.append(name)
    columns += [name for name in ("event_time", TEXT_SCORES) if name in frame.columns]
    return ChosenContext(columns, notes)


def _checked(frame: pl.DataFrame, excluded: Sequence[str], wanted: Sequence[str]) -> list[str]:
    outcomes = OUTCOMES | set(excluded)
    for name in wanted:
        require_known(name, frame.columns, f"There is no context column '{name}'.", "See --context.")
        if name in outcomes:
            raise DataError(f"'{name}' is not known before the ad is chosen, so it cannot be context.")
    return list(wanted)


def not_context(values: pl.Series) -> str:
    """Why a column cannot be a feature, or an empty string where it can."""
    if values.dtype in (pl.List, pl.Array):
        return "" if values.null_count() == 0 else "some rows have no vector"
    if values.dtype.is_temporal() or values.dtype.is_nested():
        return "it is neither a number nor a category"
    distinct = values.n_unique()
    names_rows = values.dtype.is_integer() or (values.dtype == pl.String and not _is_measure(values))
    if names_rows and values.len() > FEWEST_OF_A_CATEGORY and distinct > values.len() / 2:
        return "nearly every row has a value of its own, as a row number or free text has"
    return ""


def _is_measure(values: pl.Series) -> bool:
    return is_number(values) and bool(values.drop_nulls().str.contains(r"[.eE]").any())


def fit_context(frame: pl.DataFrame, columns: Sequence[str], *, hour: bool = True) -> ContextEncoder:
    """The encoder of these columns; a time gives weekday, and hour if wanted, where the log spans enough."""
    rare = max(FEWEST_OF_A_CATEGORY, int(RARE_SHARE * frame.height))
    features: list[Feature] = []
    bases: dict[str, Basis] = {}
    for name in columns:
        if name == TEXT_SCORES:
            features.append(Feature(name, "scores", directions=len(frame[name][0])))
        elif frame[name].dtype.is_temporal():
            features += [one for one in _cycles(frame[name]) if hour or one.kind != "hour"]
        elif (fitted := fit_feature(frame[name], rare=rare)) is not None:
            feature, basis = fitted
            features.append(feature)
            if basis is not None:
                bases[name] = basis
    return ContextEncoder(tuple(features), bases)


def _cycles(times: pl.Series) -> list[Feature]:
    first, last = times.min(), times.max()
    if first is None or last is None:
        return []
    span: timedelta = last - first  # type: ignore[operator, assignment]
    hour = [Feature(times.name, "hour")] if span >= timedelta(days=CYCLES_SEEN) else []
    weekday = [Feature(times.name, "weekday")] if span >= timedelta(weeks=CYCLES_SEEN) else []
    return hour + weekday
