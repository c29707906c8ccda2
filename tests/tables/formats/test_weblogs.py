"""Access logs become page views; lines of another form are rejected."""

from datetime import UTC, datetime

import pytest

from adcli.errors import DataError, UsageError

COMBINED = '192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /p/7?x=1 HTTP/1.1" 200 2326 "http://shop.example/" "Agent \\"7\\" (x)"\n'
COMMON = '192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 304 -\n'


def test_combined_log(read):
    got = read(COMBINED * 2, name="access.log")
    assert got.frame.row(0, named=True) == {
        "event_time": datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC),
        "user_id": "192.0.2.7",
        "event_type": "view",
        "referrer": "http://shop.example/",
        "user_agent": 'Agent \\"7\\" (x)',
        "ip": "192.0.2.7",
        "method": "GET",
        "url": "/p/7?x=1",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 2326,
    }
    assert "event_type is 'view'" in got.stream.notes[0]


def test_the_host_before_the_client_is_not_the_client(read):
    for host in ("shop.example:443", "shop.example"):
        got = read(f"{host} {COMBINED}" * 3, name="access.log")
        assert got.frame["user_id"].unique().to_list() == ["192.0.2.7"]
        assert "combined access log with virtual host" in got.stream.notes[0]
    addresses = COMBINED.replace("192.0.2.7", "2001:db8::1")
    assert read(addresses, name="access.log").frame["ip"].to_list() == ["2001:db8::1"]


@pytest.mark.parametrize("host", ["", "shop.example:443 "])
def test_the_first_of_forwarded_addresses_is_the_client(read, host):
    forwarded = [
        COMBINED.replace(" - -", f"{proxies} - -", 1)
        for proxies in ("", ", 10.0.0.1", ", 198.51.100.9, 10.0.0.1")
    ]
    got = read("".join(host + line for line in forwarded), name="access.log")
    assert got.frame["user_id"].to_list() == got.frame["ip"].to_list() == ["192.0.2.7"] * 3


def test_common_log(read):
    got = read(COMMON)
    assert got.frame["event_time"][0] == datetime(2000, 10, 10, 20, 55, 36, tzinfo=UTC)
    assert got.frame.select("url", "status", "bytes", "referrer").row(0) == ("/a.gif", 304, None, None)


def test_a_line_cut_short_is_rejected_with_its_number(read):
    got = read(COMBINED + COMBINED[:-6] + "\n" + COMBINED + "\n" + COMBINED)
    assert got.frame.height == 3
    assert got.reasons == [(2, "not a line of a combined access log")]
    assert got.rejects["raw"][0] == COMBINED[:-6]


def test_nginx_fields_after_the_agent_are_allowed(read):
    got = read(COMBINED.replace("\n", ' "203.0.113.9" 0.042\n'))
    assert got.frame["ip"].to_list() == ["192.0.2.7"]


def test_a_request_that_is_none_is_still_a_hit(read):
    got = read(COMBINED + COMBINED.replace("GET /p/7?x=1 HTTP/1.1", "-"))
    assert got.frame["url"].to_list() == ["/p/7?x=1", None]


def test_a_time_that_is_none_rejects_the_line(read):
    got = read(COMBINED * 3 + COMBINED.replace("17/May", "37/May"))
    assert got.reasons == [(4, "event_time: not a time: '37/May/2015:10:05:03 +0200'")]


IIS = """#Software: Microsoft Internet Information Services 10.0
#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) cs(Referer) sc-status
2024-01-01 00:00:01 GET /p/7 x=1 192.0.2.7 Mozilla/5.0+(Windows+NT+10.0) https://shop.example/ 200
2024-01-01 00:00:02 GET /p/8
#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) cs(Referer) sc-status
2024-01-01 00:00:03 GET /p/9 - 192.0.2.8 - - 304
"""


