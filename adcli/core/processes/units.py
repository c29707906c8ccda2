"""A folder of units of work, which several processes take from without talking to each other.

task.json            what to do with a unit, who shares it out
units/000004.json    the rows of a unit
claims/000004        whoever could create this file computes the unit
results/000004       appears whole, by renaming
end                  how many units there are
failure-1.json       why process 1 gave up
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from adcli.core.cache import is_alive, temporary_name


@dataclass(frozen=True)
class UnitFolder:
    """One task's folder.

    Attributes:
        path: Where it lies.
    """

    path: Path

    @classmethod
    def create(cls, path: Path, task: str, settings: Mapping[str, object], processes: int) -> Self:
        """A new folder; other processes see it whole.

        Args:
            path: Where it will lie.
            task: A name of `adcli.core.processes.tasks.TASKS`.
            settings: What the task needs to know, as JSON.
            processes: How many processes share the work.
        """
        temporary = temporary_name(path)
        for part in ("units", "claims", "results"):
            (temporary / part).mkdir(parents=True)
        content = {
            "task": task,
            "settings": dict(settings),
            "processes": processes,
            "owner": [socket.gethostname(), os.getpid()],
        }
        (temporary / "task.json").write_text(json.dumps(content), "utf-8")
        temporary.rename(path)
        return cls(path)

    @property
    def task(self) -> dict[str, Any]:
        """What was given to `create`."""
        content: dict[str, Any] = json.loads((self.path / "task.json").read_text("utf-8"))
        return content

    def put(self, number: int, rows: list[str]) -> None:
        """Offer a unit."""
        self._write(f"units/{number:06}.json", json.dumps(rows).encode())

    def claim(self, number: int) -> list[str] | None:
        """The rows of a unit that is now this process's own, or None if another has it."""
        try:
            (self.path / f"claims/{number:06}").open("x").close()
        except FileExistsError:
            return None
        rows: list[str] = json.loads((self.path / f"units/{number:06}.json").read_bytes())
        return rows

    def has(self, number: int) -> bool:
        """Whether a unit has been offered."""
        return (self.path / f"units/{number:06}.json").exists()

    def is_claimed(self, number: int) -> bool:
        """Whether a process has claimed a unit."""
        return (self.path / f"claims/{number:06}").exists()

    def finish(self, number: int, result: bytes) -> None:
        """Hand in the result of a unit."""
        self._write(f"results/{number:06}", result)

    def is_done(self, number: int) -> bool:
        """Whether a unit's result is there."""
        return (self.path / f"results/{number:06}").exists()

    def take(self, number: int) -> bytes:
        """The result of a unit; the unit is gone then."""
        result = (self.path / f"results/{number:06}").read_bytes()
        for part in (f"results/{number:06}", f"units/{number:06}.json"):
            (self.path / part).unlink()
        return result

    def end(self, units: int) -> None:
        """Say that there will be no units beyond these."""
        self._write("end", str(units).encode())

    def is_over(self, number: int) -> bool:
        """Whether unit `number` will never come: all have been offered, or the owner is gone."""
        try:
            return number >= int((self.path / "end").read_bytes())
        except FileNotFoundError:
            return self._is_abandoned()

    def fail(self, rank: int, message: str) -> None:
        """Say why a process gives up."""
        self._write(f"failure-{rank}.json", json.dumps(message).encode())

    def failure(self) -> tuple[int, str] | None:
        """The process that gave up and why, if one did."""
        for path in sorted(self.path.glob("failure-*.json")):
            return int(path.stem.split("-")[1]), json.loads(path.read_bytes())
        return None

    def _is_abandoned(self) -> bool:
        try:
            host, pid = self.task["owner"]
        except FileNotFoundError:  # the owner is done, and has removed the folder or is about it
            return True
        return host == socket.gethostname() and not is_alive(pid)

    def _write(self, name: str, content: bytes) -> None:
        target = self.path / name
        temporary = temporary_name(target)
        temporary.write_bytes(content)
        temporary.replace(target)
