"""`--erase`: rows of users who asked to be forgotten are left out, and what learned from them is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.errors import UsageError
from adcli.stores import local

if TYPE_CHECKING:
    from adcli.privacy.erasure import Erasure

PANEL = "Privacy"
Erase = Annotated[
    Path | None,
    typer.Option(
        help="Leave out the rows of these users, one raw user id a line; pseudonyms are found by --key-file."
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="Secret keys of pseudonyms, one a line: the last makes them, those before find earlier ones."
    ),
]


@option_group(PANEL)
class Erasing:
    """Users to be forgotten."""

    erase: Erase = None
    key_file: Annotated[KeyFile, Needs("erase")] = None


def erasing(run: Run, path: Path | None, key_file: Path | None) -> Erasure | None:
    """Leave out the users of a list from all that the run reads."""
    if path is None:
        return None
    from adcli.privacy.erasure import Erasure
    from adcli.privacy.keys import read_keys

    erasure = Erasure(local(path), read_keys(key_file) if key_file else [])
    run.leave_out(erasure)
    return erasure


def require_users(erasure: Erasure | None, names: Iterable[str]) -> None:
    """Make sure that the input tells whose its rows are; else UsageError."""
    from adcli.privacy.erasure import user_column

    if erasure is not None and user_column(names) is None:
        raise UsageError("--erase: the input has no user_id.", fix="Name it: --map user_id=COLUMN.")


def tell_erased(run: Run, erasure: Erasure | None) -> None:
    """Say how many rows were left out, name what was made of them before, and put it into the manifest."""
    if erasure is None:
        return
    from adcli.tables.lineage import made_of

    held = {name for name, rows in erasure.rows.items() if rows}
    records = [record for record in run.input_records() if record.path in held]
    folders = {Path.cwd(), *(Path(record.path).resolve().parent for record in records)}
    if run.output is not None:
        folders.add(run.output.resolve().parent)
    made = made_of([record.sha256 for record in records], folders)
    models, tables = ([_shown(one.path) for one in made if one.is_learned == kind] for kind in (True, False))
    rows = erasure.rows.total()
    run.facts["erased"] = {
        "users": erasure.users, "rows": rows, "learned_from_them": models, "made_of_them": tables
    }  # fmt: skip
    run.note(f"--erase: {rows:,} rows of {erasure.users:,} users left out.")
    if models:
        run.warn(f"learned from their rows too: {', '.join(models)}. Learn them again.")
    if tables:
        run.warn(f"made of their rows too: {', '.join(tables)}. Make them again.")


def _shown(path: Path) -> str:
    """A path as the user would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
