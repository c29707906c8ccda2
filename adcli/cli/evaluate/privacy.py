"""`evaluate rates --private`: its options, and the account of what was spent on each input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from adcli.cli.inputs import numbers, pairs
from adcli.cli.option_rules import Excludes, Needs, option_group
from adcli.cli.run import Run
from adcli.errors import UsageError
from adcli.files import write_whole

PANEL = "Privacy"
LEDGER_SUFFIX = ".privacy.json"


@option_group(PANEL)
class Privacy:
    """What makes a table fit for publishing."""

    private: Annotated[float | None, Needs("metric"), Excludes("compare", "trend", "funnel")] = typer.Option(
        None,
        min=1e-3,
        metavar="EPSILON",
        help="Differential privacy of each user, with noise; INPUT.privacy.json sums what was spent.",
    )
    max_rows_per_user: Annotated[int, Needs("private")] = typer.Option(
        10, min=1, help="Most rows of a user that count."
    )
    clip: Annotated[list[str], Needs("private")] = typer.Option(
        [],
        metavar="SUM=AMOUNT",
        help="Most cost or revenue of a row that counts, such as revenue=100; repeat.",
    )
    group: Annotated[list[str], Needs("private")] = typer.Option(
        [], metavar="COLUMN=VALUE", help="A group of --by to show, which the data may not name; repeat."
    )
    privacy_budget: Annotated[float | None, Needs("private")] = typer.Option(
        None, min=1e-3, help="Refuse to spend more than this on an input in all."
    )

    def clips(self) -> dict[str, float]:
        """The most of each sum of money. Raises UsageError if one is no amount above 0 of cost or revenue."""
        found = numbers(self.clip, "--clip")
        for name, value in found.items():
            if name not in ("cost", "revenue") or not 0 < value < float("inf"):
                raise UsageError(f"--clip {name}={value:g}: expected cost or revenue and an amount above 0.")
        return found

    def groups(self) -> dict[str, list[str]]:
        """The groups to show by column."""
        found: dict[str, list[str]] = {}
        for name, value in pairs(self.group, "--group"):
            found.setdefault(name, []).append(value)
        return found


def spend(run: Run, epsilon: float, budget: float | None) -> None:
    """Add epsilon to the account of each input before anything of it is shown.

    Raises UsageError if an input is no file to keep an account of, or its account would exceed the budget.
    """
    import fcntl

    for path in [Path(record.path) for record in run.input_records()]:
        if not path.is_file():
            raise UsageError("--private keeps account of what was spent beside its input; give it a file.")
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once spend twice
            _spend(run, path, epsilon, budget)


def _spend(run: Run, path: Path, epsilon: float, budget: float | None) -> None:
    ledger = path.with_name(path.name + LEDGER_SUFFIX)
    releases = _releases(ledger)
    spent = sum(float(str(one["epsilon"])) for one in releases) + epsilon
    if budget is not None and spent > budget:
        raise UsageError(
            f"{path} would have {spent:g} of epsilon spent on it, above --privacy-budget {budget:g}.",
            fix=f"{ledger} lists what was spent.",
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = {"epsilon": spent, "releases": [*releases, {"epsilon": epsilon, "time": now}]}
    write_whole(ledger, json.dumps(kept, indent=2).encode() + b"\n")
    run.note(f"epsilon {epsilon:g} spent on {path}, {spent:g} in all ({ledger.name}).")


def _releases(ledger: Path) -> list[Mapping[str, object]]:
    """What was spent before."""
    if not ledger.exists():
        return []
    try:
        kept = json.loads(ledger.read_bytes())
        releases: list[Mapping[str, object]] = kept["releases"]
        if not all(float(str(one["epsilon"])) > 0 for one in releases):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{ledger} is no account of what was spent.", fix="Mend it by hand; what it said still counts."
        ) from None
    return releases
