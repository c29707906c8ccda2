"""The decisions of a stream in columns, by number, for the rewards that come later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_ROOM = 1_024
COLUMNS = {
    "action": np.int32,
    "propensity": np.float64,
    "expected": np.float64,  # by the offline policy
    "predicted": np.float64,  # by the model when it was made
    "clock": np.float64,
    "reward": np.float64,  # NaN until there is one
    "cost": np.float64,
    "bid": np.float64,  # 0 where there is no bidder
    "counted": np.bool_,
}


class Decisions:
    """Columns that grow; `context` has shape (n, d), the others (n,)."""

    def __init__(self, dimensions: int) -> None:
        self.index: dict[bytes, int] = {}
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros(FIRST_ROOM, dtype=kind) for name, kind in COLUMNS.items()
        }
        self._columns["context"] = np.zeros((FIRST_ROOM, dimensions), dtype=np.float32)
        self.size = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column, with room after its end."""
        return self._columns[name]

    def append(self, count: int, columns: Mapping[str, Any]) -> None:
        """Add decisions; they have no reward yet."""
        stop = self.size + count
        while stop > self._columns["action"].size:
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.zeros_like(column)])
        for name, values in columns.items():
            self._columns[name][self.size : stop] = values
        self._columns["reward"][self.size : stop] = np.nan
        self.size = stop

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All of it as plain arrays; the ids as their UTF-8 bytes and the length of each."""
        return {
            **{name: column[: self.size] for name, column in self._columns.items()},
            "ids": np.frombuffer(b"".join(self.index), dtype=np.uint8),
            "id_lengths": np.array(list(map(len, self.index)), dtype=np.int32),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """What `tensors` gave, with room to grow."""
        self.size = tensors["action"].size
        room = max(2 * self.size, FIRST_ROOM)
        for name, column in self._columns.items():
            self._columns[name] = np.zeros((room, *column.shape[1:]), dtype=column.dtype)
            self._columns[name][: self.size] = tensors[name]
        text, ends = tensors["ids"].tobytes(), np.cumsum(tensors["id_lengths"]).tolist()
        starts = [0, *ends[:-1]]
        self.index = {
            text[start:stop]: row for row, (start, stop) in enumerate(zip(starts, ends, strict=True))
        }
