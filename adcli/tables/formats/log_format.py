"""The format of an access log as its server is told it: Apache's `LogFormat` or nginx's `log_format`.

log_pattern('%h %l %u %t "%r" %>s %b')
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from adcli.errors import UsageError, printable

_DIRECTIVE: Final = re.compile(r"%(?:[!\d,]*)([<>]?)(?:\{([^}]*)\})?(\^?[A-Za-z]{1,2}|%)|\$\{?(\w+)\}?")
_APACHE: Final = {
    "h": "ip", "a": "ip", "t": "event_time", "r": "request", "s": "status", "b": "bytes", "B": "bytes",
    "O": "bytes", "m": "method", "U": "path", "q": "query_string", "H": "protocol", "u": "remote_user",
}  # fmt: skip
_HEADERS: Final = {"referer": "referrer", "user-agent": "user_agent", "x-forwarded-for": "forwarded"}
_NGINX: Final = {
    "remote_addr": "ip", "http_x_forwarded_for": "forwarded", "time_local": "event_time",
    "time_iso8601": "event_time", "request": "request", "status": "status", "body_bytes_sent": "bytes",
    "bytes_sent": "bytes", "request_method": "method", "request_uri": "url", "uri": "path",
    "args": "query_string", "query_string": "query_string", "server_protocol": "protocol",
    "http_referer": "referrer", "http_user_agent": "user_agent", "remote_user": "remote_user",
}  # fmt: skip
_NEEDED: Final = (("ip", "forwarded"), ("event_time",), ("request", "url", "path"))


class LogPattern(NamedTuple):
    """A regular expression over a line, and what its groups are."""

    regex: str
    names: list[str]


@cache
def log_pattern(text: str) -> LogPattern:
    """The lines of a format; of a value that comes twice the first is taken.

    Raises UsageError if it tells no client, no time or no request.
    """
    regex, names, end = "^", [], 0
    for found in _DIRECTIVE.finditer(text):
        literal = text[end : found.start()]
        end = found.end()
        regex += re.escape(literal)
        if found[3] == "%":
            regex += "%"
            continue
        name = _name(found)
        value = _value(name, literal, text[end : end + 1], is_apache=found[4] is None)
        is_new = name is not None and name not in names
        if is_new:
            names.append(str(name))
        regex += value if is_new else value.replace("(", "(?:", 1)
    if not all(any(name in names for name in either) for either in _NEEDED):
        raise UsageError(
            f"--log-format {printable(text)}: tells not who asked, when, and for what.",
            fix='Give it as the server has it, such as %h %l %u %t "%r" %>s %b for Apache, or '
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent for nginx.',
        )
    return LogPattern(f"{regex}{re.escape(text[end:])}\r?$", names)


def _name(found: re.Match[str]) -> str | None:
    """What a directive is, None if nobody asks for it."""
    _, argument, directive, variable = found.groups()
    if variable is not None:
        return _NGINX.get(variable)
    if directive == "i" and argument is not None:
        return _HEADERS.get(argument.lower())
    return None if argument and directive != "a" else _APACHE.get(directive)


def _value(name: str | None, before: str, after: str, *, is_apache: bool) -> str:
    """The expression of a value between what stands before and after it."""
    if name == "event_time" and is_apache and not before.endswith("["):
        return r"\[([^\]]+)\]"  # Apache's time brings its brackets
    if before.endswith('"') and after == '"':
        return r'((?:[^"\\]|\\.)*)'
    if name in ("path", "query_string"):
        return r"([^?\s]+)" if name == "path" else r"(\S*)"
    if name in ("remote_user", "forwarded"):
        return r"(.+?)"
    return rf"([^{re.escape(after)}]*?)" if after not in ("", " ", "%", "$") else r"(\S+)"
