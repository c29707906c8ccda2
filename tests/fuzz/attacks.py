"""What was tried, and what gave way: `python tests/fuzz/attacks.py 3000 300 300 100000`.

Damaged inputs of new seeds through all commands that need no model; tiny ones through cleaning, every row of
which is to be accounted for; kills at each step by which the files of a run
take their names; texts that mean something to a shell, a spreadsheet, a browser or a file system, wherever a text
can stand.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_malformed import FORMATS, mutated, table

from adcli.clean.pipeline import clean_stream
from adcli.clean.rules import RULES, RuleCheck
from adcli.cli.app import app
from adcli.cli.clean import CLEANED
from adcli.cli.clean_behaviour import Behaviour, routes_for
from adcli.cli.commands import run_program
from adcli.cli.options import Writing
from adcli.cli.outputs import RunOutputs
from adcli.errors import AdcliError, DataError
from adcli.files import directory_sha256, manifest_path
from adcli.tables.manifest import verify
from adcli.tables.read import open_table

HARMLESS = {0, 2, 3, 4}
HANGS = 300  # seconds for a hundred tiny files
COMMANDS = (
    "clean", "clean --bots flag --sessions", "evaluate rates", "evaluate rates --by placement --report page.html",
    "evaluate ab --metric click", "evaluate policy uniform", "evaluate uplift", "evaluate model", "evaluate ads",
    "evaluate bids", "optimize policy -o learned", "optimize forecast", "optimize bids -o learned", "evaluate embeddings",
)  # fmt: skip
PAYLOADS = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><svg/onload=alert(1)>", "{{7*7}}", "${7*7}",
    "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1", "-1+1", "../../../escaped", "/escaped", "..\\\\..\\\\escaped", "$(touch escaped)",
    "`touch escaped`", "; touch escaped", "| touch escaped", "%s%s%n", "\x1b[31mred\x1b]0;title\x07", "\u202egnp.exe", "__import__('os').system('touch escaped')",
    "javascript:alert(1)", "' OR 1=1 --", "{0.__class__}", "\\N{BEL}", "-o", "--config", "~/escaped", "file:///etc/passwd", "a\nb", "a\rb",
)  # fmt: skip
Attack = Callable[[int], Iterator[str]]


def called(words: list[str]) -> tuple[int, str]:
    """The exit code of a command in this process, and what it said."""
    said, shown = io.StringIO(), io.TextIOWrapper(io.BytesIO(), "utf-8")
    argv, sys.argv = sys.argv, ["adcli", *words]
    stdout = os.dup(1)
    with tempfile.TemporaryFile() as away:
        os.dup2(away.fileno(), 1)
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
                shown.fileno = lambda: 1  # type: ignore[method-assign]
                code = run_program(app)
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
            sys.argv = argv
    return code, said.getvalue()


def gave_way(code: int, said: str) -> str:
    """What is wrong with how a command ended; empty where nothing is."""
    if code not in HARMLESS or "adcli itself" in said or "Traceback" in said or "\x1b" in said:
        return f"exit code {code}: {said[-300:]}"
    return ""


def impressions(chance: random.Random, text: str = "i") -> pl.DataFrame:
    rows = 60
    return pl.DataFrame(
        {
            "event_time": [f"2024-01-{1 + i % 28:02} 10:{i % 60:02}:00.{i:06}" for i in range(rows)],
            "user_id": [f"u{i % 30}" for i in range(rows)],
            "item_id": [f"{text}{i % 2}" for i in range(rows)],
            "variant": ["A", "B"] * (rows // 2),
            "placement": [chance.choice(["home", text]) for _ in range(rows)],
            "click": [chance.randrange(2) for _ in range(rows)],
            "propensity": [0.5] * rows,
            "revenue": [chance.randrange(500) / 100 for _ in range(rows)],
        }
    )


def fuzzed(amount: int) -> Iterator[str]:
    """Damaged inputs, each through one of the commands."""
    for seed in range(10_000, 10_000 + amount):
        chance = random.Random(seed)
        form = chance.choice([name for name in FORMATS if name != "access log"])
        content = mutated(FORMATS[form](impressions(chance)), chance)
        Path("input").write_bytes(content)
        words = chance.choice(COMMANDS).split()
        yield gave_way(
            *called(
                [*words[:2], "input", *words[2:]] if words[0] != "clean" else ["clean", "input", *words[1:]]
            )
        ) and (f"seed {seed}, {form}, {' '.join(words)}")


def cleaned(amount: int) -> Iterator[str]:
    """Tiny damaged inputs through all that cleaning does, but its options and outputs."""
    spill = Path("spill")
    for seed in range(amount):
        chance = random.Random(seed)
        form = chance.choice(list(FORMATS))
        Path("input").write_bytes(mutated(FORMATS[form](table(chance, (1, 3, 8))), chance))
        if seed % 100 == 0:
            faulthandler.dump_traceback_later(HANGS, exit=True)
        try:
            wrong = unaccounted(spill)
        except AdcliError as error:
            wrong = "an error of several lines" if "\n" in str(error) else ""
        except (Exception, pl.exceptions.PanicException):  # noqa: BLE001 - what must not happen
            wrong = traceback.format_exc()[-700:]
        shutil.rmtree(spill, ignore_errors=True)
        yield wrong and f"seed {seed}, {form}: {wrong}"
    faulthandler.cancel_dump_traceback_later()


def unaccounted(spill: Path) -> str:
    """What became of more or fewer rows of `input` than were read; empty where each is written or rejected."""
    stream = open_table(["input"], tables=CLEANED)
    routes = routes_for(stream, Behaviour())
    rules = RuleCheck(list(RULES), now=datetime(2026, 1, 1, tzinfo=UTC), standard=stream.table.names)
    rejects: list[pl.DataFrame] = []
    spill.mkdir()
    frames = clean_stream(stream, spill=spill, routes=routes, rules=rules, reject=rejects.append)
    written = sum(frame.height for frame in frames)
    told = sum(frame.height for frame in rejects)
    if (stream.rows_read, stream.rows_rejected) == (written + told, told):
        return ""
    return (
        f"{stream.rows_read} read, {written} written, {told} told as rejected, {stream.rows_rejected} counted"
    )


def write_run(content: str, *, is_learned: bool) -> None:
    """The outputs of one run, as a command writes them."""
    outputs = RunOutputs(
        Writing(Path("learned") if is_learned else Path("out.csv")), None, [Path("page.html")]
    )
    if is_learned:
        folder = outputs.directory()
        for name in ("policy.json", "policy.safetensors"):
            (folder / name).write_text(content * 100)
    else:
        outputs.attach(
            Path("out.csv"), content.encode() * 100
        )  # without polars, whose threads a fork has not
    outputs.attach(Path("page.html"), content.encode() * 100)
    outputs.commit(
        0,
        lambda path, size, rows, sha256: {
            "output": {"path": str(path), "bytes": size, "rows": rows, "sha256": sha256}
        },
    )


def killed(amount: int) -> Iterator[str]:
    """Kills at each step in which files take their names; the old files or the new, and a reader can tell."""
    kills = 0
    for point in count():
        if kills == amount:
            return
        is_learned = point % 2 == 0
        result = Path("learned" if is_learned else "out.csv")
        for name in ("learned", "out.csv", "page.html"):
            shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink(missing_ok=True)
            manifest_path(Path(name)).unlink(missing_ok=True)
        write_run("old", is_learned=is_learned)
        old = digest_of(result)
        pid = os.fork()
        if pid == 0:
            die_after(1 + point // 2 % 40)
            write_run("new", is_learned=is_learned)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) == 0:  # it had fewer steps
            continue
        kills += 1
        found = digest_of(result)
        is_told = False
        try:
            verify(result)
        except DataError:
            is_told = True
        write_run("new", is_learned=is_learned)
        new = digest_of(result)
        left = [entry.name for entry in Path().iterdir() if re.search(r"adcli-.*\.(tmp|old)$", entry.name)]
        if found not in {old, new} and not (found == "" and not is_learned):
            yield f"kill {point}: {result} is neither old nor new"
        elif is_told and not is_learned:
            yield f"kill {point}: the manifest of {result} is another's"
        elif left:
            yield f"kill {point}: {left} is left"
        else:
            yield ""


def digest_of(path: Path) -> str:
    if path.is_dir():
        return directory_sha256(path)
    return path.read_bytes().hex() if path.exists() else ""


def die_after(steps: int) -> None:
    """End this process by SIGKILL at the given step that touches a file."""
    left = [steps]

    def watch(event: str, _: object) -> None:
        if event in {
            "open",
            "os.rename",
            "os.remove",
            "os.mkdir",
            "os.rmdir",
            "os.chmod",
            "os.scandir",
            "ctypes.dlsym",
        }:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def injected(amount: int) -> Iterator[str]:
    """Texts with a meaning elsewhere, in data, column names, options, file names and configuration."""
    for number in range(amount):
        text = PAYLOADS[number % len(PAYLOADS)]
        chance = random.Random(number)
        frame = impressions(chance, text)
        if number // len(PAYLOADS) % 10 == 1:
            frame = frame.rename({"placement": text})
        frame.write_csv("input.csv")
        quoted = (
            text.replace("\\", "\\\\")
            .replace('"', '\\"')
            .encode("unicode_escape")
            .decode()
            .replace("\\\\", "\\")
        )
        Path("adcli.toml").write_text(f'[evaluate.rates]\nby = ["{quoted}"]\n', "utf-8")
        words = {
            0: ["evaluate", "rates", "input.csv", "--by", "placement", "--compare", "--report", "page.html", "-o", "out.csv"],
            1: ["evaluate", "rates", "input.csv", "--by", text, "--report", "page.html"],
            2: ["evaluate", "ab", "input.csv", "--metric", "click", "--variant", "placement", "--report", "page.html"],
            3: ["optimize", "policy", "input.csv", "-o", "learned", "--report", "page.html"],
            4: ["evaluate", "policy", "uniform", "input.csv", "--report", "page.html"],
            5: ["clean", "input.csv", "--map", f"user_id={text}"],
            6: ["evaluate", "rates", "input.csv", "--config", "adcli.toml"],
            7: ["evaluate", "ab", "input.csv", "--metric", text, "--report", "page.html"],
            8: ["clean", f"{text}.csv"],
            9: ["evaluate", "policy", text, "input.csv", "--segment", text],
        }[number // len(PAYLOADS) % 10]  # fmt: skip
        Path("page.html").unlink(missing_ok=True)
        wrong = gave_way(*called(words))
        page = Path("page.html").read_text("utf-8") if Path("page.html").exists() else ""
        if re.search(r"<script>alert|<img src=x|<svg/onload|href=\"javascript", page):
            wrong = "the page holds it as it is"
        if [*Path().rglob("escaped*"), *Path("/").glob("escaped*"), *Path("..").glob("escaped*")]:
            wrong = "a file outside was made"
        yield wrong and f"{text!r} in {' '.join(words[:3])}: {wrong}"


ATTACKS: dict[str, Attack] = {
    "damaged inputs, all commands without a model": fuzzed,
    "kills while files take their names": killed,
    "injected texts, names, options, configuration": injected,
    "tiny damaged inputs through cleaning": cleaned,
}


def tried(attack: Attack, amount: int) -> list[str]:
    """What gave way, of so many attempts in a folder of their own."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return [failure for failure in attack(amount) if failure]
        finally:
            os.chdir(before)


if __name__ == "__main__":
    print("| attack | tried | failed |\n|---|---|---|")
    failures: list[str] = []
    for (name, attack), given in zip(ATTACKS.items(), sys.argv[1:], strict=True):
        failed = tried(attack, int(given))
        print(f"| {name} | {int(given):,} | {len(failed)} |", flush=True)
        failures += failed
    print(*failures, sep="\n")
