"""What holds for every command: inputs, outputs, manifests, messages, exit codes."""

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest


def lines(done):
    return [json.loads(line) for line in done.text.splitlines()]


def test_rows_on_standard_output_messages_on_standard_error(adcli, log):
    done = adcli("clean", log)
    assert done.returncode == 0
    rows = lines(done)
    assert len(rows) == 600
    assert rows[0]["item_id"] == "00120"
    assert rows[0]["user_id"] == "u0"
    assert "600 read = 600 written + 0 rejected" in done.said
    assert "\r" not in done.said
    assert "\x1b" not in done.said


@pytest.mark.parametrize("given", [[], ["-"]])
def test_standard_input_with_or_without_a_dash(adcli, log, given):
    text = log.read_bytes()
    assert len(lines(adcli("clean", *given, stdin=text))) == 600
    assert len(lines(adcli("clean", *given, stdin=gzip.compress(text)))) == 600


def test_every_way_in_gives_the_same_bytes(adcli, log, tmp_path):
    expected = adcli("clean", log).stdout
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(log.read_bytes()))
    for way in ([log], [tmp_path / "log.csv.gz"], ["lo[g].csv"]):
        assert adcli("clean", *way).stdout == expected
    assert adcli("clean", "-", stdin=log.read_bytes()).stdout == expected


def test_formats_out_and_back_in_give_the_same_rows(adcli, log):
    expected = adcli("clean", log).stdout
    for name in ("a.csv", "a.tsv", "a.ndjson", "a.parquet", "a.arrow", "a.csv.gz", "a.ndjson.zst"):
        assert adcli("clean", log, "-o", name).returncode == 0
        assert adcli("clean", name).stdout == expected, name
    for to in ("csv", "parquet", "arrow"):
        piped = adcli("clean", log, "--to", to)
        assert adcli("clean", "-", stdin=piped.stdout).stdout == expected, to


def test_a_manifest_says_what_made_the_file(adcli, log, tmp_path):
    adcli("clean", log, "-o", "out.parquet", "--seed", "7")
    manifest = json.loads((tmp_path / "out.parquet.meta.json").read_text())
    assert manifest["seed"] == 7
    assert manifest["rows"] == {"read": 600, "used": 600, "written": 600, "rejected": 0}
    assert manifest["output"]["rows"] == 600
    assert manifest["inputs"][0]["rows"] == 600
    assert len(manifest["inputs"][0]["sha256"]) == 64
    assert "polars" in manifest["versions"]
    assert manifest["command"][1:4] == ["clean", str(log), "-o"]


def test_a_damaged_input_is_found_by_its_manifest(adcli, log, tmp_path):
    adcli("clean", log, "-o", "out.csv")
    text = (tmp_path / "out.csv").read_text()
    (tmp_path / "out.csv").write_text(text.replace("u3,", "u4,", 1))
    done = adcli("evaluate", "rates", "out.csv")
    assert done.returncode == 3
    assert "manifest" in done.said
    assert "--no-verify" in done.said
    assert adcli("evaluate", "rates", "out.csv", "--no-verify").returncode == 0


def test_the_same_run_gives_the_same_bytes(adcli, log, tmp_path):
    first = adcli("clean", log, "-o", "a.parquet", env={"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"})
    again = adcli(
        "clean", log, "-o", "b.parquet", env={"PYTHONHASHSEED": "2", "TZ": "UTC", "POLARS_MAX_THREADS": "1"}
    )
    assert first.returncode == again.returncode == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_rejects_are_kept_with_file_line_reason_and_row(adcli, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "timestamp,user_id,item_id,click\n2024-05-01,u1,i1,1\n2024-05-01,u1,i1\nyesterday,u2,i2,0\n"
    )
    done = adcli("clean", path, "--table", "impressions", "-o", "out.csv", "--rejects", "rejects.csv")
    assert done.returncode == 0, done.said
    rejects = pl.read_csv(tmp_path / "rejects.csv")
    assert rejects.columns == ["file", "line", "reason", "raw"]
    assert rejects["line"].to_list() == [3, 4]
    assert rejects["raw"].to_list() == ["2024-05-01,u1,i1", "yesterday,u2,i2,0"]
    assert "3 read = 1 written + 2 rejected" in done.said
    assert adcli("clean", path, "--table", "impressions", "-o", "strict.csv", "--strict").returncode == 4
    assert not (tmp_path / "strict.csv").exists()


