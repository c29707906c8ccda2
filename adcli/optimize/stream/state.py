"""The directory of a stream: `stream.json` says what it is, the journal what came.

A snapshot shortens the start. One process writes to it at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from adcli.bidding.learned import load_bidders
from adcli.errors import AdcliError, DataError, UsageError
from adcli.files import check_target, directory_sha256, remove, remove_unfinished, sweep_stale, write_whole
from adcli.optimize.stream.bids import Bidding
from adcli.optimize.stream.exploration import Settings
from adcli.optimize.stream.journal import Durable, Journal, Position, framed, records
from adcli.optimize.stream.live_policy import LivePolicy
from adcli.optimize.stream.prior import offline_policy
from adcli.optimize.stream.snapshot import about_packed, packed, restore
from adcli.policies.store import load_policy, read_description

FORMAT = "stream/3"
JSON_NAME, JOURNAL_NAME, SNAPSHOT_NAME, LOCK_NAME = "stream.json", "journal.ndjson", "snapshot", "lock"
POLICY_NAME, BIDDER_NAME = "policy", "bidder"
FIRST_SNAPSHOT = 32 << 20  # bytes of the journal; later ones when it has grown by twice the last one's size

Recorded = tuple[dict[str, Any], list[bytes], list[bytes]]  # a record's head, the lines used, the decisions


def read_about(directory: Path) -> dict[str, Any]:
    """What `stream.json` says.

    Raises DataError if the directory is no state of a stream, is damaged, or is of another version.
    """
    path = directory / JSON_NAME
    if not path.is_file():
        raise DataError(f"{directory} is not the state of a stream: it has no {JSON_NAME}.")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as damage:
        raise DataError(f"{path} is damaged: {damage}.") from None
    found = about.get("format") if isinstance(about, dict) else None
    if found != FORMAT:
        raise DataError(
            f"{directory} has the format {found!r}; this version of adcli reads {FORMAT!r}.",
            fix="Begin another with --state.",
        )
    return dict(about)


def begin(directory: Path, policy: Path, bidder: Path | None, settings: Settings) -> None:
    """Make a state's directory, or make sure that one which is there was begun in the same way.

    Copies of the policy and the bidder are kept, so that the state stands on its own. Raises UsageError if
    the directory holds something else, or was begun otherwise.
    """
    check_target(directory)
    if directory.exists() and not directory.is_dir():
        raise UsageError(
            f"{directory} is a file, not the directory of a stream.", fix="Name another --state."
        )
    directory.mkdir(exist_ok=True)
    sources = {POLICY_NAME: policy, BIDDER_NAME: bidder}
    found = {name: None if source is None else directory_sha256(source) for name, source in sources.items()}
    about = {"format": FORMAT, **found, "settings": settings._asdict()}
    if (directory / JSON_NAME).exists():
        _check_same(directory, read_about(directory), about)
        return
    known = {POLICY_NAME, BIDDER_NAME, LOCK_NAME}
    if any(entry.name not in known and not entry.name.startswith(".") for entry in directory.iterdir()):
        raise UsageError(f"{directory} holds something else than the state of a stream.", fix="Name another.")
    for name, source in sources.items():
        remove(directory / name)
        if source is not None:
            shutil.copytree(source, directory / name)
    write_whole(directory / JSON_NAME, (json.dumps(about, indent=2) + "\n").encode())


def _check_same(directory: Path, before: dict[str, Any], about: dict[str, Any]) -> None:
    for name in (POLICY_NAME, BIDDER_NAME):
        if before[name] != about[name]:
            raise UsageError(f"{directory} was begun with another {name}.", fix="Begin another with --state.")
    for name, value in about["settings"].items():
        if before["settings"][name] != value:
            option, was = name.replace("_", "-"), before["settings"][name]
            raise UsageError(
                f"{directory} was begun with --{option} {was}, not {value}.",
                fix="Take the same, or begin another with --state.",
            )


def live_policy_of(directory: Path) -> LivePolicy:
    """The live policy of a state as it was at its beginning."""
    about, policy = read_about(directory), directory / POLICY_NAME
    bidders = load_bidders(directory / BIDDER_NAME) if about[BIDDER_NAME] else {}
    if len(bidders) > 1:
        raise UsageError(
            f"The bidder has {len(bidders)} campaigns, and a stream bids for one.",
            fix="Learn it from the auctions of that campaign.",
        )
    bidding = Bidding(*bidders.values()) if bidders else None
    offline = offline_policy(load_policy(policy), read_description(policy))
    return LivePolicy(offline, Settings(**about["settings"]), bidding)


class State:
    """A state that is written to, with the live policy that it holds."""

    def __init__(self, directory: Path, durable: Durable) -> None:
        self.directory, self.live = directory, live_policy_of(directory)
        self._lock = _locked(directory)
        sweep_stale(directory)
        position, self.refused = read_state(directory, self.live)
        self._journal = Journal(directory / JOURNAL_NAME, position, durable)
        self._snapshot_at = position.offset + FIRST_SNAPSHOT
        self._is_saved = self._is_whole = True

    def answer(self, lines: Sequence[bytes]) -> bytes:
        """What a block of lines is answered, after it was journalled."""
        self._is_whole = False
        block = self.live.answer(lines)
        self.refused += block.refused
        if block.used:
            head = {"time": time.time(), "decisions": len(block.decided), "refused": self.refused}
            used = b"\n".join([orjson.dumps(head), *block.used, b""])
            self._journal.append(used + b"".join(block.decided))
            self._is_saved = False
        self._is_whole = True
        if self._journal.position.offset >= self._snapshot_at:
            self.save()
        return b"".join(block.answers)

    def save(self) -> None:
        """Write a snapshot; without room for it, or amid a block, the journal is enough."""
        if self._is_saved or not self._is_whole:
            return
        payload = packed(self.live, [self._journal.position, self.refused])
        try:
            write_whole(self.directory / SNAPSHOT_NAME, framed(payload))
        except OSError:
            remove_unfinished()
        self._is_saved = True
        self._snapshot_at = self._journal.position.offset + max(FIRST_SNAPSHOT, 2 * len(payload))

    def close(self) -> None:
        """Let others write."""
        self._journal.close()
        os.close(self._lock)


def _locked(directory: Path) -> int:
    lock = os.open(directory / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise AdcliError(
            f"Another `adcli optimize stream` writes to {directory}.",
            fix="End it first, or name another --state.",
        ) from None
    return lock


def read_state(directory: Path, live: LivePolicy) -> tuple[Position, int]:
    """Bring a live policy to where the state stands; returns the journal's end, and the lines refused.

    Raises DataError if the journal is damaged.
    """
    position, refused = _restored(directory, live)
    if not (directory / JOURNAL_NAME).exists():
        return position, refused
    for payload, after in records(directory / JOURNAL_NAME, position):
        head, used, decided = split(payload)
        live.answer(used, decided)
        position, refused = after, head["refused"]
    return position, refused


def split(payload: bytes) -> Recorded:
    """What a record holds."""
    first, *lines = payload.split(b"\n")[:-1]
    head = orjson.loads(first)
    count = len(lines) - head["decisions"]
    return head, lines[:count], lines[count:]


def blocks(directory: Path) -> Iterator[Recorded]:
    """The blocks of a state's journal."""
    if (directory / JOURNAL_NAME).exists():
        for payload, _ in records(directory / JOURNAL_NAME):
            yield split(payload)


def _restored(directory: Path, live: LivePolicy) -> tuple[Position, int]:
    """Restore the snapshot, if there is a whole one; else start at the journal's begin.

    Raises DataError if the journal does not reach to the snapshot.
    """
    journal, snapshot = directory / JOURNAL_NAME, directory / SNAPSHOT_NAME
    payload = b""
    with suppress(DataError, FileNotFoundError):
        payload = next((found for found, _ in records(snapshot)), b"")
    if not payload:
        return Position(), 0
    place, refused = about_packed(payload)
    size = journal.stat().st_size if journal.exists() else 0
    if size < place[0]:
        raise DataError(
            f"{journal} is damaged: it has {size:,} bytes, of at least {place[0]:,} that were answered.",
            fix=f"Restore it; `rm {snapshot}` goes on with what stands there, and loses the rest.",
        )
    restore(live, payload)
    return Position(*place), refused
