"""Addresses keep their network and lose their host."""

import polars as pl

from adcli.privacy.addresses import truncated_addresses


def test_hosts_go_and_networks_stay():
    cut = {
        "192.168.3.77": "192.168.3.0",
        "2001:db8:85a3:8d3::7334": "2001:db8:85a3::",
        "::ffff:192.0.2.9": "192.0.2.0",
        " 10.0.0.1": "10.0.0.0",
        "anna@example.org": None,
        "10.0.0.1, 10.0.0.2": None,
        None: None,
    }
    assert truncated_addresses(pl.Series(list(cut))).to_list() == list(cut.values())