def test_logs_of_iis(read):
    got = read(IIS)
    assert got.frame.select("event_time", "user_id", "url", "user_agent", "referrer", "status").rows() == [
        (datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC), "192.0.2.7", "/p/7?x=1", "Mozilla/5.0 (Windows NT 10.0)",
         "https://shop.example/", 200),
        (datetime(2024, 1, 1, 0, 0, 3, tzinfo=UTC), "192.0.2.8", "/p/9", None, None, 304),
    ]  # fmt: skip
    assert got.reasons == [(4, "not a line of an extended log")]


def test_logs_of_cloudfront(read):
    fields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent)"
    row = "2024-01-01\t00:00:01\tFRA\t100\t192.0.2.7\tGET\td.example\t/p/7\t200\tMozilla/5.0%20(X11)\n"
    got = read(f"#Version: 1.0\n#Fields: {fields}\n{row}")
    assert got.frame.select("url", "bytes", "user_agent").rows() == [("/p/7", 100, "Mozilla/5.0 (X11)")]


def test_a_log_whose_fields_change_is_a_sentence(read):
    with pytest.raises(DataError, match="line 7: the fields change"):
        read(f"{IIS}#Fields: date time c-ip\n")


ALB = (
    'https 2024-07-02T22:23:00.186641Z app/lb/50dc 192.0.2.39:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 34 366 "GET '
    'http://www.example.com:80/p/7 HTTP/1.1" "curl/7.46.0" - - arn:aws:x "Root=1" "-" "-" 0 2024-07-02T22:22:48Z\n'
)


def test_logs_of_a_load_balancer(read):
    got = read(ALB * 2)
    assert got.frame.select("user_id", "url", "status", "bytes", "user_agent", "referrer").row(0) == (
        "192.0.2.39", "http://www.example.com:80/p/7", 200, 366, "curl/7.46.0", None,
    )  # fmt: skip
    assert "load balancer log" in got.stream.notes[0]


OWN_NGINX = (
    '[$time_local] ${remote_addr} "$uri" "$args" $request_method $server_protocol $status '
    "$bytes_sent|$http_referer|$http_user_agent"
)
REQUEST = '"GET /p/7?q=1 HTTP/1.1"'


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        (
            '%v %{X-Forwarded-For}i %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
            f'shop 192.0.2.7, 10.0.0.1 - jo doe [10/Oct/2023:13:55:36 +0200] {REQUEST} 200 34 "http://a/" "F" 15',
        ),
        (
            '%h [%{sec}t] %t %m %U%q %H %s %B "%{User-agent}i" "%{Referer}i" 100%%',
            '192.0.2.7 [169] [10/Oct/2023:13:55:36 +0200] GET /p/7?q=1 HTTP/1.1 200 34 "F" "http://a/" 100%',
        ),
        (
            '$remote_addr|$time_iso8601|"$request"|$status|$body_bytes_sent|$http_referer|$http_user_agent|$request_time',
            f"192.0.2.7|2023-10-10T13:55:36+02:00|{REQUEST}|200|34|http://a/|F|0.01",
        ),
        (
            OWN_NGINX,
            '[10/Oct/2023:13:55:36 +0200] 192.0.2.7 "/p/7" "q=1" GET HTTP/1.1 200 34|http://a/|F',
        ),
    ],
)
def test_a_format_of_the_servers_own(read, log_format, line):
    got = read(f"{line}\nanother line\n", name="own.log", log_format=log_format)
    row = got.frame.drop("event_type", "user_id").row(0, named=True)
    assert row == {
        "event_time": datetime(2023, 10, 10, 11, 55, 36, tzinfo=UTC), "referrer": "http://a/",
        "user_agent": "F", "ip": "192.0.2.7", "method": "GET", "url": "/p/7?q=1", "protocol": "HTTP/1.1",
        "status": 200, "bytes": 34,
    }  # fmt: skip
    assert got.reasons == [(2, "not a line of a log in this format")]


@pytest.mark.parametrize("log_format", ["", "%h %r", "$status $request $time_local", "%h %t"])
def test_a_format_that_tells_no_request_is_a_sentence(read, log_format):
    with pytest.raises(UsageError, match="not who asked, when, and for what"):
        read(COMMON, log_format=log_format)
