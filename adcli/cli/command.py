"""One mechanism for all commands: shared options in, a `Run` built, errors turned into exit codes."""

from __future__ import annotations

import functools
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

import typer

from adcli.cli.option_rules import OPTIONS, Declared, declared, naming_option, rules_in, without_notes
from adcli.cli.options import Common, Reading, Writing
from adcli.cli.run import Run, TablelessRun
from adcli.errors import AdcliError
from adcli.stores import shown, url_of

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
_RUNS: dict[Any, tuple[type, ...]] = {Run: (Reading, Writing, Common), TablelessRun: (Writing, Common)}
_WRITTEN = frozenset({"output", "rejects", "report", "review", "plots", "track_dir"})


def command(body: Callable[..., None]) -> Callable[..., None]:
    """A Typer command from a function that takes a `run: Run`.

    `run` stands for the groups `Reading` (unless it reads no table), `Writing` and `Common`; any other
    parameter whose type is a group of options (such as `Models`) stands for its fields. Errors of adcli
    become one sentence and their exit code; an interrupt 130; a closed pipe 141, silently.
    """
    name = body.__module__.removeprefix("adcli.cli.").replace(".", " ")
    hints = get_type_hints(body, include_extras=True)
    groups: dict[str, tuple[Any, tuple[type, ...]]] = {}
    own: list[Declared] = []
    shared: list[Declared] = []
    for parameter in inspect.signature(body).parameters.values():
        kind, notes = without_notes(hints[parameter.name])
        if kinds := _RUNS.get(kind, (kind,) * (kind in OPTIONS)):
            groups[parameter.name] = kind, kinds
            shared += [
                one._replace(rules=rules_in(notes) + one.rules) for each in kinds for one in OPTIONS[each]
            ]
        else:
            own.append(declared(parameter.name, hints[parameter.name], parameter.default))

    @functools.wraps(body)
    def wrapper(**values: Any) -> None:
        arguments = {one.name: values[one.name] for one in own}
        run = None
        for parameter, (kind, kinds) in groups.items():
            first, *others = (each(**{one.name: values[one.name] for one in OPTIONS[each]}) for each in kinds)
            if kind in _RUNS:
                pages = [values[name] for name in ("report", "review") if values.get(name)]
                first = run = kind(name, first, *others, attachments=pages, reads=_read_by(values))
            arguments[parameter] = first
        if run is None:
            raise TypeError(f"{name} takes no run")
        try:
            _execute(run, lambda: body(**arguments))
        except AdcliError as error:
            names = {one.name: f"--{one.name.replace('_', '-')}" for one in options if not one.is_argument}
            _say(run, naming_option(str(error), values, names))
            raise typer.Exit(error.exit_code) from None

    options = [*own, *shared]
    wrapper.option_rules = {one.name: one.rules for one in options if one.rules}  # type: ignore[attr-defined]
    wrapper.__signature__ = inspect.Signature([one.parameter for one in options])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {one.name: one.parameter.annotation for one in options}
    return wrapper


def _read_by(values: dict[str, Any]) -> Iterator[Path]:
    """The files and model directories that options name; inputs are known once globs are resolved."""
    for name, value in values.items():
        if name in _WRITTEN or not isinstance(value, str | Path) or not value:
            continue
        path = Path(value)
        with suppress(OSError, ValueError):  # the value is no path
            if url_of(path) or path.is_file() or (path / "config.json").is_file():
                yield path


def _execute(run: Run, body: Callable[[], None]) -> None:
    """Run a command's body and end the process as the contract says."""
    try:
        if _has_helped():
            return
        with run.console.progress(run.command):
            body()
        run.finish()
        sys.stdout.flush()
    except BrokenPipeError:
        run.abandon()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(EXIT_PIPE_CLOSED) from None
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the tidying up is short, and is finished
        run.abandon()
        raise typer.Exit(EXIT_INTERRUPTED) from None  # said where the run began
    except (AdcliError, typer.Exit, typer.BadParameter, SystemExit):
        run.abandon()
        raise
    except OSError as error:
        run.abandon()
        where = f": {error.filename}" if error.filename else ""
        _say(run, f"{error.strerror or error}{where}.")
        raise typer.Exit(EXIT_FAILED) from None
    except MemoryError:
        run.abandon()
        _say(run, "there is not enough memory for this input.")
        raise typer.Exit(EXIT_FAILED) from None
    except BaseException as error:  # noqa: BLE001 - a panic of Rust is no Exception; the one place where a defect of ours ends as a sentence
        run.abandon()
        _say(
            run,
            f"adcli itself failed ({type(error).__name__}: {error}). Run it again with --debug to see where.",
        )
        raise typer.Exit(EXIT_FAILED) from None


def _has_helped() -> bool:
    """Whether a launcher started this process to compute for the first one, which it has done by now."""
    if "WORLD_SIZE" not in os.environ:
        return False
    from adcli.core.processes.rendezvous import join

    return join()


def _say(run: Run, sentence: str) -> None:
    if run.debug:
        sys.stderr.write(shown(run.console.redact(traceback.format_exc())))
    run.console.error(sentence)
