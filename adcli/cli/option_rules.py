"""When an option has an effect: said beside the option, and checked before a command does anything.

    looks: Annotated[int, typer.Option(...), Needs("plan")] = 1

A group of options as a parameter may carry rules too; they then hold for each of its options.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, ParameterInfo

from adcli.cli.targets import is_stream

Names = Mapping[str, str]  # from parameters to options: `daily_units` to `--daily-units`
Group = TypeVar("Group")


class OptionRule:
    """What an option must have beside it, or be, to have an effect."""

    def __init__(self, *words: str) -> None:
        self.parameters = words

    def broken(self, option: str, values: Mapping[str, object], names: Names) -> str:
        """What is wrong, as a sentence; an empty string if nothing is.

        `option`: the parameter's name, it was given on the command line; `values`: of all parameters;
        `names`: the options' names on the command line.
        """
        raise NotImplementedError


class Needs(OptionRule):
    """The option has an effect only where one of these parameters is given."""

    def broken(self, option: str, values: Mapping[str, object], names: Names) -> str:
        """What is wrong, as a sentence; an empty string if nothing is."""
        if any(values[name] for name in self.parameters):
            return ""
        return (
            f"{names[option]} has no effect without {' or '.join(names[name] for name in self.parameters)}."
        )


class Excludes(OptionRule):
    """The option has no effect where one of these parameters is given."""

    def broken(self, option: str, values: Mapping[str, object], names: Names) -> str:
        """What is wrong, as a sentence; an empty string if nothing is."""
        given = next((name for name in self.parameters if values[name]), None)
        return f"{names[option]} has no effect with {names[given]}." if given else ""


class Suffix(OptionRule):
    """The option names a file whose name ends in one of these, or a stream of whatever name."""

    def broken(self, option: str, values: Mapping[str, object], names: Names) -> str:
        """What is wrong, as a sentence; an empty string if nothing is."""
        name = str(values[option])
        if name.lower().endswith(self.parameters) or is_stream(Path(name)):
            return ""
        return f"{names[option]} {values[option]}: expected a name that ends in {self.parameters[0]}."


def naming_option(sentence: str, values: Mapping[str, object], names: Names) -> str:
    """A sentence that begins with the one option whose value it quotes, where it names none itself.

    A column that an option such as `--variant` maps is that option's, and not one of `--map`.
    """
    for name, given in values.items():
        if sentence.startswith(mapped := f"--map {name}={given}:"):
            return f"{names[name]} {given}:{sentence.removeprefix(mapped)}"
    if "--" in sentence:
        return sentence
    quoting = [
        name
        for name, given in values.items()
        if name in names
        and any(f"'{value}'" in sentence for value in (given if isinstance(given, list) else [given]))
    ]
    return f"{names[quoting[0]]}: {sentence}" if len(quoting) == 1 else sentence


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


OPTIONS: Final[dict[type, tuple[Declared, ...]]] = {}  # the options of each group


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
