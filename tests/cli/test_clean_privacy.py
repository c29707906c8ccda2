"""`adcli clean` hides what it is asked to hide, everywhere."""

import json

import polars as pl
import pytest

from adcli.privacy.keys import read_keys
from adcli.privacy.pseudonyms import Pseudonyms

SECRET = "5ec2e7" * 10
LOG = """event_time,user_id,event_type,item_id,ip
2024-01-01 10:00:00,Anna17,view,1,192.168.3.7
2024-01-01 10:00:01,Bert42,click,2,2001:db8:85a3::1
2024-01-01 10:00:02,Anna17,purchase,1,192.168.3.7
2024-13-01 10:00:01,Anna17,view,2,192.168.3.7
1970-01-01 10:00:01,Bert42,view,2,192.168.3.7
2024-01-01 10:00:01,Anna17,view
2024-01-01 10:00:01,,Anna17,7,192.168.3.7
"""
HIDE = ("--pseudonymise", "user_id", "--key-file", "keys")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "keys").write_text(SECRET + "\n")
    (tmp_path / "keys").chmod(0o600)
    return tmp_path


def test_ids_are_the_same_pseudonym_in_every_table_and_shown_nowhere(adcli, folder):
    (folder / "reviews.csv").write_text("item_id,user_id,text\n1,Anna17,Good shoes\n")
    events = adcli(
        "clean", "log.csv", *HIDE, "--sessions", "-v", "-o", "events.csv", "--rejects", "rejects.csv"
    )
    reviews = adcli("clean", "reviews.csv", *HIDE, "-o", "reviews.out.csv")
    assert (events.returncode, reviews.returncode) == (0, 0), events.said
    anna = Pseudonyms(read_keys(folder / "keys")[0], "user_id").of(["Anna17"])[0]
    assert pl.read_csv(folder / "events.csv")["user_id"].to_list()[::2] == [anna, anna]
    assert pl.read_csv(folder / "reviews.out.csv")["user_id"].to_list() == [anna]
    rejects = pl.read_csv(folder / "rejects.csv")
    assert rejects["line"].to_list() == [5, 7, 8, 6]
    assert rejects["raw"].null_count() == 4
    written = [
        path.read_text() for path in folder.iterdir() if path.name not in ("log.csv", "reviews.csv", "keys")
    ]
    for text in (*written, events.said, reviews.said, events.text):
        assert "Anna17" not in text
        assert "Bert42" not in text
        assert SECRET[:12] not in text
    manifest = json.loads((folder / "events.csv.meta.json").read_text())
    key = read_keys(folder / "keys")[0]
    assert manifest["pseudonyms"] == {
        "columns": ["user_id"], "algorithm": "BLAKE2b, 96 bits", "key": 1, "key_id": key.id
    }  # fmt: skip
    assert key.secret.hex() not in json.dumps(manifest)


def test_a_rotated_key_makes_new_pseudonyms_and_old_ones_stay(adcli, folder):
    adcli("clean", "log.csv", *HIDE, "-o", "one.csv")
    with (folder / "keys").open("a") as keys:
        keys.write("a" * 40 + "\n")
    done = adcli("clean", "one.csv", "log.csv", *HIDE, "-o", "both.csv")
    assert "values that were pseudonyms before stay (2)" in done.said
    users = pl.read_csv(folder / "both.csv")["user_id"]
    assert sorted(users.str.slice(0, 3).to_list()) == ["p1_"] * 3 + ["p2_"] * 3


def test_addresses_are_truncated_and_users_made_of_them_are_told(adcli, folder):
    done = adcli("clean", "log.csv", "--truncate-ip", "ip", "--to", "csv")
    assert [line.split(",")[-1] for line in done.text.splitlines()[1:]] == [
        "192.168.3.0", "2001:db8:85a3::", "192.168.3.0"
    ]  # fmt: skip
    line = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /p/7 HTTP/1.1" 200 1 "-" "Firefox"\n'
    (folder / "access.log").write_text(line)
    done = adcli("clean", "access.log", *HIDE, "--to", "csv")
    assert "'ip' shows what is hidden in 'user_id'" in done.said
    assert "hide" not in adcli("clean", "access.log", *HIDE, "--truncate-ip", "ip", "--to", "csv").said


def test_wrong_use_is_a_sentence(adcli, folder):
    assert (
        "no column 'usr_id'. Did you mean 'user_id'?"
        in adcli("clean", "log.csv", "--pseudonymise", "usr_id", "--key-file", "keys").said
    )
    done = adcli("clean", "log.csv", "--pseudonymise", "user_id")
    assert (done.returncode, "without --key-file" in done.said) == (2, True)
    done = adcli("clean", "log.csv", *HIDE, "--truncate-ip", "user_id")
    assert (done.returncode, "is named by --pseudonymise and by --truncate-ip" in done.said) == (2, True)
    (folder / "keys").chmod(0o644)
    done = adcli("clean", "log.csv", *HIDE, "-o", "out.csv")
    assert (done.returncode, "its mode is 644" in done.said) == (2, True)
    assert not (folder / "out.csv").exists()


