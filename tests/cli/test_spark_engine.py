"""`--engine spark`: what executors compute is what one machine computes."""

import gzip
import importlib.util
import json
import os
import random
import shutil
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="PySpark or Java is not installed",
)
SPARK = ("--engine", "spark=local[2]")
HEADER = "event_time,user_id,event_type,item_id,price,ip,user_agent\n"


@pytest.fixture(scope="module")
def jvm():
    """The environment of commands below one Java machine, as `spark-submit` starts it."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    from adcli.tables.spark import QUIET

    gateway = launch_gateway(SparkConf().setAll(QUIET.items()))
    yield {
        "PYSPARK_GATEWAY_PORT": str(gateway.gateway_parameters.port),
        "PYSPARK_GATEWAY_SECRET": gateway.gateway_parameters.auth_token,
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)


def log(folder):
    """Three inputs of one log: rows that come again within and across them, robots, rows that cannot be read."""
    draw = random.Random(5)

    def row(number):
        time = f"2024-01-{1 + number // 2000:02} 10:{number // 60 % 60:02}:{number % 60:02}.{draw.randrange(1000):03}"
        user = draw.choice(["", "u1", f"u{draw.randrange(400)}"])
        return f"{time},{user},{draw.choice(['view', 'click', 'purchase', 'wave'])},{draw.randrange(50)},{draw.randrange(9)}.5,192.0.2.{draw.randrange(99)},{draw.choice(['Mozilla/5.0', 'Googlebot/2.1'])}\n"

    rows = [row(number) for number in range(4000)]
    rows[100] = "never,u2,view,1,1,,\n"
    rows[3000] = "too,few\n"
    (folder / "a.csv").write_text(HEADER + "".join(rows[:3900] + rows[:50]))
    (folder / "b.csv.gz").write_bytes(
        gzip.compress((HEADER + "".join(rows[3900:] + rows[3000:3020])).encode())
    )
    (folder / "c.ndjson").write_text(
        "".join(
            json.dumps(
                {"event_time": f"2024-01-02T10:00:{i:02}", "user_id": "u7", "event_type": "view", "new": i}
            )
            + "\n"
            for i in range(60)
        )
    )


def cleaned(adcli, folder, name, *arguments, **options):
    """Rows, rejects and manifest of a run."""
    done = adcli(
        "clean", "a.csv", "b.csv.gz", "c.ndjson", "-o", f"{name}.parquet", "--rejects", f"{name}.csv", *arguments, timeout=600, **options
    )  # fmt: skip
    assert done.returncode == 0, done.said
    rejects = pl.read_csv(folder / f"{name}.csv", infer_schema=False).sort("file", pl.col("line").cast(int))
    manifest = json.loads((folder / f"{name}.parquet.meta.json").read_text())
    return pl.read_parquet(folder / f"{name}.parquet"), rejects, manifest, done.said


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sessions", "--repeat-window", "2", "--rule", "click_before_impression=off"),
        ("--bots", "flag", "--sessions", "--truncate-ip", "ip"),
    ],
)
def test_rows_rejects_flags_and_manifest_are_those_of_one_machine(adcli, jvm, tmp_path, arguments):
    log(tmp_path)
    here = cleaned(adcli, tmp_path, "here", *arguments)
    there = cleaned(adcli, tmp_path, "there", *SPARK, *arguments, env=jvm)
    assert there[0].equals(here[0])
    assert there[1].equals(here[1])
    assert here[1]["reason"].n_unique() >= 3
    assert (here[2]["engine"], there[2]["engine"]) == ("local", "spark")
    for said in ("inputs", "rows", "rejected_because", "unknown_event_types", "rules", "schema"):
        assert there[2][said] == here[2][said], said
    assert [line for line in there[3].splitlines() if "read as" in line] == [
        line for line in here[3].splitlines() if "read as" in line
    ]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "a.csv", "b.csv.gz", "c.ndjson", "here.csv", "here.csv.meta.json", "here.parquet", "here.parquet.meta.json",
        "there.csv", "there.csv.meta.json", "there.parquet", "there.parquet.meta.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [
        ("rates", "shown.csv", "--by", "device", "--min-users", "5"),
        ("ab", "units.csv", "--metric", "spend"),
    ],
)
def test_rates_and_ab_tests_give_the_answer_of_one_machine(adcli, jvm, tmp_path, asked):
    draw = random.Random(5)
    rows = [f"u{draw.randrange(99)},{draw.choice('mt')},i,{int(draw.random() < 0.2)}\n" for _ in range(2000)]
    (tmp_path / "shown.csv").write_text("user_id,device,item_id,click\n" + "".join(rows) + "too,few\n")
    rows = [f"u{number},{draw.choice('ab')},{draw.random()}\n" for number in range(2000)]
    (tmp_path / "units.csv").write_text("unit_id,variant,spend\n" + "".join(rows))
    here, there = (adcli("evaluate", *asked, "-o", f"{name}.csv", *options, env=jvm, timeout=600)
                   for name, options in (("here", ()), ("there", SPARK)))  # fmt: skip
    assert here.returncode == there.returncode == 0, there.said
    tables = [pl.read_csv(tmp_path / f"{name}.csv") for name in ("here", "there")]
    assert_frame_equal(*tables, rel_tol=1e-12, abs_tol=1e-14)
    said = [
        [line for line in done.said.splitlines() if " % " in line or "read as" in line]
        for done in (here, there)
    ]
    assert len(said[0]) >= 2
    assert said[0] == said[1]
    manifests = [json.loads((tmp_path / f"{name}.csv.meta.json").read_text()) for name in ("here", "there")]
    assert [one["engine"] for one in manifests] == ["local", "spark"]
    assert [{key: one[key] for key in ("inputs", "rows", "rejected_because")} for one in manifests] == [
        {key: manifests[0][key] for key in ("inputs", "rows", "rejected_because")}
    ] * 2


def test_an_error_of_an_executor_is_the_sentence_of_one_machine(adcli, jvm, tmp_path):
    (tmp_path / "a.csv").write_text("event_time,user_id,event_type,note\n2024-01-01,u,view,x\n")
    (tmp_path / "rules.toml").write_text('[odd]\nexpression = "note > 3"\n')
    asked = ("clean", "a.csv", "-o", "out.parquet", "--rules", "rules.toml")
    here, there = adcli(*asked), adcli(*asked, *SPARK, env=jvm, timeout=600)
    assert here.returncode == there.returncode == 2
    assert "The rule odd cannot be computed" in here.said
    assert [line for line in there.said.splitlines() if "error:" in line] == [
        line for line in here.said.splitlines() if "error:" in line
    ]
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.csv", "--engine", "spork"), "expected local, spark or spark=MASTER"),
        (("a.csv", *SPARK, "--report", "page.html"), "--report is not for --engine spark"),
        (("-", *SPARK), "executors read files, and no standard input"),
    ],
)
def test_what_executors_cannot_do_is_refused(adcli, jvm, tmp_path, arguments, said):
    (tmp_path / "a.csv").write_text("event_time,user_id,event_type\n2024-01-01,u,view\n")
    done = adcli(
        "clean",
        *arguments,
        "-o",
        "out.parquet",
        env=jvm,
        stdin="event_time,user_id,event_type\n2024-01-01,u,view\n",
    )
    assert done.returncode == 2
    assert said in done.said
