"""Options as commands declare them, and groups of options, which a command takes as one parameter.

@option_group("Anomalies")  # the panel of the help that has them
class Anomalies:
contamination: float | None = typer.Option(None, min=0.0001, help="Share that are anomalies.")
labels: Annotated[str | None, Excludes("contamination")] = typer.Option(None, metavar="FILE")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, ParameterInfo

from adcli.cli.option_rules import OptionRule

Group = TypeVar("Group")


class Declared(NamedTuple):
    """An option or argument: how Typer takes it, what it says of it, and when it has an effect."""

    parameter: inspect.Parameter
    info: ParameterInfo
    rules: tuple[OptionRule, ...]

    @property
    def name(self) -> str:
        """The name of the parameter."""
        return self.parameter.name

    @property
    def is_argument(self) -> bool:
        """Whether it is told by its place, and no option."""
        return isinstance(self.info, ArgumentInfo)


OPTIONS: Final[dict[type, tuple[Declared, ...]]] = {}
"""The options of each group."""


def option_group(panel: str | None = None) -> Callable[[type[Group]], type[Group]]:
    """Make a frozen dataclass of a class whose fields are options, shown in one panel of the help."""

    def grouped(kind: type[Group]) -> type[Group]:
        hints = get_type_hints(kind, include_extras=True)
        options = [declared(name, hint, getattr(kind, name), panel) for name, hint in hints.items()]
        for one in options:
            given = getattr(kind, one.name)
            default = given.default if isinstance(given, ParameterInfo) else given
            setattr(kind, one.name, field(default_factory=list) if default == [] else default)
        made = dataclass(frozen=True)(kind)
        OPTIONS[made] = tuple(options)
        return made

    return grouped


def declared(name: str, hint: Any, default: Any, panel: str | None = None) -> Declared:
    """An option by its annotation and default, in either of Typer's two ways, with its rules.

    Help names the environment variable only of those that have a short one: the others are all called
    ADCLI_COMMAND_OPTION, which the program's help says once.
    """
    kind, notes = without_notes(hint)
    info = copy(next(note for note in (default, *notes) if isinstance(note, ParameterInfo)))
    info.show_envvar = bool(info.envvar)
    info.rich_help_panel = info.rich_help_panel or panel
    is_default = isinstance(default, ParameterInfo)
    parameter = inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=info if is_default else default,
        annotation=kind if is_default else Annotated[kind, info],
    )
    return Declared(parameter, info, rules_in(notes))


def without_notes(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type that an annotation names, and what it says beside it."""
    return (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())


def rules_in(notes: tuple[Any, ...]) -> tuple[OptionRule, ...]:
    """The rules among what an annotation says."""
    return tuple(note for note in notes if isinstance(note, OptionRule))
