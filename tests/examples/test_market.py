"""The market of our bidders: budgets hold, the search finds what is left on the table, and the example runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "market"


@pytest.fixture
def market(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import market

    yield market
    sys.modules.pop("market")
    sys.modules.pop("deviate", None)


def test_the_highest_able_bid_wins_at_the_next_price_within_its_budget(market):
    class Fixed:
        step = market.STEP

        def __init__(self, rate):
            self.rate, self.paid, self.won = rate, 0.0, 0

        def bid(self, requests, state):
            return self.rate * requests.pctr

        def observe(self, requests, outcome):
            self.paid += outcome.paid.sum()
            self.won += int(outcome.won.sum())

    bidders = [Fixed(200.0), Fixed(100.0)]
    pctr = np.full((2, 60), 0.02)
    won = market.play(bidders, pctr, np.array([20.0, 1_000.0]))
    assert bidders[0].paid == pytest.approx(20.0)  # ten auctions at the other's 2
    assert bidders[0].won == 10
    assert bidders[1].won == 50
    assert bidders[1].paid == pytest.approx(50 * market.FLOOR)  # the other has nothing left
    assert won == pytest.approx([0.2, 1.0])


def test_the_gain_from_deviating_is_printed_with_its_interval(tmp_path):
    small = ["AUCTIONS=400", "DAYS=3", "SEARCH_DAYS=1", f"OUT={tmp_path}"]
    command = [
        "make",
        "-C",
        str(EXAMPLE),
        *small,
        f"ADCLI={sys.executable} -m adcli",
        f"PYTHON={sys.executable}",
    ]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLE.parents[1])}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=environment)
    assert done.stdout.count("the best response gains") == 4
    gains = json.loads((tmp_path / "gains.json").read_text())
    for one in gains.values():
        assert one["gain_low"] <= one["gain"] <= one["gain_high"]
        assert one["gain"] < 0.2
