"""Whether a terminal is ever silent for more than two seconds while a command works on real files.

Commands that take over five seconds, on the files beside the checkout where there are any. Run with -s for the
table. The first word is timed apart: much of that is Python's own start.
"""

import pytest
from terminal_watch import watch

COMMANDS = {
    "clean": ("clean", "{data}/behaviour/online_retail_uci.csv.gz", "-o", "events.parquet"),
    "profiles": (
        "embed",
        "events.parquet",
        "-o",
        "users.parquet",
        "--segments",
        "6",
        "--report",
        "users.html",
    ),
    "forecast": ("optimize", "forecast", "events.parquet", "-o", "forecast.parquet"),
    "trends": ("evaluate", "rates", "events.parquet", "--by", "country", "--by", "week", "--trend"),
    "policy": ("optimize", "policy", "{data}/bandit/obd_bts_all.csv.gz", "-o", "policy"),
    "value": (
        "evaluate",
        "policy",
        "policy",
        "{data}/bandit/obd_random_all.csv.gz",
        "--interval",
        "bootstrap",
    ),
    "bidder": (
        *("optimize", "bids", "{data}/rtb/ipinyou_auctions_dev.csv.gz", "--episode", "1000"),
        *("--budget-share", "0.03125", "-o", "bidder"),
    ),
    "bids": (
        *("evaluate", "bids", "{data}/rtb/ipinyou_auctions_dev.csv.gz", "--episode", "1000"),
        *("--budget-share", "0.03125", "--bidder", "bidder"),
    ),
    "products": (
        *("embed", "{data}/catalog/flipkart_1044_repaired.csv.gz", "-o", "products.parquet"),
        *("--segments", "8", "--report", "products.html"),
    ),
}


@pytest.mark.benchmark
def test_no_command_is_silent_for_long(tmp_path, shared_data):
    longest = 0.0
    for name, command in COMMANDS.items():
        done = watch([text.format(data=shared_data) for text in command], tmp_path)
        assert done.code == 0, done.text[-500:]
        print(f"\n{name}: {done.seconds:.1f} s, first word after {done.pieces[0][0]:.1f} s")
        for begin, end, after in done.silences():
            print(f"  silent {end - begin:.1f} s from {begin:.1f} s after '{after}'")
            longest = max(longest, (end - begin) * (begin > 0))
    assert longest <= 2.5
