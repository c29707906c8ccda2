"""What is known of each action: item attributes or product vectors, as numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from adcli.errors import DataError
from adcli.policies.actions import ActionSet
from adcli.policies.context import not_context
from adcli.policies.features import encode_feature, fit_feature

NOT_FEATURES = frozenset({"kind", "title", "description", "text", "url", "image", "queries", "event_time"})
MOST_DIMENSIONS = 16


class ActionFeatures(NamedTuple):
    """Features of each action, shape (K, e), their names, and what a user should know of them."""

    values: NDArray[np.float32]
    names: list[str]
    notes: list[str]


def action_features(actions: ActionSet, items: pl.DataFrame | None = None) -> ActionFeatures:
    """The features of K actions from a frame with one row per item (attributes, or a table of vectors).

    Columns that make the action beside the item (a placement) are features too. More than sixteen columns are
    reduced to sixteen principal directions.

    Raises:
        DataError: If the items have no key column, or none of them is an action.
    """
    notes: list[str] = []
    blocks: list[NDArray[np.float32]] = []
    names: list[str] = []
    if items is not None:
        joined, notes = _join(actions, items)
        blocks, names = _encode_columns(joined)
    for column in actions.columns[1:]:
        fitted = fit_feature(actions.frame[column], rare=1)
        if fitted is not None:
            blocks.append(encode_feature(fitted[0], actions.frame, None))
            names += fitted[0].names
    if not blocks:
        return ActionFeatures(np.zeros((len(actions), 0), dtype=np.float32), [], notes)
    values, names = _reduce(np.hstack(blocks), names)
    return ActionFeatures(values, names, notes)


def _join(actions: ActionSet, items: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    item = actions.columns[0]
    key = next((name for name in (item, "item_id", "id") if name in items.columns), None)
    if key is None:
        raise DataError(f"The table of items has no column '{item}' or 'id' to join on.")
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


def _encode_columns(joined: pl.DataFrame) -> tuple[list[NDArray[np.float32]], list[str]]:
    blocks: list[NDArray[np.float32]] = []
    names: list[str] = []
    for name in joined.columns:
        filled = joined.select(_filled(joined[name]))
        fitted = fit_feature(filled[name], rare=2)
        if fitted is not None:
            feature, basis = fitted
            blocks.append(encode_feature(feature, filled, basis))
            names += feature.names
    return blocks, names


def _filled(values: pl.Series) -> pl.Series:
    """A vector column with zeros where an action has no vector; other columns as they are."""
    if values.dtype not in (pl.List, pl.Array) or not values.null_count():
        return values
    width = len(values.drop_nulls()[0])
    rows = [[0.0] * width if row is None else row for row in values.to_list()]
    return pl.Series(values.name, rows, dtype=pl.Array(pl.Float32, width))


def _reduce(values: NDArray[np.float32], names: list[str]) -> tuple[NDArray[np.float32], list[str]]:
    spread = values.std(axis=0)
    varied = spread > 0
    standard = (values[:, varied] - values[:, varied].mean(axis=0)) / spread[varied]
    if standard.shape[1] <= MOST_DIMENSIONS:
        return standard.astype(np.float32), [name for name, keep in zip(names, varied, strict=True) if keep]
    return principal(standard, MOST_DIMENSIONS), [f"direction {i}" for i in range(MOST_DIMENSIONS)]


def principal(values: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """The rows along their first principal directions, each of deviation 1; shape (K, up to `dimensions`)."""
    left, spread, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = min(dimensions, int((spread > 1e-6 * max(float(spread[0]), 1e-30)).sum()))
    return np.asarray(left[:, :kept] * np.sqrt(values.shape[0]), dtype=np.float32)
