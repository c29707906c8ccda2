"""`adcli optimize stream`."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from adcli.cli.command import command
from adcli.cli.run import Run, TablelessRun
from adcli.errors import AdcliError, DataError, UsageError

if TYPE_CHECKING:
    from adcli.optimize.stream.state import State

READ_AT_ONCE = 1 << 18
LONGEST_LINE = 1 << 24
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
INTERRUPTED, TERMINATED = 130, 143


@command
def stream(
    run: TablelessRun,
    state: Path = typer.Option(metavar="DIR", help="Directory of what was decided and learned."),
    policy: Path | None = typer.Argument(
        None, metavar="POLICY", help="Directory of `adcli optimize policy`.", show_default=False
    ),
    exploration: Literal["squarecb", "thompson", "epsilon-greedy"] = typer.Option(
        "squarecb", help="How actions other than the best are tried."
    ),
    exploration_cost: float = typer.Option(
        0.02, min=0.0001, max=1.0, help="Most reward that squarecb gives up, as a share."
    ),
    epsilon: float = typer.Option(
        0.02, min=0.0, max=1.0, help="Exploration rate: share of choices made uniformly."
    ),
    half_life: int = typer.Option(
        0, min=0, help="Decisions after which what was learned counts half.", show_default="never"
    ),
    reward_window: int = typer.Option(
        1_000_000,
        min=1,
        help="Decisions after which one without a reward counts as 0; later rewards are refused.",
    ),
    prior_weight: float = typer.Option(10.0, min=0.01, help="Rewards that the offline policy counts for."),
    max_reward: float | None = typer.Option(
        None,
        min=0.0,
        help="Largest reward; a line with more is refused.",
        show_default="1 for clicks, else 1e6",
    ),
    bidder: Path | None = typer.Option(
        None, metavar="DIR", help="Bid as this directory of `adcli optimize bids` says."
    ),
    durable: Literal["process", "power"] = typer.Option(
        "process", help="What answers survive: the end of the process, or of the machine's power as well."
    ),
    show: bool = typer.Option(False, "--show", help="Print what the state holds as a JSON object."),
    export: bool = typer.Option(
        False, "--export", help="Write the decisions with their rewards, as impressions."
    ),
) -> None:
    """Decide for requests on standard input, and go on learning from their rewards.

    Each line is a JSON object. A request is answered with a decision, in the order asked:

    \b
      {"id": "r1", "context": {"hour": 9, "segment": "s3"}, "eligible": ["a", "b"]}
      -> {"id": "r1", "item_id": "a", "propensity": 0.93}
      {"id": "r1", "reward": 1, "cost": 0.2}        once; "replace": true takes another one instead
      {"budget": 1000, "decisions": 50000}          to last for so many decisions, or until it is spent;
                                                    "cost": 0.5 keeps so much for each until its reward
      {"rules": {"eligible": ["a", "b"], "exclude": ["c"], "caps": {"a": 1000}, "floor": 0.02}}

    A line that cannot be used is answered with {"id": ..., "error": ...} and changes nothing. An answer is
    written after its block is in the journal of --state, from which the same command goes on.

    \b
    Examples:
      adcli optimize stream policy --state live < requests.ndjson > decisions.ndjson
      adcli optimize stream --state live --show
      adcli optimize stream --state live --export -o impressions.parquet
    """
    if show or export:
        _read(run, state, export=export)
        return
    if policy is None:
        raise UsageError("POLICY is missing.", fix="See adcli optimize stream --help.")
    if run.output is not None:
        raise UsageError("Decisions go to standard output; -o is for --export.")
    from adcli.optimize.stream.exploration import Settings
    from adcli.optimize.stream.prior import RATES
    from adcli.optimize.stream.state import State, begin
    from adcli.policies.store import read_description

    reward = read_description(run.learned(policy)).get("reward", "click")
    most = max_reward if max_reward is not None else 1.0 if reward in RATES else 1e6
    begin(
        state,
        policy,
        bidder,
        Settings(
            exploration, exploration_cost, epsilon, half_life, reward_window, prior_weight, most, run.seed
        ),
    )
    opened = State(state, durable)
    run.until_end(opened)
    if said := opened.live.offline.constraints.said:
        run.note(said)
    _serve(run, opened)


def _read(run: Run, state: Path, *, export: bool) -> None:
    """Show or export a state, which another process may be writing to."""
    from adcli.optimize.stream.show import described
    from adcli.optimize.stream.state import live_policy_of, read_state
    from adcli.optimize.stream.table import decisions_of

    live = live_policy_of(state)
    position, refused = read_state(state, live)
    reward, is_zero = live.offline.reward, export and not live.bidding
    window = live.settings.reward_window if is_zero else float("inf")
    made = decisions_of(state, live.names.columns, reward, window)
    if not export:
        run.count(live.decisions.size, 0)
        sys.stdout.write(described(state, live, position.offset, refused, made))
        return
    impressions = made.drop_nulls(reward)
    if waiting := made.height - impressions.height:
        run.note(f"{waiting:,} decisions without a reward so far are left out.")
    run.count(live.decisions.size, live.decisions.size - impressions.height)
    run.write(impressions)


def _serve(run: Run, state: State) -> None:
    """Answer what comes until it ends, or this process is asked to."""
    gc.set_threshold(100_000)  # what lines leave behind has no circles, and decisions are many to look at
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    read, refused = 0, state.refused
    try:
        for lines in _blocks():
            read += len(lines)
            _tell(state.answer(lines), state.directory)
            run.count(read, state.refused - refused)
    except KeyboardInterrupt:
        stop = SystemExit(INTERRUPTED)
        stop.add_note(f"what was answered is kept in {state.directory}")
        raise stop from None
    finally:
        state.save()


def _tell(answers: bytes, directory: Path) -> None:
    """Write answers to standard output. Raises AdcliError if it cannot be written."""
    left = memoryview(answers)
    try:
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AdcliError(
            f"Standard output cannot be written: {error.strerror}. What was decided is kept in {directory}.",
            fix="Send the lines without an answer again.",
        ) from error


def _blocks() -> Iterator[list[bytes]]:
    """The lines that are there to read, again and again; the last may lack its end.

    A signal ends waiting in `select`; a read goes on where polars has put its handler in place of ours.
    """
    rest, source, is_first = b"", sys.stdin.fileno(), True
    while select.select([source], [], [])[0] and (chunk := os.read(source, READ_AT_ONCE)):
        *lines, rest = (rest + chunk.removeprefix(BYTE_ORDER_MARK * is_first)).split(b"\n")
        is_first = False
        if len(rest) > LONGEST_LINE:
            raise DataError(f"Standard input has a line of more than {LONGEST_LINE:,} bytes.")
        if lines := [line for line in lines if line.strip()]:
            yield lines
    if rest.strip():
        yield [rest]
