"""Truncated addresses: the network stays, the host goes."""

from __future__ import annotations

import ipaddress
from typing import Final

import polars as pl

_NETWORK: Final = {4: 24, 6: 48}


def truncated_addresses(values: pl.Series) -> pl.Series:
    """(n,) IPv4 addresses to their /24, IPv6 to their /48; what is no address becomes null."""
    distinct = values.cast(pl.String).unique().drop_nulls()
    cut = pl.Series([_truncated(text) for text in distinct.to_list()], dtype=pl.String)
    return values.cast(pl.String).replace_strict(distinct, cut, default=None)


def _truncated(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    network = ipaddress.ip_network((address.packed, _NETWORK[address.version]), strict=False)
    return str(network.network_address)
