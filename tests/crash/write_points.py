"""SIGKILL at each point at which cleaning writes, and at random times: `python tests/crash/write_points.py 500`.

A point is a file opened for writing, renamed, removed, or a folder made or removed. After each kill every output is
as before, absent or whole; the next run leaves what a run that was never killed leaves.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from adcli.cli.app import app
from adcli.cli.commands import run_program

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate"}
BEHAVIOUR = "--table events --set event_type=purchase --set price=2"
COMMANDS = {
    "features": f"clean log.csv {BEHAVIOUR} --sessions --bots flag --anomalies flag --features --report page.html "
    "--repeat-window 1 --rejects rejects.csv -o out.parquet",
    "attribute": f"clean log.csv {BEHAVIOUR} --attribute decay --impressions shown.csv --rejects rejects.csv -o out.csv",
    "near-duplicates": "clean products.csv --near-duplicates .8 --report page.html -o out.ndjson",
}
INPUTS = ("log.csv", "shown.csv", "products.csv")


def write_inputs() -> None:
    """A log and products, of a few thousand rows."""
    chance = random.Random(5)
    lines = ["event_time,user_id,item_id"]
    lines += [
        f"2024-01-01 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}.5,u{i % 97},i{chance.randrange(8)}"
        for i in range(5_000)
    ]
    Path("log.csv").write_text("\n".join([*lines, "never,u1,i1"]) + "\n")
    shown = [line.replace(".5,", ".0,") for line in lines[1:]]
    Path("shown.csv").write_text("\n".join(["event_time,user_id,ad_id", *shown]) + "\n")
    colours = ["Blue", "Red", "Green"]
    lines = [f"p{i},{colours[i % 3]} cotton shirt with {i % 7} pockets and buttons" for i in range(500)]
    Path("products.csv").write_text("\n".join(["item_id,title", *lines]) + "\n")


def started(words: str, point: int = 0, counter: Path | None = None) -> int:
    """The process of a command in a fork, which ends itself at a point, or counts its points into a file."""
    pid = os.fork()
    if pid:
        return pid
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    seen = [0]
    folder = str(Path.cwd())

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if (is_write or event in CHANGES) and str(Path(str(arguments[0])).absolute()).startswith(folder):
            seen[0] += 1
            if seen[0] == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    sys.argv = ["adcli", *words.split()]
    code = run_program(app)
    if counter is not None:
        counter.write_text(str(seen[0]))
    os._exit(code)


def ended(pid: int, seconds: float | None = None) -> int:
    """The exit code of a process, killed when so many seconds are over."""
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def contents() -> dict[str, str]:
    """The digest of each output; of manifests only whether they are there, since they hold times."""
    names = [path for path in Path().iterdir() if path.name not in INPUTS]
    return {
        path.name: ""
        if path.name.endswith(".meta.json") or path.is_dir()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in names
    }


def emptied() -> None:
    for path in Path().iterdir():
        if path.name not in INPUTS and path.is_file():
            path.unlink()


def torn(whole: dict[str, str]) -> list[str]:
    """The outputs that are neither absent nor whole."""
    return [name for name, digest in contents().items() if name in whole and digest != whole[name]]


def kills(words: str, times: int, points: int | None, seed: int) -> Iterator[str]:
    """What was wrong after each kill; empty where nothing was."""
    counter = Path(tempfile.gettempdir()) / f"points-{os.getpid()}"
    begin = time.monotonic()
    assert ended(started(words, counter=counter)) == 0
    took, whole = time.monotonic() - begin, contents()
    chance = random.Random(seed)
    all_points = range(1, int(counter.read_text()) + 1)
    counter.unlink()
    some = all_points if points is None else chance.sample(all_points, min(points, len(all_points)))
    for point in some:
        if point % 2:
            emptied()
        ended(started(words, point))
        yield f"point {point}: {found}" if (found := torn(whole)) else ""
    for _ in range(times):
        if chance.random() < 0.5:
            emptied()
        moment = chance.uniform(0, took)
        ended(started(words), moment)
        yield f"{moment:.3f} s: {found}" if (found := torn(whole)) else ""
    emptied()
    assert ended(started(words)) == 0
    yield "" if contents() == whole else f"the next run leaves {sorted(set(contents()) ^ set(whole))}"


def main(times: int, points: int | None = None, seed: int = 0) -> list[str]:
    """Try all commands, say what was tried and return what was wrong."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_inputs()
        for name, words in COMMANDS.items():
            emptied()
            found = list(kills(words, times // len(COMMANDS), points, seed))
            wrong += [f"{name}: {one}" for one in found if one]
            print(f"{name}: {len(found) - 1} kills, {sum(map(bool, found))} wrong", flush=True)
        os.chdir("/")
    return wrong


if __name__ == "__main__":
    told = main(*map(int, sys.argv[1:]))
    print(*told, sep="\n")
    sys.exit(bool(told))
