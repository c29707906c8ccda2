"""`adcli clean --report` and `--expect` as a user runs them."""

import json
import random

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
