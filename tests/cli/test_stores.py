"""Objects of a real S3 server (moto's) and files of a web server are inputs, objects outputs, and nothing tells a secret."""

import functools
import gzip
import http.server
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import obstore
import polars as pl
import pytest
from obstore.store import S3Store

from adcli.errors import AdcliError, DataError, UsageError
from adcli.stores import check_writable, shown
from adcli.tables.read import open_table

LOG = "event_time,user_id,event_type,item_id\n" + "".join(
    f"2026-01-0{day}T10:00:00Z,u{day},{kind},a\n" for day in (1, 2) for kind in ("view", "click")
)
KEY = "the-secret-of-the-shop"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def endpoint():
    pytest.importorskip("moto.server", reason="no S3 server is installed: pip install moto flask-cors")
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture
def bucket(endpoint, monkeypatch, request):
    """A bucket of the test's own, with the environment's credentials for it."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "shop",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    name = request.node.name.replace("_", "-")[:60]
    subprocess.run(["curl", "-s", "-X", "PUT", f"{endpoint}/{name}"], check=True, capture_output=True)
    return S3Store(name, endpoint=endpoint, client_options={"allow_http": True})


def content(bucket, key):
    return bytes(obstore.get(bucket, key).bytes())


def test_an_object_is_read_and_one_is_written_with_its_manifest(bucket, adcli):
    obstore.put(bucket, "raw/day 1%.csv.gz", gzip.compress(LOG.encode()))
    url = f"s3://{bucket.config['bucket']}"
    done = adcli(
        "clean", f"{url}/raw/day 1%.csv.gz", "-o", f"{url}/events.parquet", "--rejects", f"{url}/no.csv"
    )
    assert done.returncode == 0, done.said
    assert f"{url}/events.parquet" in done.said
    manifest = json.loads(content(bucket, "events.parquet.meta.json"))
    assert manifest["inputs"][0]["path"] == f"{url}/raw/day 1%.csv.gz"
    assert manifest["output"]["rows"] == 4
    assert KEY not in json.dumps(manifest) + done.said
    assert pl.read_parquet(content(bucket, "events.parquet")).height == 4
    again = open_table([f"{url}/raw/*.gz", f"{url}/events.parquet"], tables=["events"])
    assert sum(batch.frame.height for batch in again.batches()) == 8

    obstore.put(bucket, "events.parquet", content(bucket, "events.parquet").replace(b"u1", b"u9"))
    with pytest.raises(DataError, match="is not what its manifest"):
        open_table([f"{url}/events.parquet"], tables=["events"])


def test_rules_and_lists_of_the_erased_are_objects_too_and_keys_are_not(bucket, adcli, tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    obstore.put(bucket, "erase.txt", b"u1\n")
    obstore.put(bucket, "rules.toml", b"[no_clicks]\nexpression = \"event_type = 'click'\"\n")
    url = f"s3://{bucket.config['bucket']}"
    asked = ("clean", "log.csv", "-o", "out.csv")
    done = adcli(*asked, "--erase", f"{url}/erase.txt", "--rules", f"{url}/rules.toml")
    assert done.returncode == 0, done.said
    assert pl.read_csv(tmp_path / "out.csv").select("user_id", "event_type").rows() == [("u2", "view")]
    refused = adcli(*asked, "--pseudonymise", "user_id", "--key-file", f"{url}/key")
    assert refused.returncode == 2
    assert "a key stays on this machine" in refused.said


def test_an_output_is_whole_or_not_there_and_no_input(bucket, adcli, tmp_path):
    url = f"s3://{bucket.config['bucket']}"
    obstore.put(bucket, "log.csv", LOG.encode())
    (tmp_path / "bad.csv").write_text(LOG + "2026-01-01T10:00:00Z\n")
    assert adcli("clean", "bad.csv", "--strict", "-o", f"{url}/events.csv").returncode == 4
    assert adcli("clean", f"{url}/log.csv", "-o", f"{url}/log.csv").returncode == 2
    assert [one["path"] for part in obstore.list(bucket) for one in part] == ["log.csv"]
    assert content(bucket, "log.csv") == LOG.encode()
    folder = adcli("clean", f"{url}/log.csv", "-o", f"{url}/days", "--partition-by", "day")
    assert (folder.returncode, "no store takes whole" in folder.said) == (2, True)


def test_partitioned_parquet_below_a_prefix_has_its_columns(bucket, adcli, tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    assert adcli("clean", "log.csv", "-o", "days", "--partition-by", "day").returncode == 0
    for path in (tmp_path / "days").rglob("*.parquet"):
        obstore.put(bucket, str(path.relative_to(tmp_path)), path.read_bytes())
    obstore.put(bucket, "days.meta.json", (tmp_path / "days.meta.json").read_bytes())
    done = adcli("clean", f"s3://{bucket.config['bucket']}/days/", "--to", "csv", "-q")
    assert done.text.splitlines()[1:] == [
        f"{row},{row[:10]}" for row in LOG.replace("Z", ".000000Z").split()[1:]
    ]


def test_what_is_not_there_or_not_allowed_is_one_sentence(bucket, monkeypatch):
    url = f"s3://{bucket.config['bucket']}"
    for given, sentence in {
        f"{url}/nothing.csv": f"{url}/nothing.csv: there is no such object.",
        f"{url}/no*.csv": "no object matches this",
        "s3://no-such-bucket-here/a.csv": "there is no such bucket",
        "az://shop/a.csv": "AZURE_STORAGE_ACCOUNT_NAME",
    }.items():
        with pytest.raises(AdcliError, match=re.escape(sentence)):
            open_table([given], tables=["events"])
    with pytest.raises(UsageError, match="there is no such bucket"):
        check_writable(Path("s3://no-such-bucket-here/a.csv"))
    with pytest.raises(UsageError, match="nothing can be written over HTTP"):
        check_writable(Path("https://shop.example/a.csv"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DataError, match="does not answer as it should"):
        open_table([f"{url}/log.csv"], tables=["events"])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if "short" in self.path:  # promises more than it gives
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(LOG.encode())
            self.close_connection = True
        else:
            super().do_GET()


@pytest.fixture
def website(tmp_path):
    (tmp_path / "web").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_signed_address_is_read_and_its_signature_told_to_nobody(website, adcli, tmp_path):
    (tmp_path / "web" / "log.csv.gz").write_bytes(gzip.compress(LOG.encode()))
    signed = f"{website.replace('//', '//shop:hush-hush@')}/log.csv.gz?Signature=hush-hush&Expires=1"
    done = adcli("clean", signed, "-o", "events.parquet", "--report", "page.html", "-v")
    assert done.returncode == 0, done.said
    written = [path.read_bytes().decode("utf-8", "replace") for path in tmp_path.iterdir() if path.is_file()]
    assert f"@{website[7:]}/log.csv.gz" in (tmp_path / "events.parquet.meta.json").read_text()
    failed = adcli("clean", signed.replace("log.csv", "none.csv"), "-v")
    assert (failed.returncode, "there is no such object" in failed.said) == (2, True)
    assert not any("hush-hush" in text for text in (*written, done.said, failed.said))


def test_a_file_that_breaks_off_on_its_way_is_no_input(website):
    with pytest.raises(DataError, match="does not answer as it should"):
        open_table([f"{website}/short.csv"], tables=["events"])


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://u:p@w/x@h/db?sslmode=require", "postgresql://u@h/db"),
        ("postgresql://h/db?password=a@b", "postgresql://…"),
        ("mysql://u:p?w@h/db", "mysql://…"),
        ("https://u:pw@h:80/a@b.csv?X-Signature=1 after", "https://u@h:80/a@b.csv after"),
        ("http://u:p/w@h/x", "http://…"),
        ("-o s3:/shop/a@b.csv", "-o s3://shop/a@b.csv"),
        ("no URL: a/b?c=d", "no URL: a/b?c=d"),
    ],
)
def test_addresses_are_shown_without_passwords_and_signatures(url, safe):
    assert shown(url) == safe


def test_nothing_is_left_among_the_temporary_files(website, adcli, tmp_path, monkeypatch):
    (tmp_path / "web" / "log.csv").write_text(LOG)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    assert adcli("clean", f"{website}/log.csv", "-o", "events.csv").returncode == 0
    assert list((tmp_path / "tmp").iterdir()) == []
