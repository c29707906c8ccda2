"""`--config FILE`: a TOML file with a table of defaults per command (`[clean]`, `[evaluate.rates]`)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import cast

import typer

from adcli.errors import did_you_mean


def load_defaults(context: typer.Context, path: Path | None) -> Path | None:
    """Take the command's table of a configuration file as its defaults; flags and environment go before it.

    Raises:
        typer.BadParameter: If the file cannot be read or names an option that the command has not.
    """
    if path is None:
        return None
    command = _command_of(context)
    tables = _tables_of(path)
    _check_names(path, tables, context.find_root().command)
    table = _table_of(tables, command)
    known = {
        parameter.name
        for parameter in context.command.params
        if parameter.name not in (None, "config", "help")
    }
    defaults = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise typer.BadParameter(
                f"{path}: [{'.'.join(command)}] has no option '{key}'. "
                f"{did_you_mean(name, [n for n in known if n])}".rstrip()
            )
        defaults[name] = value
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def _command_of(context: typer.Context) -> list[str]:
    """The words of a command after `adcli`: `["evaluate", "rates"]`."""
    names = []
    while context.parent is not None:
        names.append(str(context.info_name))
        context = cast("typer.Context", context.parent)
    return names[::-1]


def _tables_of(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as handle:
            return tomllib.load(handle)
    except FileNotFoundError:
        raise typer.BadParameter(f"{path}: no such file.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{path}: {error}.") from None


def _check_names(path: Path, tables: dict[str, object], group: object, above: str = "") -> None:
    """Make sure that each table of the file is a command's: a misspelt one would do nothing, silently."""
    commands: dict[str, object] = getattr(group, "commands", {})
    for name, table in tables.items() if commands else ():
        if not isinstance(table, dict):
            raise typer.BadParameter(
                f"{path}: '{name}' stands outside the table of a command, such as [{above}{min(commands)}]."
            )
        if name not in commands:
            close = did_you_mean(name, commands)
            raise typer.BadParameter(
                f"{path}: [{above}{name}] is not the table of a command. {close}".rstrip()
            )
        _check_names(path, table, commands[name], f"{above}{name}.")


def _table_of(tables: dict[str, object], command: list[str]) -> dict[str, object]:
    table: object = tables
    for name in command:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    return (
        {key: value for key, value in table.items() if not isinstance(value, dict)}
        if isinstance(table, dict)
        else {}
    )
