"""The decisions of a stream that still wait for a reward, or may get another: the latest, by number."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcli.arrays import Integers

FIRST_ROOM = 1_024
COLUMNS = (
    ("action", np.int32),
    ("propensity", np.float64),
    ("expected", np.float64),  # by the offline policy
    ("predicted", np.float64),  # by the model when it was made
    ("clock", np.float64),
    ("reward", np.float64),  # NaN until there is one
    ("cost", np.float64),
    ("bid", np.float64),  # 0 where there is no bidder
    ("counted", np.bool_),
)


class Decisions:
    """Rows of `COLUMNS` and a `context` (d,); `first` is the oldest kept, `size` how many were made."""

    def __init__(self, dimensions: int) -> None:
        self.index: dict[bytes, int] = {}
        self._ids: deque[bytes] = deque()
        kind = np.dtype([*COLUMNS, ("context", np.float32, (dimensions,))], align=True)
        self._rows = np.zeros(FIRST_ROOM, kind)
        self._reward = self._rows["reward"]
        self.first = self.size = 0

    def __getitem__(self, rows: Integers | int) -> NDArray[Any]:
        """Decisions by their numbers, as a copy; of one number what is set in it stays."""
        found: NDArray[Any] = self._rows[rows - self.first]
        return found

    def reward_of(self, row: int) -> float:
        """The reward of one decision."""
        found: float = self._reward.item(row - self.first)
        return found

    def put(self, rows: Integers, **columns: Any) -> None:
        """Set some columns of decisions, by their numbers."""
        for name, values in columns.items():
            self._rows[name][rows - self.first] = values

    def append(self, ids: Sequence[bytes], **columns: Any) -> None:
        """Add decisions, which `index` has already; they have no reward yet."""
        kept, more = self.size - self.first, len(ids)
        if kept + more > self._rows.size:
            self._keep(self._rows[:kept], 2 * (kept + more))
        self._ids.extend(ids)
        added = self._rows[kept : kept + more]
        for name, values in {**columns, "reward": np.nan, "cost": 0.0, "counted": False}.items():
            added[name] = values
        self.size += more

    def forget(self, before: int) -> None:
        """Let go of the decisions before a number."""
        for _ in range(self.first, before):
            del self.index[self._ids.popleft()]
        self._rows = self._rows[before - self.first :]
        self._reward = self._rows["reward"]
        self.first = before

    def _keep(self, rows: NDArray[Any], room: int) -> None:
        self._rows = np.zeros(max(room, FIRST_ROOM), rows.dtype)
        self._rows[: rows.size] = rows
        self._reward = self._rows["reward"]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All of it as plain arrays; the ids as their UTF-8 bytes and the length of each."""
        return {
            "decisions": self._rows[: self.size - self.first].view(np.uint8),
            "ids": np.frombuffer(b"".join(self._ids), dtype=np.uint8),
            "id_lengths": np.array(list(map(len, self._ids)), dtype=np.int64),
        }

    def restore(self, tensors: dict[str, NDArray[Any]], size: int) -> None:
        """What `tensors` gave, when `size` decisions had been made."""
        rows = tensors["decisions"].view(self._rows.dtype)
        self._keep(rows, 2 * rows.size)
        self.first, self.size = size - rows.size, size
        text, ends = tensors["ids"].tobytes(), np.cumsum(tensors["id_lengths"]).tolist()
        self._ids = deque(text[start:stop] for start, stop in zip([0, *ends], ends, strict=False))
        self.index = {name: row for row, name in enumerate(self._ids, self.first)}
