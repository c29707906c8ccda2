"""The Typer application: five commands, and what the whole program answers to."""

from __future__ import annotations

import _thread
import os
import sys
import threading

import typer

from adcli import __version__
from adcli.cli.clean import clean
from adcli.cli.commands import Commands, run_program
from adcli.cli.console import Console
from adcli.cli.embed import embed
from adcli.cli.evaluate import app as evaluate_app
from adcli.cli.generate import generate
from adcli.cli.optimize import app as optimize_app

_EPILOG = (
    "Each option can be given as ADCLI_COMMAND_OPTION in the environment, or in the file of --config. "
    "Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 bad data, 4 a gate was not met, "
    "130 interrupted, 141 closed pipe."
)

app = Commands(
    name="adcli",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for body, in_short in (
    (clean, "Turn raw logs into a standard table."),
    (embed, "Turn products, reviews, queries and shoppers into vectors."),
    (generate, "Write honest ads from product texts."),
):
    environment = {"auto_envvar_prefix": f"ADCLI_{body.__name__.upper()}"}  # not for --version and its like
    app.command(short_help=in_short, context_settings=environment)(body)
for group, name in ((optimize_app, "optimize"), (evaluate_app, "evaluate")):
    app.add_typer(group, name=name, context_settings={"auto_envvar_prefix": f"ADCLI_{name.upper()}"})


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    from adcli.tables.manifest import versions

    found = versions()
    found.pop("adcli", None)
    typer.echo(f"adcli {__version__}")
    typer.echo(", ".join(f"{name} {version}" for name, version in found.items()))
    raise typer.Exit


@app.callback()
def adcli(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show versions and exit."
    ),
) -> None:
    """Turn an online shop's raw logs into a tested advertising policy.

    clean -> embed -> generate -> optimize -> evaluate: each step reads files and writes files,
    works alone, and pipes into the next.
    """


def _fail_in_passing(failure: sys.UnraisableHookArgs) -> None:
    """What fails while an object is thrown away: a Ctrl-C is passed on, the rest is for `--debug`.

    Such failures follow another that ends the run and is reported: a writer's file that is gone, for one.
    """
    if isinstance(failure.exc_value, KeyboardInterrupt):
        threading.Timer(0.01, _thread.interrupt_main).start()  # once this hook is done, which it would hit
    elif "--debug" in sys.argv:
        sys.__unraisablehook__(failure)


def main() -> None:
    """Run the program; end quietly where a pipe closed, with a sentence where help cannot be written."""
    sys.unraisablehook = _fail_in_passing
    try:
        sys.exit(run_program(app))
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again
        if not isinstance(error, BrokenPipeError):
            Console().error(f"{error.strerror}: standard output cannot be written.")
            sys.exit(1)
        sys.exit(141)
