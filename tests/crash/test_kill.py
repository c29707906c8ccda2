"""A killed run leaves the old file or none, never a half one."""

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

KILLS = int(os.environ.get("ADCLI_KILLS", "5"))


def write_log(folder, rows=60_000):
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


def complete(path):
    """The digest that the manifest promises, and the file's own."""
    manifest = json.loads((path.parent / f"{path.name}.meta.json").read_text())
    return manifest["output"]["sha256"], hashlib.sha256(path.read_bytes()).hexdigest()


def run_until(command, folder, seconds):
    process = subprocess.Popen(
        [sys.executable, "-m", "adcli", *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


COMMANDS = {
    "clean": ["clean", "log.csv.gz", "-o", "out.parquet", "--rejects", "rejects.csv"],
    "rates": [
        "evaluate",
        "rates",
        "log.csv.gz",
        "--by",
        "placement",
        "-o",
        "out.csv",
        "--report",
        "page.html",
    ],
    "policy": ["optimize", "policy", "log.csv.gz", "-o", "out"],
    "embed": ["embed", "products.csv", "-o", "out.parquet"],
    "generate": ["generate", "products.csv", "-n", "1", "--candidates", "2", "-o", "out.jsonl"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_sigkill_leaves_no_half_file(tmp_path, name):
    write_log(tmp_path)
    write_products(tmp_path)
    command = COMMANDS[name]
    output = tmp_path / command[command.index("-o") + 1]

    started = time.monotonic()
    run_until(command, tmp_path, 300)
    took = time.monotonic() - started
    assert output.exists(), "the command itself fails"

    outcomes = {"whole": 0, "none": 0}
    for point in range(KILLS):
        for entry in tmp_path.iterdir():
            if entry.name.startswith(("out", "rejects", "page")) and entry.is_file():
                entry.unlink()
        run_until(command, tmp_path, took * (0.3 + 0.75 * point / KILLS))
        if output.is_dir():
            assert json.loads((output / "policy.json").read_text())
            outcomes["whole"] += 1
        elif output.exists():
            if (tmp_path / f"{output.name}.meta.json").exists():
                promised, found = complete(output)
                assert promised == found
            assert output.stat().st_size > 0
            outcomes["whole"] += 1
        else:
            outcomes["none"] += 1

    run_until(command, tmp_path, 300)
    assert output.exists()
    left = [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".tmp")]
    assert not left, "the next run sweeps what killed runs left"
