"""What can be shown: the set of actions, and which of them each row may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from adcli.arrays import Flags, Integers32
from adcli.errors import DataError, require_known

ACTION_COLUMNS = ("item_id", "ad_id")
HOUR = "hour"  # of event_time, UTC, where a log has no such column
NO_AD = frozenset(
    {"noad", "noads", "none", "nothing", "noemail", "nomail", "nocontact", "notreatment", "holdout"}
)


@dataclass(frozen=True)
class ActionSet:
    """K actions, each a row of `frame` (the columns that make an action, as strings, sorted).

    `eligible` says, for each value of the column `eligible_by`, which actions may be shown there, as a mask
    of shape (K,). Where a row has a value that it does not hold, everything may be shown.
    """

    frame: pl.DataFrame
    eligible_by: str | None = None
    eligible: dict[str, Flags] = field(default_factory=dict)

    def __len__(self) -> int:
        """K."""
        return self.frame.height

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that make an action."""
        return tuple(self.frame.columns)

    def no_ad(self, named: str | None = None) -> Flags:
        """Which actions show no ad, shape (K,): the one named, else those whose name says so.

        Raises DataError if none has the name.
        """
        names = self.frame[self.columns[0]]
        if named is None:
            plain = names.str.to_lowercase().str.replace_all(r"[^a-z]", "")
            return np.asarray(plain.is_in(list(NO_AD)).to_numpy(), dtype=bool)
        require_known(named, names.unique().to_list(), f"No action of the log is '{named}'.")
        return np.asarray((names == named).to_numpy(), dtype=bool)

    def index(self, frame: pl.DataFrame) -> Integers32:
        """The number of each row's action, shape (n,); -1 where it is none of these."""
        numbered = self.frame.with_row_index("__action")
        found = action_parts(frame, self.columns).join(
            numbered, on=list(self.columns), how="left", maintain_order="left"
        )
        return found["__action"].cast(pl.Int32).fill_null(-1).to_numpy()

    def eligibility(self, frame: pl.DataFrame) -> Flags | None:
        """Which actions each row may be shown, shape (n, K); None where every row may be shown all.

        Raises DataError if the frame lacks the column that decides it.
        """
        if self.eligible_by is None:
            return None
        sentence = f"The policy needs the column '{self.eligible_by}', which decides what may be shown."
        require_known(self.eligible_by, frame.columns, sentence, "Add it, or name it with --map.")
        values = list(self.eligible)
        masks = np.vstack([*self.eligible.values(), np.ones(len(self), dtype=bool)])
        codes = (
            frame[self.eligible_by]
            .cast(pl.String)
            .replace_strict(values, range(len(values)), default=len(values), return_dtype=pl.Int32)
        )
        chosen: Flags = masks[codes.fill_null(len(values)).to_numpy()]
        return chosen


def action_columns(frame: pl.DataFrame, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns that make an action: those wanted, else `item_id`, else `ad_id`.

    Raises DataError if a column is missing.
    """
    for name in wanted:
        if not (name == HOUR and "event_time" in frame.columns):
            sentence = f"There is no column '{name}' to take the action from."
            require_known(name, frame.columns, sentence, "Name it with --map.")
    if wanted:
        return tuple(wanted)
    for name in ACTION_COLUMNS:
        if name in frame.columns:
            return (name,)
    raise DataError("The impressions have neither item_id nor ad_id.", fix="Name the shown item with --map.")


def action_parts(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns that make each row's action, as strings; `hour` is of `event_time` where none is given.

    Raises DataError if a column is missing.
    """
    action_columns(frame, names)
    hour = pl.col("event_time").dt.hour().cast(pl.String).alias(HOUR)
    return frame.select(
        hour if name == HOUR and name not in frame.columns else pl.col(name).cast(pl.String) for name in names
    )


def action_set(
    impressions: pl.DataFrame, columns: Sequence[str] = (), *, eligible_by: str | None = None
) -> ActionSet:
    """The actions that the log shows, with where each was shown if `eligible_by` names a column.

    Raises DataError if a column is missing, there are no rows, an action is null, or there are fewer than two
    actions.
    """
    names = action_columns(impressions, columns)
    if impressions.is_empty():
        raise DataError("The log has no impressions.")
    keys = action_parts(impressions, names)
    for name in names:
        missing = keys[name].null_count()
        if missing:
            raise DataError(
                f"{missing:,} impressions have no '{name}'.",
                fix="Remove them with `adcli clean`, or fill them in.",
            )
    frame = keys.unique().sort(names)
    if frame.height < 2:
        raise DataError(
            f"The log shows {frame.height} action, and a policy needs at least two to choose among."
        )
    if eligible_by is None:
        return ActionSet(frame)
    sentence = f"There is no column '{eligible_by}' to read eligibility from."
    require_known(eligible_by, impressions.columns, sentence)
    return ActionSet(frame, eligible_by, _seen_together(impressions, ActionSet(frame), eligible_by))


def _seen_together(impressions: pl.DataFrame, actions: ActionSet, by: str) -> dict[str, Flags]:
    pairs = pl.DataFrame(
        {"value": impressions[by].cast(pl.String), "action": actions.index(impressions)}
    ).unique()
    eligible: dict[str, Flags] = {}
    for value in sorted(v for v in pairs["value"].unique().to_list() if v is not None):
        mask = np.zeros(len(actions), dtype=bool)
        mask[pairs.filter(pl.col("value") == value)["action"].to_numpy()] = True
        eligible[value] = mask
    return eligible
