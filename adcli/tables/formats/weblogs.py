"""Access logs of Apache, nginx and Amazon's load balancers (ALB) as page views.

Those of Apache and nginx in the common and combined form, with or without the virtual host, or in the
format that the server is told.

Each line becomes a row with `event_time`, `user_id` (the client's address: an access log knows no better),
`method`, `url`, `protocol`, `status`, `bytes`, `referrer`, `user_agent` and `ip`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl

from adcli.arrays import Integers
from adcli.tables.compression import Reader
from adcli.tables.formats.blocks import Block, RawBatch, blocks
from adcli.tables.formats.log_format import LogPattern, log_pattern
from adcli.tables.formats.log_lines import LineForm, LogLines, read_fields
from adcli.tables.time_texts import parse

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_COMMON = rf" \S+ (.+?) \[([^\]]+)\] {_QUOTED} (\d{{3}}|-) (\d+|-)"
_COMBINED = rf"{_COMMON} {_QUOTED} {_QUOTED}(?: (?:[^\s\"]+|\"(?:[^\"\\]|\\.)*\"))*"
_PROXIES = r"(?:, ?[^\s,]+)*"  # in X-Forwarded-For, after the client
_CLIENT = rf"([^\s,]+){_PROXIES}"
_HOST = r"[\w.-]+(?::\d+)?"
_ADDRESS = r"(\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F:.]+)"
_CLIENT_AFTER_HOST = rf"{_HOST} {_ADDRESS}{_PROXIES}"
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
_FIELDS = ["ip", "ident", "remote_user", "time", "zone", "request", "status", "bytes"]
_SHAPES = {
    "ip": r"^[^,]+$",
    "time": r"^\[",
    "zone": r"\]$",
    "status": r"^(?:\d{3}|-)$",
    "bytes": r"^(?:\d+|-)$",
}
_REQUEST = r"^([A-Z]{3,10}) (\S.*?)(?: (HTTP/\d(?:\.\d)?))?$"
_TIME, _EARLIEST, _LATEST = (
    "%d/%b/%Y:%H:%M:%S %z",
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2100, 1, 1, tzinfo=UTC),
)
_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
_PROTOCOLS = ("HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/3")
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

    `below`: its text; `form`: one that `log_form` finds, or a format as `log_format` reads it.
    """
    for block in blocks(below):
        yield _read_block(block, form)


def _read_block(block: Block, form: str) -> RawBatch:
    """The requests of some lines: of those written as nearly all are, and of others by a pattern."""
    lines = LogLines(block.data)
    rows, found = _plain_lines(lines, form)
    others = np.delete(np.arange(len(lines)), rows)
    text = lines.texts(others)
    values = _by_pattern(text, _pattern(form))
    fits = values.to_series(0).is_not_null() & ~text.str.contains("\0", literal=True)
    is_blank = text.str.strip_chars() == ""
    bad = others[(~fits & ~is_blank).to_numpy()]
    why = f"not a line of a {form if form in _PATTERNS else 'log in this format'}"
    block.rejects.extend((block.first_line + bad).tolist(), [why] * len(bad), lines.raws(bad))
    is_row = fits & ~is_blank
    if is_row.any() or not len(rows):
        rows = np.concatenate([rows, others[is_row.to_numpy()]])
        found = pl.concat([found, values.filter(is_row)], how="diagonal")[np.argsort(rows)]
        rows = np.sort(rows)
    return RawBatch(
        _requests(found), block.first_line + rows, lambda wanted: lines.raws(rows[wanted]), block.rejects
    )


def _plain_lines(lines: LogLines, form: str) -> tuple[Integers, pl.DataFrame]:
    """The lines of an access log of Apache or nginx that can be read as fields, and what they hold."""
    if form not in _PATTERNS or form == _ALB:
        return np.empty(0, np.int64), pl.DataFrame()
    names, quoted, shapes = _FIELDS, ["request"], _SHAPES
    if form not in _WITHOUT_REFERRER:
        names, quoted = [*names, "referrer", "user_agent"], [*quoted, "referrer", "user_agent"]
    if form.endswith("virtual host"):
        names, shapes = ["host", *names], {**shapes, "host": f"^{_HOST}$", "ip": f"^{_ADDRESS}$"}
    rows, values = read_fields(lines, LineForm(names, quoted, shapes, is_open=len(quoted) > 1))
    time = pl.concat_str(pl.col("time").str.slice(1), pl.lit(" "), pl.col("zone").str.head(-1))
    values = values.select(*(name for name in names if name in _NAMES), event_time=time)
    is_time = ~values["event_time"].str.contains("]", literal=True)
    return rows[is_time.to_numpy()], values.filter(is_time)


def _by_pattern(text: pl.Series, pattern: LogPattern) -> pl.DataFrame:
    found = text.str.extract_groups(pattern.regex).struct.unnest()
    return found.rename(dict(zip(found.columns, pattern.names, strict=False)))


def _requests(found: pl.DataFrame) -> pl.DataFrame:
    """What lines hold, under the names that all web logs share."""
    missing = [name for name in (*COLUMNS, *_PARTS) if name not in found.columns]
    named = found.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    path = pl.concat_str("path", pl.col("query_string").str.replace(r"^\??(.+)$", "?${1}"), ignore_nulls=True)
    forwarded = pl.col("forwarded").replace("-", None).str.extract(r"^([^\s,]+)")
    request = _parts_of(named["request"])
    frame = named.with_columns(
        ip=pl.coalesce(forwarded, "ip"),
        method=pl.coalesce("method", request["method"]),
        url=pl.coalesce("url", request["url"], pl.when(pl.col("path").is_not_null()).then(path)),
        protocol=pl.coalesce("protocol", request["protocol"]),
    ).with_columns(user_id="ip")
    frame = frame.select(pl.when(pl.col(name) != "-").then(name) for name in COLUMNS)
    return frame.with_columns(
        pl.col("status", "bytes").cast(pl.Int64, strict=False), _times(frame["event_time"])
    )


def _times(texts: pl.Series) -> pl.Series:
    """The times, or their texts as they are where one is not written as they are in such logs."""
    times = parse(texts, _TIME)
    is_usual = times.null_count() == texts.null_count() and times.is_between(_EARLIEST, _LATEST).all()
    return times if is_usual else texts


def _parts_of(requests: pl.Series) -> pl.DataFrame:
    """Method, address and protocol of each request, null where it does not have them."""
    names = ["method", "url", "protocol"]
    parts = requests.str.splitn(" ", 3).struct.rename_fields(names).struct.unnest()
    has_url = parts["url"].str.contains(r"^\S").fill_null(value=False)
    is_usual = has_url & parts["method"].is_in(_METHODS) & parts["protocol"].is_in(_PROTOCOLS)
    if not is_usual.all():
        others = (~is_usual).arg_true()
        found = requests.gather(others).str.extract_groups(_REQUEST).struct.rename_fields(names)
        parts = parts.with_columns(parts[name].scatter(others, found.struct.field(name)) for name in names)
    return parts
