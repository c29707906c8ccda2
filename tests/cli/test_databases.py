"""Rows of real databases are inputs: PostgreSQL and MariaDB started here, DuckDB and SQLite as files."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from adcli.errors import DataError, UsageError
from adcli.files import file_sha256
from adcli.tables.databases import database_of, write_rows
from adcli.tables.read import open_table
from adcli.tables.read_options import ReadOptions

duckdb = pytest.importorskip("duckdb", reason="the databases extra is not installed")

ROWS = [f"('2026-01-0{day} 10:00:00','u{day}','purchase','00{day}',1{day}.30)" for day in range(1, 10)]
TABLE = "create table events(event_time timestamp, user_id varchar(20), event_type varchar(20), item_id varchar(9), price decimal(10,2));"
FILL = f"{TABLE} insert into events values {','.join(ROWS)};"  # noqa: S608
QUERY = "select * from events order by event_time"
SECRET = "hush/h@sh"  # noqa: S105 - of the tests' own servers
IN_URL = "hush%2Fh%40sh"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server_of(command, user, is_ready):
    """A server run as a system user, in the foreground, until it is ready; ended afterwards."""
    with subprocess.Popen(command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                if is_ready():
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


@contextmanager
def folder_of(user):
    """A short folder (of a socket) that belongs to the server."""
    with tempfile.TemporaryDirectory(prefix="adcli-db-") as name:
        if user is not None:
            shutil.chown(name, user)
        yield Path(name)


def system_user(name):
    """Servers do not run as root, and only root may be another."""
    return name if os.getuid() == 0 else None


@pytest.fixture(scope="module")
def postgresql():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    programs, user, port = found[-1].parent, system_user("postgres"), free_port()
    with folder_of(user) as folder:
        data = folder / "data"
        subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], user=user, check=True, capture_output=True)  # fmt: skip
        serve = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-F"]
        psql = [programs / "psql", "-qXh", folder, "-p", str(port), "-U", "postgres", "-c"]

        def run(sql):
            return subprocess.run([*psql, sql], user=user, capture_output=True, check=False).returncode == 0

        with server_of(serve, user, lambda: run("select 1")):
            assert run(f"{FILL} create role shop login password '{SECRET}'; grant all on events to shop")
            yield f"postgresql://shop:{IN_URL}@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="module")
def mysql():
    if not (shutil.which("mariadbd") and shutil.which("mariadb-install-db")):
        pytest.skip("MariaDB's server is not installed: apt-get install mariadb-server")
    user, port = system_user("mysql"), free_port()
    with folder_of(user) as folder:
        at = [f"--datadir={folder}/data"]
        subprocess.run(["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", *at], user=user, check=True, capture_output=True)  # fmt: skip
        serve = [
            "mariadbd",
            "--no-defaults",
            *at,
            f"--socket={folder}/s",
            f"--port={port}",
            "--bind-address=127.0.0.1",
        ]

        def run(sql):
            command = ["mariadb", "--no-defaults", "-S", f"{folder}/s", "-u", "root", "-e", sql]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0

        with server_of(serve, user, lambda: run("select 1")):
            assert run(
                f"create database shop; use shop; {FILL} create user shop@'%' identified by '{SECRET}'; "
                f"create user shop@localhost identified by '{SECRET}'; "
                "grant all on shop.* to shop@'%'; grant all on shop.* to shop@localhost"
            )
            yield f"mysql://shop:{IN_URL}@127.0.0.1:{port}/shop"


@pytest.fixture
def database(request, tmp_path):
    """The address of a database of this kind with the table `events`."""
    if request.param == "duckdb":
        with closing(duckdb.connect(str(tmp_path / "shop.duckdb"))) as connection:
            connection.execute(FILL)
        return "shop.duckdb"
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
            connection.executescript(FILL)
        return "shop.db"
    return request.getfixturevalue(request.param)


ALL = pytest.mark.parametrize("database", ["postgresql", "mysql", "duckdb", "sqlite"], indirect=True)


def opened(place, query):
    return open_table([place], tables=["events"], options=ReadOptions(query=query))


@ALL
def test_the_rows_of_a_query_are_read_and_said_in_the_manifest(database, adcli, tmp_path):
    done = adcli("clean", database, "--query", QUERY, "-o", "events.parquet", "-v")
    assert done.returncode == 0, done.said
    assert "9 read = 9 written + 0 rejected" in done.said
    told = (tmp_path / "events.parquet.meta.json").read_text()
    manifest = json.loads(told)
    assert manifest["inputs"][0]["read_as"]["query"] == QUERY
    assert not any(secret in told + done.said for secret in (SECRET, IN_URL))
    table = pl.read_parquet(tmp_path / "events.parquet")
    assert table.row(2)[1:] == ("u3", "purchase", "003", Decimal("13.3"))
    write_rows(database_of(str(tmp_path / database)) or database, QUERY, tmp_path / "again.arrow")
    assert file_sha256(tmp_path / "again.arrow") == manifest["inputs"][0]["sha256"]


@ALL
def test_a_query_that_fails_is_one_sentence_without_the_password(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="nothing_such") as failure:
        opened(database, "select nothing_such from events")
    assert not any(secret in str(failure.value) for secret in (SECRET, IN_URL))


@ALL
def test_nothing_in_a_database_is_changed(database, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError):
        opened(database, "delete from events")
    assert capfd.readouterr().err == ""
    assert sum(batch.frame.height for batch in opened(database, QUERY).batches()) == 9


def test_what_has_no_effect_or_is_missing_is_said(adcli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("event_time,user_id,event_type\n2026-01-01,u,view\n")
    with closing(duckdb.connect("shop.duckdb")) as connection:
        connection.execute(FILL)
    with pytest.raises(UsageError, match="is a database"):
        opened("shop.duckdb", None)
    assert "query" in opened("log.csv", QUERY).idle_options()
    with pytest.raises(DataError) as absent:
        opened(f"postgresql://u:{IN_URL}@127.0.0.1:{free_port()}/shop", QUERY)
    assert IN_URL not in str(absent.value)
    over = adcli("clean", "shop.duckdb", "--query", QUERY, "-o", "shop.duckdb", "--to", "csv")
    assert (over.returncode, "is an input" in over.said) == (2, True)


def test_other_types_than_text_and_numbers_keep_their_meaning(postgresql):
    query = """select timestamptz '2026-01-01 11:00+01' as event_time, 'view' as event_type,
        uuid '6f9619ff-8b86-d011-b42d-00c04fc964ff' as user_id, '{"a": 1}'::jsonb as extra,
        12.345::numeric as price, date '2026-01-02' as d"""
    (row,) = next(opened(postgresql, query).batches()).frame.to_dicts()
    assert row == {
        "event_time": datetime(2026, 1, 1, 10, tzinfo=UTC),
        "user_id": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "event_type": "view",
        "price": Decimal("12.345"),
        "extra": '{"a": 1}',
        "d": date(2026, 1, 2),
    }
    with pytest.raises(DataError, match="ip::text"):
        opened(postgresql, "select inet '10.0.0.1' as ip")
