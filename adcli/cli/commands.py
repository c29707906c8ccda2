"""How commands parse and explain themselves: options in panels, none without effect, one style of error."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from adcli.cli.console import Console
from adcli.cli.option_rules import OptionRule
from adcli.errors import AdcliError, UsageError, did_you_mean

if TYPE_CHECKING:
    from typer._click.formatting import HelpFormatter

PROGRAM = "adcli"  # however it was started
MAIN_PANEL = "What to do"
LAST_PANELS = ("Input", "Output", "Models", "General")  # shared by commands, in this order, after its own
INTERRUPTED = 1
PLAIN_TYPES = {
    "<list[str]>": "TEXT", "<str>": "TEXT", "<path>": "PATH", "<int range>": "N", "<int>": "N",
    "<float range>": "NUMBER", "<float>": "NUMBER", "<list[int]>": "N", "<list[int range]>": "N",
    "<list[float]>": "NUMBER", "<list[path]>": "PATH",
}  # fmt: skip
EXPECTED = (
    (re.compile("Input should be a valid integer.*"), "expected a whole number"),
    (re.compile("Input should be a valid number.*"), "expected a number"),
    (re.compile("Input should be less than or equal to "), "expected at most "),
    (re.compile("Input should be greater than or equal to "), "expected at least "),
    (re.compile("Value error, "), ""),
)
"""How a parser's words for a value that an option cannot take are said to people."""


class Command(TyperCommand):
    """A command that says so where an option has no effect, and shows its options in panels."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; an option that takes one value may be given once."""
        if not args and not ctx.resilient_parsing and sys.stdin is not None and sys.stdin.isatty():
            raise UsageError(f"{self._question(ctx)}\n\nNo input: name files, or pipe something in.")
        if not ctx.resilient_parsing:
            self._check_repeats(ctx, args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            self._check_rules(ctx)
        return rest

    def format_options(self, ctx: Any, formatter: HelpFormatter) -> None:
        """Arguments and options by panel: the command's own first, those that commands share last."""
        panels: dict[str, list[tuple[str, str]]] = {MAIN_PANEL: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            panel = getattr(parameter, "rich_help_panel", None)
            panel = "General" if parameter.name == "help" else panel or MAIN_PANEL
            if record is not None:
                panels.setdefault(panel, []).append((_with_plain_types(record[0]), record[1]))
        own = [panel for panel in panels if panel not in LAST_PANELS]
        for panel in (*own, *LAST_PANELS):
            if panels.get(panel):
                with formatter.section(panel):
                    formatter.write_dl(panels[panel])

    def _question(self, ctx: Any) -> str:
        """What the command answers, and how it is asked."""
        examples = (self.help or "").partition("Examples:")[2].rstrip()
        return f"{ctx.command_path}: {self.short_help or (self.help or '').splitlines()[0]}\n{examples}"

    def _check_repeats(self, ctx: Any, args: list[str]) -> None:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, count in Counter(order).items():
            if not isinstance(parameter, TyperOption) or parameter.multiple or parameter.is_flag:
                continue
            if count > 1:
                raise UsageError(
                    f"{_option(parameter)} was given {count} times and takes one value.", fix="Give it once."
                )

    def _check_rules(self, ctx: Any) -> None:
        rules: dict[str, tuple[OptionRule, ...]] = getattr(self.callback, "option_rules", {})
        names = {parameter.name: _option(parameter) for parameter in self.params}
        given = [name for name in rules if ctx.get_parameter_source(name).name == "COMMANDLINE"]
        for option, rule in ((name, rule) for name in given for rule in rules[name]):
            if sentence := rule.broken(option, ctx.params, names):
                raise UsageError(
                    sentence, fix=f"Leave {names[option]} out, or see {ctx.command_path} --help."
                )


class Commands(typer.Typer):
    """A group of `Command`s."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a command."""
        return super().command(name, **{"cls": Command, **settings})


def run_program(app: typer.Typer) -> int:
    """Run the program; its exit code. What is wrong with the command line is said as all errors are."""
    from typer._click.exceptions import ClickException, NoArgsIsHelpError

    try:
        return int(app(prog_name=PROGRAM, standalone_mode=False) or 0)
    except NoArgsIsHelpError as wanted:
        wanted.show()
        return wanted.exit_code
    except ClickException as error:
        Console().error(_said(error))
        return error.exit_code
    except AdcliError as error:
        Console().error(str(error))
        return error.exit_code
    except typer.Abort:
        return INTERRUPTED


def _said(error: Any) -> str:
    """An error of the command line in one or two sentences, with the command whose help says more."""
    context = getattr(error, "ctx", None)
    name = getattr(error, "option_name", None)
    sentence: str = error.format_message()
    if (parameter := getattr(error, "param", None)) is not None and error.message:
        sentence = f"{_option(parameter)}: {_expected(error.message)}"
    sentence = sentence if sentence.endswith("?") else sentence.rstrip(".") + "."
    if context is None:
        return sentence
    if name is not None and type(error).__name__ == "NoSuchOption":
        known = [option for parameter in context.command.params for option in parameter.opts]
        sentence = f"There is no option {name}. {did_you_mean(name, known)}".rstrip()
    if sentence.endswith("?"):
        return sentence
    return f"{sentence} See {context.command_path} --help."


def _expected(message: str) -> str:
    for pattern, plain in EXPECTED:
        message = pattern.sub(plain, message)
    return message


def _with_plain_types(declared: str) -> str:
    """An option's left column with the types that people know: `--seed N` for `--seed <int range>`."""
    for type_name, plain in PLAIN_TYPES.items():
        declared = declared.replace(type_name, plain)
    return declared.removesuffix(" TEXT") if declared.isupper() else declared


def _option(parameter: Any) -> str:
    """The name of an option as it is given: the long one."""
    return (
        str(max(parameter.opts, key=len))
        if isinstance(parameter, TyperOption)
        else str(parameter.name).upper()
    )


def all_commands(app: typer.Typer) -> Iterable[tuple[tuple[str, ...], Command]]:
    """Each command with the words that call it."""

    def below(command: Any, words: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], Command]]:
        if isinstance(command, TyperGroup):
            for name, child in command.commands.items():
                yield from below(child, (*words, name))
        else:
            yield words, command

    yield from below(typer.main.get_command(app), ())
