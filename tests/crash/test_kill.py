"""A killed run leaves the old file or none, never a half one."""

import gzip
import hashlib
import os
import random
import shutil
import time

import models
import polars as pl
import pytest

from adcli.files import directory_sha256

KILLS = int(os.environ.get("ADCLI_KILLS", "3"))


def write_log(folder, rows):
    """An impressions log big enough that the command is killed while it works."""
    draw = random.Random(5)
    lines = ["event_time,user_id,item_id,placement,click,propensity"]
    lines += [
        f"2024-01-01 {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.{i:06},u{i % 997},i{draw.randrange(8)},"
        f"{'home' if i % 3 else 'cart'},{int(draw.random() < 0.05)},0.125"
        for i in range(rows)
    ]
    path = folder / "log.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n", 1))
    return path


def write_products(folder):
    path = folder / "products.csv"
    pl.DataFrame(
        {
            "item_id": [f"p{i}" for i in range(8)],
            "title": [f"{['Blue', 'Red', 'Green'][i % 3]} cotton shirt {i}" for i in range(8)],
            "description": ["A soft shirt of pure cotton with two pockets."] * 8,
        }
    ).write_csv(path)
    return path


@pytest.fixture
def run_until(tmp_path, warm_commands):
    """Run a command, and kill it if it has not ended by then."""

    def run(command, seconds):
        running = warm_commands.start(
            command, tmp_path, {**os.environ, "ADCLI_CACHE": str(tmp_path / "cache")}
        )
        if running.wait(seconds) is None:
            running.kill()

    return run


def digest(path):
    """What a file or directory holds, or None where there is none."""
    if path.is_dir():
        return directory_sha256(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def put(saved, path):
    """Make `path` a copy of what was saved, or nothing."""
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    if saved is not None:
        shutil.copytree(saved, path) if saved.is_dir() else shutil.copy(saved, path)


COMMANDS = {
    "clean": (["clean", "log.csv.gz", "-o", "out.parquet", "--rejects", "rejects.csv"], ["out.parquet", "rejects.csv"]),
    "attribute": (
        ["clean", "log.csv.gz", "--table", "events", "--set", "event_type=purchase", "--attribute", "decay",
         "--impressions", "log.csv.gz", "-o", "out.parquet", "--rejects", "rejects.csv"],
        ["out.parquet", "rejects.csv"],
    ),
    "embed": (["embed", "products.csv", "-o", "out.parquet", "--no-cache"], ["out.parquet"]),
    "generate": (
        ["generate", "products.csv", "-n", "1", "--candidates", "2", "--model", "llama", "--judge", "bert", "-o", "out.jsonl"],
        ["out.jsonl"],
    ),
    "optimize": (["optimize", "policy", "log.csv.gz", "-o", "out"], ["out"]),
    "apply": (["optimize", "apply", "policy", "log.csv.gz", "-o", "out.parquet"], ["out.parquet"]),
    "rates": (
        ["evaluate", "rates", "log.csv.gz", "--by", "placement", "-o", "out.csv", "--report", "page.html"],
        ["out.csv", "page.html"],
    ),
    "ab": (
        ["evaluate", "ab", "log.csv.gz", "--unit", "event_time", "--variant", "placement", "--metric", "click", "-o", "out.csv",
         "--report", "page.html"],
        ["out.csv", "page.html"],
    ),
    "policy": (
        ["evaluate", "policy", "uniform", "log.csv.gz", "-o", "out.ndjson", "--report", "page.html"],
        ["out.ndjson", "page.html"],
    ),
}  # fmt: skip
BEFORE = {"apply": ["optimize", "policy", "log.csv.gz", "-o", "policy"]}
"""What must have run before a command."""


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_sigkill_leaves_the_old_output_or_none_or_the_whole(tmp_path, run_until, name):
    write_log(tmp_path, 60_000 if name == "clean" else 6_000)
    write_products(tmp_path)
    if name in BEFORE:
        run_until(BEFORE[name], 300)
    if name == "generate":
        models.tiny_llama(tmp_path / "llama", positions=1024)
        models.tiny_bert(tmp_path / "bert")
    command, outputs = COMMANDS[name]
    other = [*command, "--seed", "1"]  # an earlier run, whose outputs are not those of the run that is killed
    run_until(other, 300)
    old = tmp_path / "old"
    old.mkdir()
    files = [name for output in outputs for name in (output, f"{output}.meta.json")]
    for file in files:
        put(tmp_path / file, old / file)
    started = time.monotonic()
    run_until(command, 300)
    took = time.monotonic() - started
    whole = {output: digest(tmp_path / output) for output in outputs}
    assert None not in whole.values(), "the command itself fails"

    seen = {"whole": 0, "old": 0, "none": 0}
    for point in range(KILLS):
        is_replacing = point % 2 == 1
        for file in files:
            put(old / file if is_replacing else None, tmp_path / file)
        run_until(command, took * (0.2 + 0.85 * point / KILLS))
        for output in outputs:
            found = digest(tmp_path / output)
            allowed = {whole[output]: "whole", digest(old / output): "old", None: "none"}
            assert found in allowed, f"{output} is half, killed at point {point} of {KILLS}"
            seen[allowed[found]] += 1
    assert seen["old"] + seen["none"], "no kill came before the end"

    run_until(command, 300)
    assert digest(tmp_path / outputs[0]) == whole[outputs[0]]
    left = [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".tmp")]
    assert not left, "the next run sweeps what killed runs left"
