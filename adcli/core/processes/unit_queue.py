"""Units of work in a folder, which several processes take from without talking to each other.

units/000004         the rows of a unit
claims/000004        the same; whoever could rename it so computes the unit
results/000004       appears whole, by renaming
end                  how many units there are
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

from adcli.files import write_whole


class UnitQueue:
    """One folder of units; before it is made and when it is gone, it holds none.

    `folder`: where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def create(cls, folder: Path) -> Self:
        """A new, empty folder."""
        for part in ("units", "claims", "results"):
            (folder / part).mkdir(parents=True)
        return cls(folder)

    def put(self, number: int, rows: list[str]) -> None:
        """Offer a unit."""
        write_whole(self._unit(number), json.dumps(rows).encode())

    def claim(self, number: int) -> list[str] | None:
        """The rows of a unit that is now this process's own, or None if it is another's or not there yet."""
        try:
            claimed = self._unit(number).rename(self._claim(number))
        except FileNotFoundError:
            return None
        rows: list[str] = json.loads(claimed.read_bytes())
        return rows

    def is_claimed(self, number: int) -> bool:
        """Whether a process has claimed a unit."""
        return self._claim(number).exists()

    def finish(self, number: int, result: bytes) -> None:
        """Hand in the result of a unit."""
        write_whole(self._result(number), result)

    def is_done(self, number: int) -> bool:
        """Whether a unit's result is there."""
        return self._result(number).exists()

    def take(self, number: int) -> bytes:
        """The result of a unit; the unit is gone then."""
        result = self._result(number).read_bytes()
        self._result(number).unlink()
        return result

    def end(self, units: int) -> None:
        """Say that there will be no units beyond these."""
        write_whole(self._folder / "end", str(units).encode())

    def is_over(self, number: int) -> bool:
        """Whether unit `number` will never come."""
        try:
            return number >= int((self._folder / "end").read_bytes())
        except FileNotFoundError:
            return False

    def _unit(self, number: int) -> Path:
        return self._folder / f"units/{number:06}"

    def _claim(self, number: int) -> Path:
        return self._folder / f"claims/{number:06}"

    def _result(self, number: int) -> Path:
        return self._folder / f"results/{number:06}"
