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
from copy import copy
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo

from adcli.cli.option_rules import OptionRule, naming_option
from adcli.cli.options import Common, Reading, Reporting, Writing
from adcli.cli.run import Run, TablelessRun
from adcli.errors import AdcliError
from adcli.stores import shown, url_of

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
_RUNS: dict[Any, tuple[type, ...]] = {Run: (Reading, Writing, Common), TablelessRun: (Writing, Common)}
_WRITTEN = frozenset({"output", "rejects", "report", "plots", "track_dir"})


def command(body: Callable[..., None]) -> Callable[..., None]:
    """A Typer command from a function that takes a `run: Run`.

    `run` stands for the groups `Reading` (unless it reads no table), `Writing` and `Common`; any other
    parameter whose type is a group of options (a dataclass such as `Models`) stands for its fields. Errors
    of adcli become one sentence and their exit code; an interrupt 130; a closed pipe 141, silently.
    """
    name = body.__module__.removeprefix("adcli.cli.").replace(".", " ")
    annotated = get_type_hints(body, include_extras=True)
    hints = {parameter: _group(hint) or hint for parameter, hint in annotated.items()}
    groups: dict[str, tuple[type, ...]] = {
        parameter: _RUNS.get(hint, (hint,))
        for parameter, hint in hints.items()
        if hint in _RUNS or (is_dataclass(hint) and isinstance(hint, type))
    }

    positional = {parameter for parameter, hint in annotated.items() if _is_argument(hint)}

    @functools.wraps(body)
    def wrapper(**values: Any) -> None:
        arguments = {key: value for key, value in values.items() if key in hints}
        built = {parameter: [_take(group, values) for group in kinds] for parameter, kinds in groups.items()}
        run = None
        reports = [group.report for (group, *_) in built.values() if isinstance(group, Reporting)]
        pages = [page for page in reports if page is not None]
        for parameter, (first, *others) in built.items():
            if hints[parameter] in _RUNS:
                run = hints[parameter](name, first, *others, attachments=pages, reads=_read_by(values))
                arguments[parameter] = run
            else:
                arguments[parameter] = first
        if run is None:
            raise TypeError(f"{name} takes no run")
        try:
            _execute(run, lambda: body(**arguments))
        except AdcliError as error:
            names = {key: f"--{key.replace('_', '-')}" for key in values if key not in positional}
            _say(run, naming_option(str(error), values, names))
            raise typer.Exit(error.exit_code) from None

    wrapper.option_rules = _option_rules(annotated, groups)  # type: ignore[attr-defined]
    signature = _flattened(body, hints, groups)
    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    wrapper.__annotations__ = {key: value.annotation for key, value in signature.parameters.items()}
    return wrapper


def _group(hint: Any) -> type | None:
    """The group of options that a parameter's annotation names, rules beside it or not."""
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return kind if isinstance(kind, type) and (is_dataclass(kind) or kind in _RUNS) else None


def _is_argument(hint: Any) -> bool:
    """Whether a parameter is an argument of its place, and no option."""
    return any(isinstance(part, ArgumentInfo) for part in getattr(hint, "__metadata__", ()))


def _option_rules(
    hints: dict[str, Any], groups: dict[str, tuple[type, ...]]
) -> dict[str, tuple[OptionRule, ...]]:
    """The rules of each option, those of its group among them."""
    found = {}
    for name, hint in hints.items():
        for group in groups.get(name, ()):
            fields_of = get_type_hints(group, include_extras=True)
            found.update({field: _rules(hint) + _rules(kind) for field, kind in fields_of.items()})
        if name not in groups:
            found[name] = _rules(hint)
    return {name: rules for name, rules in found.items() if rules}


def _rules(hint: Any) -> tuple[OptionRule, ...]:
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return tuple(note for note in notes if hasattr(note, "broken"))


def _take(group: type, values: dict[str, Any]) -> Any:
    return group(**{field.name: values[field.name] for field in fields(group)})


def _read_by(values: dict[str, Any]) -> Iterator[Path]:
    """The files and model directories that options name; inputs are known once globs are resolved."""
    for name, value in values.items():
        if name in _WRITTEN or not isinstance(value, str | Path) or not value:
            continue
        path = Path(value)
        with suppress(OSError, ValueError):  # the value is no path
            if url_of(path) or path.is_file() or (path / "config.json").is_file():
                yield path


def _flattened(
    body: Callable[..., None], hints: dict[str, Any], groups: dict[str, tuple[type, ...]]
) -> inspect.Signature:
    parameters: list[inspect.Parameter] = []
    shared: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(body).parameters.items():
        if name not in groups:
            parameters.append(
                parameter.replace(annotation=_brief(hints[name]), kind=inspect.Parameter.KEYWORD_ONLY)
            )
            continue
        for group in groups[name]:
            shared.extend(_options_of(group))
    return inspect.Signature(parameters + shared)


def _options_of(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=[] if field.default is MISSING else field.default,
            annotation=_brief(hints[field.name]),
        )
        for field in fields(group)
    ]


def _brief(hint: Any) -> Any:
    """An option's annotation, of which help names the environment variable only where it has a short one.

    The others are all called ADCLI_COMMAND_OPTION, which the program's help says once.
    """
    if get_origin(hint) is not Annotated:
        return hint
    kind, *notes = get_args(hint)
    shown = [copy(note) for note in notes if not hasattr(note, "broken")]
    for note in shown:
        note.show_envvar = bool(note.envvar)
    return Annotated[kind, *shown]


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