REVIEWS = """item_id,user_id,reviewer_name,text,event_time
1,u1,Anna Schmidt,"Great, says Anna Schmidt, anna@example.org",2024-01-01
2,u2,Bo Li,Order 20240315123456 came late. Call +49 30 901820,2024-01-02
3,u3,,Nice,2024-13-02 anna@example.org
"""


def test_personal_data_is_masked_in_texts_and_shown_nowhere(adcli, tmp_path):
    (tmp_path / "reviews.csv").write_text(REVIEWS)
    mask = ("--mask", "text", "--mask", "reviewer_name")
    done = adcli("clean", "reviews.csv", *mask, "-v", "-o", "out.csv", "--rejects", "rejects.csv")
    assert done.returncode == 0, done.said
    assert "masked in text: name 1, email 1, phone 1." in done.said
    out = pl.read_csv(tmp_path / "out.csv")
    assert out["text"].to_list() == [
        "Great, says [name], [email]", "Order 20240315123456 came late. Call [phone]"
    ]  # fmt: skip
    assert out["reviewer_name"].to_list() == ["[name]", "[name]"]
    manifest = (tmp_path / "out.csv.meta.json").read_text()
    assert json.loads(manifest)["masked"]["text"] == {"name": 1, "email": 1, "phone": 1}
    for text in (manifest, done.said, (tmp_path / "rejects.csv").read_text()):
        assert "anna@" not in text
        assert "Anna" not in text
    headerless = REVIEWS.split("\n", 2)[1]
    (tmp_path / "headerless.csv").write_text(headerless.replace("Great, says Anna Schmidt, ", "") + "\n")
    failed = adcli("clean", "headerless.csv", "--mask", "text")
    assert failed.returncode != 0
    assert "anna@" not in failed.said


def test_rows_of_erased_users_go_and_what_learned_from_them_is_named(adcli, folder):
    (folder / "erase.txt").write_text("Anna17\nNobody\n")
    adcli("clean", "log.csv", "-o", "raw.parquet")
    learned = {"inputs": [json.loads((folder / "raw.parquet.meta.json").read_text())["output"]]}
    (folder / "models" / "policy").mkdir(parents=True)
    (folder / "models" / "policy.meta.json").write_text(json.dumps({**learned, "output": {"sha256": "p"}}))
    done = adcli("clean", "log.csv", "--erase", "erase.txt", "-o", "out.csv", "--rejects", "rejects.csv")
    assert "--erase: 2 rows of 2 users left out." in done.said
    assert "7 read = 1 written + 6 rejected" in done.said
    assert "learned from their rows too: models/policy. Learn them again." in done.said
    assert "made of their rows too: raw.parquet" in done.said
    assert pl.read_csv(folder / "out.csv")["user_id"].to_list() == ["Bert42"]
    assert "Anna17" not in (folder / "rejects.csv").read_text()
    erased = json.loads((folder / "out.csv.meta.json").read_text())["erased"]
    assert erased == {
        "users": 2, "rows": 2, "learned_from_them": ["models/policy"], "made_of_them": ["raw.parquet"]
    }  # fmt: skip
    adcli("clean", "log.csv", *HIDE, "-o", "hidden.csv")
    done = adcli("clean", "hidden.csv", "--erase", "erase.txt", "-o", "out.csv")
    assert (done.returncode, "only their key can tell" in done.said) == (2, True)
    done = adcli("clean", "hidden.csv", "--erase", "erase.txt", "--key-file", "keys", "-o", "out.csv")
    assert "--erase: 2 rows of 2 users left out." in done.said
    vectors = [{"id": user, "kind": "user", "embedding": [0.6, 0.8]} for user in ("Anna17", "Bert42")]
    (folder / "users.ndjson").write_text("".join(json.dumps(row) + "\n" for row in vectors))
    done = adcli("embed", "users.ndjson", "--erase", "erase.txt", "-o", "kept.ndjson")
    assert "--erase: 1 rows of 2 users left out." in done.said, done.said
    assert [json.loads(line)["id"] for line in (folder / "kept.ndjson").read_text().splitlines()] == [
        "Bert42"
    ]


def test_k_anonymity_is_said_of_what_is_written(adcli, folder):
    done = adcli("clean", "log.csv", "--k-anonymity", "ip", "--truncate-ip", "ip", "-o", "out.csv")
    assert "k-anonymity of ip: k = 1, the smallest of 2 groups; of 2 users 2 are alone in theirs" in done.said
    assert json.loads((folder / "out.csv.meta.json").read_text())["k_anonymity"]["groups"] == 2
    done = adcli("clean", "log.csv", "--k-anonymity", "ipp")
    assert (done.returncode, "--k-anonymity ipp" in done.said) == (2, True)
    (folder / "products.csv").write_text("item_id,title\n1,A\n")
    (folder / "erase.txt").write_text("Anna17\n")
    done = adcli("clean", "products.csv", "--erase", "erase.txt")
    assert (done.returncode, "--erase: the input has no user_id" in done.said) == (2, True)
