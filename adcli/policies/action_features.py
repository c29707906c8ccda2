"""What is known of each action: item attributes or product vectors, as numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from adcli.arrays import Floats32
from adcli.errors import DataError, require_known
from adcli.policies.actions import HOUR, ActionSet
from adcli.policies.context import not_context
from adcli.policies.features import Feature, encode_feature, fit_feature

NOT_FEATURES = frozenset({"kind", "title", "description", "text", "url", "image", "queries", "event_time"})
MOST_DIMENSIONS = 16
REST = "any other"  # the group of the actions that a table of items knows nothing of


class ActionFeatures(NamedTuple):
    """Features of each action, shape (K, e), their names, and what a user should know of them."""

    values: Floats32
    names: list[str]
    notes: list[str]


def action_features(actions: ActionSet, items: pl.DataFrame | None = None) -> ActionFeatures:
    """The features of K actions from a frame with one row per item (attributes, or a table of vectors).

    Of a product of actions (item x placement x hour) each part has features of its own: what it is, and of an
    hour when in the day. More than sixteen columns of a part are reduced to sixteen principal directions.
    Raises DataError if the items have no key column, or none of them is an action.
    """
    notes: list[str] = []
    parts: list[tuple[Floats32, list[str]]] = []
    if items is not None:
        joined, notes = _join(actions, items)
        parts.append(_encode_columns(joined))
    if len(actions.columns) > 1:
        parts += [_encode_part(actions.frame[column]) for column in actions.columns]
    reduced = [_reduce(values, names) for values, names in parts if names]
    if not reduced:
        return ActionFeatures(np.zeros((len(actions), 0), dtype=np.float32), [], notes)
    return ActionFeatures(
        np.hstack([values for values, _ in reduced]), [name for _, names in reduced for name in names], notes
    )


def _encode_part(values: pl.Series) -> tuple[Floats32, list[str]]:
    """What one part of a product of actions is, as numbers; of an hour, two harmonics of the day."""
    hours = values.cast(pl.Int64, strict=False)
    if values.name == HOUR and hours.is_between(0, 23).all():
        feature = Feature(HOUR, "hour")
        times = pl.select(pl.datetime(2000, 1, 1, pl.lit(hours)).alias(HOUR))
        return encode_feature(feature, times, None), feature.names
    fitted = fit_feature(values, rare=1)
    if fitted is None:
        return np.zeros((len(values), 0), dtype=np.float32), []
    return encode_feature(fitted[0], values.to_frame(), None), fitted[0].names


def joined_by(actions: ActionSet, items: pl.DataFrame) -> tuple[str, str]:
    """The part of the action that the items say more of, and the column of the items that names it.

    Raises DataError if there is none.
    """
    named = [name for name in actions.columns if name in items.columns]
    item = next((name for name in named or actions.columns if name not in (HOUR, "placement")), HOUR)
    key = next((name for name in (item, "item_id", "id") if name in items.columns), None)
    if key is None:
        raise DataError(f"The table of items has no column '{item}' or 'id' to join on.")
    return item, key


def _join(actions: ActionSet, items: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    item, key = joined_by(actions, items)
    if "kind" in items.columns:
        items = items.filter(pl.col("kind") == "product") if key == "id" else items
    keyed = items.with_columns(pl.col(key).cast(pl.String)).unique(key, keep="first", maintain_order=True)
    wanted = [name for name in keyed.columns if name != key and name not in NOT_FEATURES]
    features = [name for name in wanted if not not_context(keyed[name])]
    joined = actions.frame.select(item).join(
        keyed.select(key, *features), left_on=item, right_on=key, how="left", maintain_order="left"
    )
    known = int(actions.frame[item].is_in(keyed[key].to_list()).sum())
    if not known:
        raise DataError(
            f"None of the {len(actions):,} actions of the log is in the table of items.",
            fix=f"The log has '{actions.frame[item][0]}', the table '{keyed[key][0]}'.",
        )
    notes = [f"item features: {', '.join(features)}"]
    if known < len(actions):
        notes.append(f"{len(actions) - known:,} of {len(actions):,} actions are not in the table of items")
    return joined.drop(item), notes


def _encode_columns(joined: pl.DataFrame) -> tuple[Floats32, list[str]]:
    blocks: list[Floats32] = [np.zeros((joined.height, 0), dtype=np.float32)]
    names: list[str] = []
    for name in joined.columns:
        filled = joined.select(_filled(joined[name]))
        fitted = fit_feature(filled[name], rare=2)
        if fitted is not None:
            feature, basis = fitted
            blocks.append(encode_feature(feature, filled, basis))
            names += feature.names
    return np.hstack(blocks), names


def _filled(values: pl.Series) -> pl.Series:
    """A vector column with zeros where an action has no vector; other columns as they are."""
    if values.dtype not in (pl.List, pl.Array) or not values.null_count():
        return values
    width = len(values.drop_nulls()[0])
    rows = [[0.0] * width if row is None else row for row in values.to_list()]
    return pl.Series(values.name, rows, dtype=pl.Array(pl.Float32, width))


def _reduce(values: Floats32, names: list[str]) -> tuple[Floats32, list[str]]:
    spread = values.std(axis=0)
    varied = spread > 0
    standard = (values[:, varied] - values[:, varied].mean(axis=0)) / spread[varied]
    if standard.shape[1] <= MOST_DIMENSIONS:
        return standard.astype(np.float32), [name for name, keep in zip(names, varied, strict=True) if keep]
    return principal(standard, MOST_DIMENSIONS), [f"direction {i}" for i in range(MOST_DIMENSIONS)]


def principal(values: Floats32, dimensions: int) -> Floats32:
    """The rows along their first principal directions, each of deviation 1; shape (K, up to `dimensions`)."""
    left, spread, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = min(dimensions, int((spread > 1e-6 * max(float(spread[0]), 1e-30)).sum()))
    return np.asarray(left[:, :kept] * np.sqrt(values.shape[0]), dtype=np.float32)


def group_labels(actions: ActionSet, items: pl.DataFrame | None, column: str) -> pl.Series:
    """What a column says of each action, as strings, shape (K,): one of the action's own, or of the items.

    An action that the items do not know, or know no value of, is in the group "any other". Raises DataError
    if there is no such column, or no column of the items names them.
    """
    if column in actions.columns:
        return actions.frame[column]
    if items is None:
        raise DataError(f"'{column}' would be read from the table of items, and there is none.")
    item, key = joined_by(actions, items)
    require_known(column, items.columns, f"The table of items has no column '{column}'.")
    if items[column].dtype.is_nested():
        raise DataError(
            f"'{column}' holds vectors or lists, which make no groups.",
            fix="Give a number of clusters instead.",
        )
    known = items.filter(pl.col("kind") == "product") if key == "id" and "kind" in items.columns else items
    values = known.select(
        pl.col(key).cast(pl.String).alias(item), __group=pl.col(column).cast(pl.String)
    ).unique(item, keep="first", maintain_order=True)
    joined = actions.frame.join(values, on=item, how="left", maintain_order="left")
    return joined["__group"].fill_null(REST)
