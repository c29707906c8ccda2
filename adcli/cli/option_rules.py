"""When an option has an effect: said beside the option, and checked before a command does anything.

    looks: Annotated[int, typer.Option(...), Needs("plan")] = 1

A group of options as a parameter may carry rules too; they then hold for each of its options.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adcli.cli.targets import is_stream

Names = Mapping[str, str]  # from parameters to options: `daily_units` to `--daily-units`


class OptionRule:
    """What an option must have beside it, or be, to have an effect."""

    def __init__(self, *words: str) -> None:
        self.parameters = words

    def broken(self, option: str, values: Mapping[str, object], names: Names) -> str:
        """What is wrong, as a sentence; an empty string if nothing is.

        Args:
            option: The parameter's name; it was given on the command line.
            values: Of all parameters.
            names: The options' names on the command line.
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
