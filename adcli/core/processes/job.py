"""What ranks are asked to do and what comes of it, in a folder that all of them see.

job.json         the function, its settings, how many ranks run it
owner            the process that asks
messages         what rank 0 says on the way, a JSON value a line
result.json      what rank 0 gives back
failure-1.json   why rank 1 gave up
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from adcli.errors import AdcliError
from adcli.files import is_gone, owner, temporary_beside, write_whole

POLL_S = 0.02


@dataclass(frozen=True)
class Job:
    """One function that several ranks run, and the folder in which it is described."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, function: str, settings: Mapping[str, object], processes: int) -> Self:
        """A new folder, which other processes see whole; the rest as `run_ranks` is given it."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(folder)
        temporary.mkdir()
        content = {"function": function, "settings": dict(settings), "processes": processes}
        (temporary / "job.json").write_text(json.dumps(content), "utf-8")
        (temporary / "owner").write_text(owner(), "ascii")
        temporary.rename(folder)
        return cls(folder)

    @property
    def description(self) -> dict[str, Any]:
        """What was given to `create`."""
        content: dict[str, Any] = json.loads((self.folder / "job.json").read_text("utf-8"))
        return content

    def is_abandoned(self) -> bool:
        """Whether the process that asked is gone."""
        try:
            return is_gone((self.folder / "owner").read_text("ascii"))
        except FileNotFoundError:  # it is done, and has removed the folder or is about to
            return True

    def say(self, message: object) -> None:
        """Tell the process that asked something on the way."""
        with (self.folder / "messages").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(message) + "\n")

    def messages(self, start: int) -> tuple[list[Any], int]:
        """What was said behind a byte of all that was said, and the byte where that ends."""
        try:
            with (self.folder / "messages").open("rb") as stream:
                stream.seek(start)
                whole = stream.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return [], start
        return [json.loads(line) for line in whole.splitlines()], start + len(whole) + bool(whole)

    def finish(self, result: object) -> None:
        """Give back the result."""
        write_whole(self.folder / "result.json", json.dumps(result).encode())

    def is_finished(self) -> bool:
        """Whether the result is there."""
        return (self.folder / "result.json").exists()

    def result(self) -> Any:
        """What was given to `finish`."""
        return json.loads((self.folder / "result.json").read_bytes())

    def fail(self, rank: int, message: str) -> None:
        """Say why a rank gives up."""
        with contextlib.suppress(FileNotFoundError):  # nobody is there to hear it
            write_whole(self.folder / f"failure-{rank}.json", json.dumps(message).encode())

    def failure(self) -> tuple[int, str] | None:
        """The rank that gave up and why, if one did."""
        for path in sorted(self.folder.glob("failure-*.json")):
            return int(path.stem.split("-")[1]), json.loads(path.read_bytes())
        return None


@dataclass(frozen=True)
class Rank:
    """One of the processes that run a job."""

    number: int  # from 0
    processes: int  # how many there are
    job: Job  # what they run

    def say(self, message: object) -> None:
        """Tell the process that asked something on the way; only rank 0 speaks.

        Raises AdcliError if nobody is there to hear it.
        """
        if self.number == 0:
            if self.job.is_abandoned():
                raise AdcliError("The process that asked for this is gone.")
            self.job.say(message)

    def run(self) -> None:
        """Run the job's function.

        Raises:
            Exception: Whatever it fails with; the job then says so to the process that asked.
        """
        try:
            asked = self.job.description
            result = load_function(asked["function"])(asked["settings"], self)
            if self.number == 0:
                self.job.finish(result)
        except Exception as error:
            self.job.fail(self.number, str(error) or type(error).__name__)
            raise


def load_function(name: str) -> Callable[..., Any]:
    """The function of adcli that "module:function" names. Raises ValueError if the module is not adcli's."""
    module, _, function = name.partition(":")
    if not module.startswith("adcli."):
        raise ValueError(f"{name} is no function of adcli")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found
