"""A snapshot of a live policy between two blocks: its numbers as safetensors, so that a restart is short."""

from __future__ import annotations

import json
from collections import Counter
from operator import attrgetter
from typing import Any

import numpy as np
import orjson

from adcli.optimize.stream.live_policy import LivePolicy

LEARNED = ("products", "targets", "theta", "moments", "clocks")
ARRAYS = (
    "rules.decided",
    "rewards.drift.sums",
    "rewards.drift.seen",
    "spending.heard",
    "spending.open",
    *(f"rewards.learner.{name}" for name in LEARNED),
)
NUMBERS = ("lines", "next_solution", "contexts.unknown_keys", "rewards.drifts", "rewards.last_drift")


def packed(live: LivePolicy, about: Any) -> bytes:
    """Where a policy stands, with what is `about` it, as JSON has it."""
    from safetensors.numpy import save

    plain = {path: attrgetter(path)(live) for path in NUMBERS}
    plain["spending"] = {name: own for name, own in vars(live.spending).items() if type(own) is float}
    plain |= {"size": live.decisions.size, "rules": live.rules.given, "new": list(live.rewards.new.items())}
    seen = np.frombuffer(orjson.dumps(live.rules.seen, option=orjson.OPT_NON_STR_KEYS), dtype=np.uint8)
    arrays = {path: attrgetter(path)(live) for path in ARRAYS} | live.decisions.tensors() | {"seen": seen}
    arrays |= live.bidding.tensors() if live.bidding else {}
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(whole, metadata={"plain": json.dumps(plain), "about": json.dumps(about)}))


def about_packed(payload: bytes) -> Any:
    """What a snapshot is said to be about."""
    return json.loads(_metadata(payload)["about"])


def restore(live: LivePolicy, payload: bytes) -> None:
    """Bring a policy that is at its beginning to where it stood."""
    from safetensors.numpy import load

    arrays, plain = load(payload), json.loads(_metadata(payload)["plain"])
    values = {path: plain[path] for path in NUMBERS} | {path: arrays[path].copy() for path in ARRAYS}
    for path, value in values.items():
        *owner, name = path.split(".")
        setattr(attrgetter(".".join(owner))(live) if owner else live, name, value)
    vars(live.spending).update(plain["spending"])
    live.decisions.restore(arrays, plain["size"])
    live.rewards.new = {row: (reward, cost) for row, (reward, cost) in plain["new"]}
    seen = orjson.loads(arrays["seen"].tobytes())
    for user, own in seen.items():
        live.rules.seen[user] = Counter({int(one): n for one, n in own.items()})
    if live.bidding:
        live.bidding.restore(arrays)
    live.rules.restore(plain["rules"])
    live.look()


def _metadata(payload: bytes) -> dict[str, str]:
    size = int.from_bytes(payload[:8], "little")
    found: dict[str, str] = json.loads(payload[8 : 8 + size])["__metadata__"]
    return found
