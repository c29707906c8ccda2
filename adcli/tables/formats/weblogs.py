"""Access logs of Apache, nginx and Amazon's load balancers (ALB) as page views.

Those of Apache and nginx in the common and combined form, with or without the virtual host, or in the
format that the server is told.

Each line becomes a row with `event_time`, `user_id` (the client's address: an access log knows no better),
`method`, `url`, `protocol`, `status`, `bytes`, `referrer`, `user_agent` and `ip`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import IntArray, RawBatch, Rejects, blocks, shown
from adcli.tables.formats.log_format import LogPattern, log_pattern

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_COMMON = rf" \S+ (.+?) \[([^\]]+)\] {_QUOTED} (\d{{3}}|-) (\d+|-)"
_COMBINED = rf"{_COMMON} {_QUOTED} {_QUOTED}(?: (?:[^\s\"]+|\"(?:[^\"\\]|\\.)*\"))*"
_PROXIES = r"(?:, ?[^\s,]+)*"  # in X-Forwarded-For, after the client
_CLIENT = rf"([^\s,]+){_PROXIES}"
_CLIENT_AFTER_HOST = rf"[\w.-]+(?::\d+)? (\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]+){_PROXIES}"
_PATTERNS = {
    "combined access log with virtual host": f"^{_CLIENT_AFTER_HOST}{_COMBINED}$",
    "common access log with virtual host": f"^{_CLIENT_AFTER_HOST}{_COMMON}$",
    "combined access log": f"^{_CLIENT}{_COMBINED}$",
    "common access log": f"^{_CLIENT}{_COMMON}$",
}
_ALB = "load balancer log (ALB)"
_PATTERNS[_ALB] = (
    r"^(?:https?|h2|grpcs?|wss?) (\S+) \S+ (\S+):\d+ \S+ \S+ \S+ \S+ (\d{3}|-) \S+ \d+ (\d+) "
    rf"{_QUOTED} {_QUOTED} .*$"
)
_WITHOUT_REFERRER = ("common access log with virtual host", "common access log", _ALB)
_NAMES = ["ip", "remote_user", "event_time", "request", "status", "bytes", "referrer", "user_agent"]
_NAMES_OF_ALB = ["event_time", "ip", "status", "bytes", "request", "user_agent"]
_REQUEST = r"^([A-Z]{3,10}) (\S.*?)(?: (HTTP/\d(?:\.\d)?))?$"
_PARTS = ("request", "path", "query_string", "forwarded")  # of what some formats say in pieces
_LOOKED_AT = 50

COLUMNS = (
    "event_time", "user_id", "method", "url", "protocol", "status", "bytes", "referrer", "user_agent", "ip",
)  # fmt: skip


def log_form(lines: list[str]) -> str | None:
    """The form, such as `combined access log`, that most of the first lines have."""
    looked_at = [line for line in lines[:_LOOKED_AT] if line.strip()]
    for form, pattern in _PATTERNS.items():
        fitting = sum(re.search(pattern, line.rstrip("\r")) is not None for line in looked_at)
        if 2 * fitting > len(looked_at):
            return form
    return None


def has_referrers(form: str) -> bool:
    """Whether the lines of a form say where a visit came from."""
    if form in _PATTERNS or form == "":
        return form not in _WITHOUT_REFERRER
    return "referrer" in _pattern(form).names


def _pattern(form: str) -> LogPattern:
    """How lines of a form are read, which is one that is known or a server's own."""
    if form not in _PATTERNS:
        return log_pattern(form)
    return LogPattern(_PATTERNS[form], _NAMES_OF_ALB if form == _ALB else _NAMES)


def read_log(below: Reader, form: str) -> Iterator[RawBatch]:
    """The requests of an access log, batch by batch; a line of another form is rejected.

    Args:
        below: Its text.
        form: One that `log_form` finds, or a format as `log_format` reads it.
    """
    pattern = _pattern(form)
    what = form if form in _PATTERNS else "log in this format"
    for block in blocks(below):
        raws = block.data.split(b"\n")
        text = pl.Series("line", [shown(line).rstrip("\r") for line in raws], pl.String)
        found = text.str.extract_groups(pattern.regex).struct.unnest()
        fits = found.to_series(0).is_not_null() & ~text.str.contains("\0", literal=True)
        is_blank = text.str.strip_chars() == ""
        bad = np.flatnonzero((~fits & ~is_blank).to_numpy())
        why = f"not a line of a {what}"
        block.rejects.extend(
            (block.first_line + bad).tolist(), [why] * len(bad), [shown(raws[i]) for i in bad]
        )
        rows = np.flatnonzero((fits & ~is_blank).to_numpy())
        yield _batch(
            found.filter(fits & ~is_blank), pattern.names, rows, raws, block.first_line, block.rejects
        )


def _batch(
    found: pl.DataFrame,
    names: list[str],
    rows: IntArray,
    raws: list[bytes],
    first_line: int,
    rejects: Rejects,
) -> RawBatch:
    named = found.rename(dict(zip(found.columns, names, strict=False)))
    missing = [name for name in (*COLUMNS, *_PARTS) if name not in named.columns]
    named = named.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    request = pl.col("request").str.extract_groups(_REQUEST).struct
    path = pl.concat_str("path", pl.col("query_string").str.replace(r"^\??(.+)$", "?${1}"), ignore_nulls=True)
    forwarded = pl.col("forwarded").replace("-", None).str.extract(r"^([^\s,]+)")
    frame = named.with_columns(
        ip=pl.coalesce(forwarded, "ip"),
        method=pl.coalesce("method", request.field("1")),
        url=pl.coalesce("url", request.field("2"), pl.when(pl.col("path").is_not_null()).then(path)),
        protocol=pl.coalesce("protocol", request.field("3")),
    ).with_columns(user_id="ip")
    frame = frame.select(COLUMNS)
    frame = frame.with_columns(pl.all().replace("-", None)).with_columns(
        pl.col("status", "bytes").cast(pl.Int64, strict=False)
    )
    return RawBatch(
        frame, first_line + rows, lambda wanted: [shown(raws[row]) for row in rows[wanted]], rejects
    )
