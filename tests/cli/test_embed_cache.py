"""`adcli embed` killed, beside itself, and with a damaged cache: the same file, and nothing computed twice."""

import os
import random
import sqlite3
import time
from contextlib import closing

import pytest

PRODUCTS = 40


@pytest.fixture
def products(tmp_path):
    """Products with long descriptions, so that there is a moment to kill a run in."""
    draw = random.Random(0)
    words = [f"{a}{b}" for a in ("red", "soft", "warm", "oak", "glass") for b in ("er", "ly", "ness", "wood")]
    lines = ["item_id,title,description"]
    lines += [f"{i},mug {i},{' '.join(draw.choices(words, k=140))}" for i in range(PRODUCTS)]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def start(products, tmp_path, warm_commands):
    """Start `adcli embed` on the products beside this process, with a cache of their own."""

    def call(output):
        command = ["embed", products, "--exact", "-q", "-o", output]
        return warm_commands.start(command, tmp_path, {**os.environ, "ADCLI_CACHE": str(tmp_path / "cache")})

    return call


def write_products(tmp_path, name, rows):
    lines = "".join(f"{i},mug {name}-{i}\n" for i in range(rows))
    (tmp_path / f"{name}.csv").write_text("item_id,title\n" + lines)


def place(tmp_path):
    return tmp_path / "cache" / "vectors" / "vectors.sqlite"


def size(tmp_path):
    return place(tmp_path).stat().st_size


def kept(tmp_path):
    """Each row that was ever put into the cache."""
    if not place(tmp_path).exists():
        return 0
    with closing(sqlite3.connect(place(tmp_path))) as database:
        try:
            return database.execute("SELECT max(rowid) FROM vectors").fetchone()[0] or 0
        except sqlite3.OperationalError:  # just begun
            return 0


def reference(adcli, tmp_path):
    done = adcli("embed", "products.csv", "--exact", "--no-cache", "-o", "reference.parquet")
    assert done.returncode == 0, done.said
    return (tmp_path / "reference.parquet").read_bytes()


def test_a_killed_run_goes_on_where_it_was_and_gives_the_identical_file(adcli, start, tmp_path):
    first = start("v.parquet")
    give_up = time.monotonic() + 90
    while not kept(tmp_path) and time.monotonic() < give_up:
        assert first.wait(0.02) is None, "it ended before it kept anything"
    first.kill()
    assert not (tmp_path / "v.parquet").exists()
    before = kept(tmp_path)
    assert 0 < before < PRODUCTS
    assert start("v.parquet").wait(120) == 0
    assert kept(tmp_path) == PRODUCTS  # what was there was not computed again
    assert (tmp_path / "v.parquet").read_bytes() == reference(adcli, tmp_path)
    assert not list(tmp_path.glob(".*.tmp"))


def test_two_runs_on_one_cache_and_one_on_what_they_left_damaged(adcli, start, tmp_path):
    both = [start("a.parquet"), start("b.parquet")]
    assert [process.wait(120) for process in both] == [0, 0]
    wanted = reference(adcli, tmp_path)
    assert (tmp_path / "a.parquet").read_bytes() == wanted
    assert (tmp_path / "b.parquet").read_bytes() == wanted
    place(tmp_path).write_bytes(place(tmp_path).read_bytes()[: size(tmp_path) // 2])
    assert start("c.parquet").wait(120) == 0
    assert (tmp_path / "c.parquet").read_bytes() == wanted


def test_the_cache_keeps_to_its_limit_after_every_run(adcli, tmp_path):
    env = {"ADCLI_CACHE": str(tmp_path / "cache"), "ADCLI_CACHE_LIMIT": "0.001"}
    write_products(tmp_path, "large", 900)
    assert adcli("embed", "large.csv", "-o", "large.parquet", env=env).returncode == 0  # 1.4 MB by itself
    assert 800_000 < size(tmp_path) <= 1_000_000
    for turn in range(3):
        write_products(tmp_path, f"turn {turn}", 400)
        assert adcli("embed", f"turn {turn}.csv", "-o", f"{turn}.parquet", env=env).returncode == 0
        assert 620_000 < size(tmp_path) <= 1_000_000  # what this run made is there
    higher = {**env, "ADCLI_CACHE_LIMIT": "0.01"}
    assert adcli("embed", "large.csv", "-o", "higher.parquet", env=higher).returncode == 0
    assert size(tmp_path) > 1_400_000
    assert adcli("embed", "large.csv", "-o", "lower.parquet", env=env).returncode == 0  # all of it is there
    assert size(tmp_path) <= 1_000_000
    wanted = (tmp_path / "large.parquet").read_bytes()
    assert (tmp_path / "higher.parquet").read_bytes() == wanted == (tmp_path / "lower.parquet").read_bytes()
    assert adcli("embed", "large.csv", "--cache-limit", "0").returncode == 2