def test_rejects_of_a_run_without_any_are_an_empty_table_and_not_those_of_the_run_before(
    adcli, log, tmp_path
):
    (tmp_path / "rejects.csv").write_text("file,line,reason,raw\nold.csv,1,old,old\n")
    adcli("clean", log, "-o", "out.csv", "--rejects", "rejects.csv")
    assert (tmp_path / "rejects.csv").read_text() == "file,line,reason,raw\n"


def test_each_output_has_a_place_of_its_own_and_is_known_to_be_writable_before_the_work(adcli, log, tmp_path):
    page = log.rename(tmp_path / "log.html")
    for arguments, words in (
        (["clean", page, "-o", "a.csv", "--rejects", "a.csv"], "named for two outputs"),
        (["evaluate", "rates", page, "-o", "a.html", "--to", "csv", "--report", "a.html"], "two outputs"),
        (["evaluate", "rates", page, "--report", page], "never overwrites"),
        (["evaluate", "rates", page, "--report", "a.csv"], "expected a name that ends in .html"),
        (["evaluate", "rates", page, "--report", "nowhere/a.html"], "nowhere does not exist"),
        (["optimize", "policy", page], "-o DIR"),
    ):
        done = adcli(*arguments)
        assert done.returncode == 2, done.said
        assert words in done.said
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["log.html"]


def test_the_last_line_ends_in_the_accounting_and_says_why(adcli, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "event_time,user_id,event_type,price\n2024-05-01,u,view,-3\n2024-05-01,,view,1\n2024-05-01,u,wibble,1\n"
    )
    said = adcli("clean", path, "-o", "out.csv").said.splitlines()
    assert said[-1].endswith(
        "3 read = 1 written + 2 rejected (price: must not be negative 1, user_id: missing 1)"
    )
    assert said[-2] == "event types nobody knows became 'other': 'wibble' 1."
    explained = adcli("clean", path, "-o", "out.csv", "-v").said
    assert "line 2: price: must not be negative: '-3'" in explained
    assert "step write" in explained


def test_that_no_row_could_be_used_is_said_loudly(adcli):
    done = adcli("clean", "-", stdin="event_time,user_id,event_type\nnever,u,view\n")
    assert done.returncode == 0
    assert "warning: not one row could be used" in done.said
    assert "line 2: event_time: not a time: 'never'" in done.said


