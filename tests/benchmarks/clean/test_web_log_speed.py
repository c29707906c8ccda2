"""Lines of a combined access log: read, typed and checked, beside a loop over `re` (which types nothing) and the package apachelogs."""

import re
import time

import numpy as np
import pytest

from adcli.tables.read import open_table

pytestmark = pytest.mark.benchmark
LINES = 400_000
PEER_LINES = 20_000
PATTERN = re.compile(r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\S+) "([^"]*)" "([^"]*)"$')


def write_log(path):
    rng = np.random.default_rng(0)
    agents = [
        f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{n}.0 Safari/537.36" for n in range(90)
    ]
    with path.open("w") as file:
        for line in range(LINES):
            ip, page, size = rng.integers(0, 255), rng.integers(0, 9999), rng.integers(100, 99_999)
            file.write(
                f"192.0.2.{ip} - - [17/May/2024:{line // 3600 % 24:02}:{line // 60 % 60:02}:{line % 60:02} +0000] "
                f'"GET /products/item-{page}?utm_source=ad HTTP/1.1" 200 {size} "https://www.example.com/" "{agents[line % 90]}"\n'
            )
        file.write("cut sho\n")


def rate(lines, run):
    """Lines a CPU second."""
    begin = time.process_time()
    run()
    return lines / (time.process_time() - begin)


def test_a_log_is_read_faster_than_by_apachelogs(tmp_path):
    path = tmp_path / "access.log"
    write_log(path)
    lines = path.read_text().splitlines()

    def ours():
        stream = open_table([str(path)], tables=["events"])
        assert sum(batch.rejects.height for batch in stream.batches()) == 1

    def loop():
        assert sum(PATTERN.match(line) is None for line in path.read_text().splitlines()) == 1

    rates = {"adcli": rate(LINES, ours), "re": rate(LINES, loop)}
    try:
        from apachelogs import COMBINED, LogParser

        parser = LogParser(COMBINED)
        rates["apachelogs"] = rate(PEER_LINES, lambda: [parser.parse(line) for line in lines[:PEER_LINES]])
    except ImportError:
        pass
    print(
        "".join(
            f"\n{name:10s} {value:12,.0f} lines a CPU second  adcli {rates['adcli'] / value:6.2f} x"
            for name, value in rates.items()
        )
    )
    assert rates["adcli"] > 12 * rates.get("apachelogs", 0)  # the goal is 40 times
    assert rates["adcli"] > 0.4 * rates["re"]  # the goal is twice its lines
