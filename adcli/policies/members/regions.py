"""Trees over context and action together as sums over regions of the context.

A leaf of a tree is reached where the context meets some conditions and the action passes some tests. So an
ensemble of trees is linear in the regions of the context, with a weight for every action: all K scores of a
row cost one look at its regions and a product, and not K runs through all trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from adcli.arrays import Flags, Floats, Floats32, Integers

CATEGORICAL = 1  # the bit of LightGBM's decision types that says so
WORD = 32  # bits of a number in its sets of categories


class Condition(NamedTuple):
    """Number `feature` of a context is above `threshold`, or else is not."""

    feature: int
    threshold: float
    above: bool


Region = frozenset[Condition]


class ActionTest(NamedTuple):
    """A side of a split of actions by their number `feature`: at most a threshold, or one of some values."""

    feature: int
    threshold: float
    values: frozenset[int] | None
    left: bool

    def passed(self, actions: Floats) -> Flags:
        """Which of the actions, shape (K, e + 1), are on this side, shape (K,)."""
        own = actions[:, self.feature]
        if self.values is None:
            return np.asarray((own <= self.threshold) == self.left)
        return np.asarray(np.isin(own.astype(np.int64), list(self.values)) == self.left)


class Leaf(NamedTuple):
    """Where in the context a leaf is reached, by which actions, and what it adds to the score."""

    region: Region
    tests: tuple[ActionTest, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Regions:
    """Units that are 1 where a context lies in a region of LightGBM's trees, else 0.

    `text` is the trees' model, whose first columns are the context's and the others, by action, are `actions`
    (K, e + 1); regions of many conditions come first.
    """

    text: str
    regions: tuple[Region, ...]
    actions: Floats

    @classmethod
    def read(cls, text: str, dimensions: int, actions: Floats) -> Regions:
        """The regions of a text model. Raises ValueError if it is no text model of LightGBM."""
        found = {leaf.region for leaf in read_leaves(text, dimensions) if leaf.region}
        ordered = sorted(found, key=lambda region: (-len(region), sorted(region)))
        return cls(text, tuple(ordered), actions)

    def weights(self, dimensions: int) -> tuple[Floats, ...]:
        """The weights of the regions, shape (width, K), and what is added everywhere, shape (K,).

        `dimensions`: the number of columns of the context.
        """
        actions = self.actions
        weights, bias = np.zeros((self.width, actions.shape[0])), np.zeros(actions.shape[0])
        place = {region: number for number, region in enumerate(self.regions)}
        for leaf in read_leaves(self.text, dimensions):
            reached = np.ones(actions.shape[0], dtype=bool)
            for test in leaf.tests:
                reached &= test.passed(actions)
            (weights[place[leaf.region]] if leaf.region else bias)[reached] += leaf.value
        return weights, bias

    @property
    def width(self) -> int:
        """How many there are."""
        return len(self.regions)

    def of(self, context: Floats32) -> Floats32:
        """The units of each row, shape (n, width)."""
        splits, levels = self._layout
        numbers = np.ascontiguousarray(context.T)
        met = np.empty((2 * len(splits), context.shape[0]), dtype=bool)
        for row, (feature, threshold) in enumerate(splits):
            np.less_equal(numbers[feature], threshold, out=met[row])
        np.logical_not(met[: len(splits)], out=met[len(splits) :])
        inside = np.ones((self.width, context.shape[0]), dtype=bool)
        for level in levels:
            inside[: level.size] &= met[level]
        return inside.astype(np.float32).T

    @cached_property
    def _layout(self) -> tuple[list[tuple[int, np.float32]], list[Integers]]:
        """The splits, and for each place in a region's list of conditions the rows of those that have one."""
        conditions = {(one.feature, one.threshold) for region in self.regions for one in region}
        place = {split: number for number, split in enumerate(sorted(conditions))}
        listed = [
            [place[one.feature, one.threshold] + one.above * len(place) for one in sorted(region)]
            for region in self.regions
        ]
        depth = max(map(len, listed), default=0)
        levels = [np.array([rows[at] for rows in listed if len(rows) > at]) for at in range(depth)]
        return [(feature, _rounded_down(threshold)) for feature, threshold in place], levels


def _rounded_down(threshold: float) -> np.float32:
    """The largest 32-bit number that is no larger: 32-bit numbers fall on the same side of both."""
    near = np.float32(threshold)
    return near if near <= threshold else np.nextafter(near, np.float32(-np.inf))


def read_leaves(text: str, dimensions: int) -> Iterator[Leaf]:
    """The leaves of all trees of a LightGBM text model.

    `text`: the model, as `Booster.model_to_string` writes it; `dimensions`: how many of its first columns are
    the context's; the others are the action's. Raises ValueError if it is no such model.
    """
    if not text.startswith("tree\n"):
        raise ValueError("the trees are not a text model of LightGBM")
    for block in text.split("end of trees")[0].split("\nTree=")[1:]:
        tree = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if int(tree["num_leaves"]) < 2:
            yield Leaf(frozenset(), (), float(tree["leaf_value"]))
        else:
            yield from _Tree(tree, dimensions).leaves(0, {}, ())


class _Tree:
    """One tree, by the fields of its text."""

    def __init__(self, fields: dict[str, str], dimensions: int) -> None:
        self._dimensions = dimensions
        self._feature, self._kind, self._left, self._right = (
            [int(value) for value in fields[name].split()]
            for name in ("split_feature", "decision_type", "left_child", "right_child")
        )
        self._threshold, self._value = (
            [float(value) for value in fields[name].split()] for name in ("threshold", "leaf_value")
        )
        self._starts = [int(value) for value in fields.get("cat_boundaries", "").split()]
        self._words = [int(value) for value in fields.get("cat_threshold", "").split()]

    def leaves(
        self, node: int, bounds: dict[tuple[int, bool], float], tests: tuple[ActionTest, ...]
    ) -> Iterator[Leaf]:
        """The leaves below a node reached within bounds of the context, by actions that pass tests."""
        if node < 0:
            region = frozenset(Condition(feature, at, above) for (feature, above), at in bounds.items())
            yield Leaf(region, tests, self._value[-node - 1])
            return
        feature, threshold = self._feature[node], self._threshold[node]
        for child, above in ((self._left[node], False), (self._right[node], True)):
            if feature >= self._dimensions:
                yield from self.leaves(child, bounds, (*tests, self._test(node, left=not above)))
                continue
            tightest = max if above else min
            at = tightest(threshold, bounds.get((feature, above), threshold))
            yield from self.leaves(child, bounds | {(feature, above): at}, tests)

    def _test(self, node: int, *, left: bool) -> ActionTest:
        feature, threshold = self._feature[node] - self._dimensions, self._threshold[node]
        if not self._kind[node] & CATEGORICAL:
            return ActionTest(feature, threshold, None, left)
        start, end = self._starts[int(threshold)], self._starts[int(threshold) + 1]
        values = {
            WORD * place + bit
            for place, word in enumerate(self._words[start:end])
            for bit in range(WORD)
            if word >> bit & 1
        }
        return ActionTest(feature, 0.0, frozenset(values), left)