def test_a_closed_pipe_ends_silently(log, tmp_path):
    path = tmp_path / "big.csv"
    header, *rows = log.read_text().splitlines()
    path.write_text(
        "\n".join([header, *(row.replace(",u", f",v{i}u") for i in range(200) for row in rows)]) + "\n"
    )
    done = subprocess.run(
        f"{sys.executable} -m adcli clean -q {path} | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"
    assert json.loads(done.stdout.splitlines()[0])["user_id"]


def test_an_interrupt_says_so_and_leaves_nothing(log, tmp_path):
    _, rows = log.read_text().split("\n", 1)
    with log.open("a") as out:
        for _ in range(20_000):
            out.write(rows)
    process = subprocess.Popen(
        [sys.executable, "-m", "adcli", "clean", str(log), "-o", "out.parquet"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = process.stderr.readline()  # which says what the input is: reading begins
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["log.csv"]


def test_an_interrupt_while_the_program_is_loaded_is_one_line_too(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "adcli", "clean", "-", "-o", "out.parquet"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "typer" not in process.stderr.readline():  # what is loaded is said as it is
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert [line for line in said.splitlines() if not line.startswith("import time:")] == [
        "error: interrupted; nothing was written."
    ]
    assert not list(tmp_path.iterdir())


def test_an_interrupt_that_hits_code_made_of_a_text_ends_the_run_alike(tmp_path):
    """As of dataclasses: after such a one Python ends by the signal, whatever exit code it was given."""
    (tmp_path / "typer.py").write_text("exec('raise KeyboardInterrupt')")
    done = subprocess.run(
        [sys.executable, "-m", "adcli", "--help"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted; nothing was written.\n")


def test_columns_named_by_hand_and_given_by_hand(adcli, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("when,who,what\n2024-05-01,u1,i1\n")
    done = adcli("clean", path, "--table", "events")
    assert done.returncode == 3
    assert "event_time" in done.said
    assert "--map" in done.said
    done = adcli(
        "clean", path, "--table", "events", "--map", "event_time=when", "--map", "user_id=who", "--map", "item_id=what",
        "--set", "event_type=view",
    )  # fmt: skip
    assert lines(done) == [
        {"event_time": "2024-05-01T00:00:00.000000Z", "user_id": "u1", "event_type": "view", "item_id": "i1"}
    ]
    done = adcli("clean", path, "--map", "event_tim=when")
    assert done.returncode == 2
    assert "Did you mean 'event_time'?" in done.said


def test_flag_over_environment_over_configuration_over_default(adcli, log, tmp_path):
    (tmp_path / "adcli.toml").write_text('[evaluate.rates]\nby = ["item_id"]\nmin-users = 1\nseed = 3\n')
    by_item = lines(adcli("evaluate", "rates", log, "--config", "adcli.toml"))
    assert {row["item_id"] for row in by_item} == {"00120", "00121", "00122", "00123"}
    by_placement = lines(adcli("evaluate", "rates", log, "--config", "adcli.toml", "--by", "placement"))
    assert {row["placement"] for row in by_placement} == {"home"}

    def seed(*arguments, env=None):
        adcli("evaluate", "rates", log, "-o", "rates.csv", *arguments, env=env)
        return json.loads((tmp_path / "rates.csv.meta.json").read_text())["seed"]

    assert seed() == 0
    assert seed("--config", "adcli.toml") == 3
    assert seed("--config", "adcli.toml", env={"ADCLI_SEED": "5"}) == 5
    assert seed("--config", "adcli.toml", "--seed", "9", env={"ADCLI_SEED": "5"}) == 9


def test_a_configuration_with_an_unknown_option_is_said(adcli, log, tmp_path):
    (tmp_path / "adcli.toml").write_text("[clean]\nrejets = 'x.csv'\n")
    done = adcli("clean", log, "--config", "adcli.toml")
    assert done.returncode == 2
    assert "rejects" in done.said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[claen]\nto = 'csv'\n", "[claen] is not the table of a command. Did you mean 'clean'?"),
        ("[evaluate.rate]\nby = ['item_id']\n", "[evaluate.rate] is not the table of a command"),
        ("to = 'csv'\n", "'to' stands outside the table of a command"),
        ("[clean\n", "line 1"),
    ],
)
def test_what_a_configuration_would_silently_not_do_is_wrong_usage(adcli, log, tmp_path, content, words):
    (tmp_path / "adcli.toml").write_text(content)
    done = adcli("clean", log, "--config", "adcli.toml")
    assert done.returncode == 2
    assert words in done.said


def test_the_environment_names_options_of_commands_and_nothing_else(adcli, log, tmp_path):
    (tmp_path / "adcli.toml").write_text("[clean]\nto = 'tsv'\n")
    assert adcli("clean", log, env={"ADCLI_CLEAN_TO": "csv"}).text.startswith("item_id,")
    assert adcli("clean", log, env={"ADCLI_CONFIG": "adcli.toml"}).text.startswith("item_id\t")
    assert adcli("clean", log, env={"ADCLI_VERSION": "1.2"}).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["clean", "nowhere.csv"], 2, "nowhere.csv"),
        (["clean", "*.nothing"], 2, "*.nothing"),
        (["clean", "log.csv", "-o", "no/such/folder.csv"], 2, "folder"),
        (["clean", "log.csv", "-o", "out.xlsx"], 2, ".xlsx"),
        (["clean", "log.csv", "--to", "excel"], 2, "excel"),
        (["clean", "log.csv", "--seed", "-1"], 2, "seed"),
        (["clean", "log.csv", "--table", "evnts"], 2, "Did you mean 'events'?"),
        (["evaluate", "rates", "log.csv", "--by", "placment"], 3, "Did you mean 'placement'?"),
    ],
)
def test_errors_are_one_sentence_with_their_exit_code(adcli, log, arguments, code, words):
    done = adcli(*arguments)
    assert done.returncode == code, done.said
    assert words in done.said
    assert done.stdout == b""


def test_an_empty_input_is_bad_data(adcli):
    for content in ("", "\n\n", "   "):
        assert adcli("clean", "-", stdin=content).returncode == 3


def test_quiet_says_nothing_and_a_full_disk_is_a_sentence(adcli, log):
    assert adcli("clean", log, "-q").said == ""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "adcli", "clean", str(log)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def on_a_terminal(command, cwd):
    """What a command shows on a terminal of 100 columns."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "adcli", *command],
        cwd=cwd,
        stdin=other,
        stdout=other,
        stderr=other,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    process.wait()
    os.close(main)
    return process.returncode, shown.decode()


def test_a_terminal_gets_a_preview_and_a_line_saying_how_to_keep_it(log, tmp_path):
    code, shown = on_a_terminal(["clean", str(log)], tmp_path)
    assert code == 0
    assert "user_id" in shown
    assert "20 of 600 rows" in shown
    assert "-o FILE" in shown


def test_escape_codes_in_data_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "evil.csv"
    path.write_text("item_id,title\n1,\x1b]0;owned\x07\x1b[31mred [bold]x[/bold]\n")
    _, shown = on_a_terminal(["clean", "--table", "products", "-q", str(path)], tmp_path)
    assert "\x1b]0" not in shown
    assert "\x1b[31m" not in shown
    assert "[bold]x" in shown


def test_binary_does_not_go_to_a_terminal_and_no_input_does_not_hang(log, tmp_path):
    code, shown = on_a_terminal(["clean", str(log), "--to", "parquet"], tmp_path)
    assert code == 2
    assert "binary" in shown
    code, shown = on_a_terminal(["clean"], tmp_path)
    assert code == 2
    assert "No input" in shown


@pytest.mark.parametrize(
    ("redirection", "code", "words", "is_written"),
    [
        ("clean log.csv -o out.csv <&-", 0, "written", True),
        ("clean -o out.csv <&-", 3, "empty", False),
        ("clean log.csv >&-", 1, "Bad file descriptor", False),
        ("clean log.csv -o out.csv >&-", 0, "written", True),
        ("clean log.csv -o out.csv 2>&-", 0, "", True),
        ("clean nowhere.csv 2>&-", 2, "", False),
        ("clean log.csv -o out.csv <&- >&- 2>&-", 0, "", True),
        ("--help >/dev/full", 1, "No space left on device", False),
        ("evaluate rates --help >/dev/full", 1, "No space left on device", False),
        ("--version >&-", 1, "standard output cannot be written", False),
    ],
)
def test_closed_and_full_streams_are_a_sentence_and_lose_nothing(
    log, tmp_path, redirection, code, words, is_written
):
    done = subprocess.run(
        f"{sys.executable} -m adcli {redirection}",
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stdout == "", "messages never go to standard output"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (tmp_path / "out.csv").exists() == is_written
    if is_written:
        assert len((tmp_path / "out.csv").read_text().splitlines()) == 601


def test_no_name_in_a_message_steers_the_terminal(adcli, tmp_path):
    name = "\x1b[31mred\x07\x9b.csv"
    (tmp_path / name).write_text("timestamp,user_id,event_type,a\x1b[2Jb\n2024-05-01,u1,view,x\n")
    for arguments in (
        ("clean", name, "-o", "out.csv", "-v"),
        ("clean", name, "--table", "ev\x1b[31ments"),
        ("evaluate", "rates", name, "--by", "pl\x1b[31mace"),
        ("clean", "nowhere\x1b[31m.csv"),
        ("clean", name, "-o", "no\x1b[31mwhere/out.csv"),
        ("cl\x1b[31mean", name),
    ):
        done = adcli(*arguments)
        assert not [char for char in done.said if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160], (
            arguments, done.said,
        )  # fmt: skip
