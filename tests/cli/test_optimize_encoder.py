"""`adcli optimize encoder` as its user meets it: killed and run again, gone on with, used by `embed`, refused."""

import json
import signal
import subprocess
import sys
import time

import models
import polars as pl
import pytest
from simulated_shop import simulated_shop

from adcli.core.encoding.encoder import Encoder

FAST = ("--precision", "fp32", "--batch-size", "32", "--train-length", "16")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    first, later = simulated_shop(users=60), simulated_shop(seed=1, users=60, first_day=60)
    first.products.write_parquet(folder / "products.parquet")
    first.events.write_csv(folder / "events.csv")
    later.events.write_csv(folder / "later.csv")
    first.labelled.write_csv(folder / "labelled.csv")
    models.tiny_bert(folder / "bert")
    partly = first.labelled.head(60).with_row_index("row")
    known = pl.when(pl.col("row") < 30).then("label").otherwise(pl.lit(""))
    partly.with_columns(known.alias("label")).drop("row").write_csv(folder / "partly.csv")
    return folder


@pytest.fixture
def learn(adcli, shop, tmp_path):
    def call(name, *options):
        return adcli(
            "optimize", "encoder", shop / name, "--model", shop / "bert", *FAST, *options,
            env={"ADCLI_CACHE": str(tmp_path / "cache")},
        )  # fmt: skip

    return call


@pytest.mark.slow
def test_behaviour_is_learned_later_behaviour_is_learned_on_and_embed_takes_both(
    learn, adcli, shop, tmp_path
):
    catalog = ("--catalog", shop / "products.parquet")
    tuning = ("--tune", "adapter", "--steps", "8", "--learning-rate", "3e-2", "--hard-negatives")
    done = learn("events.csv", *catalog, *tuning, "-o", "encoder")
    assert done.returncode == 0, done.said
    assert "pairs: " in done.said
    assert "recall@10, held out" in done.said
    content = json.loads((tmp_path / "encoder" / "adapter.json").read_text())
    assert content["objective"] == "contrastive"
    assert content["scores"]["new data"]["after"] >= 0
    assert str(shop / "events.csv") == content["learned_from"][0]["path"]
    assert "seconds" not in json.dumps(content)
    again = learn("later.csv", *catalog, "--from", "encoder", "--steps", "4", "-o", "encoder2")
    assert again.returncode == 0, again.said
    assert "recall@10 on new data" in again.said
    assert "recall@10 on earlier data" in again.said
    content = json.loads((tmp_path / "encoder2" / "adapter.json").read_text())
    assert content["tuning"] == "adapter"
    assert set(content["scores"]) == {"new data", "earlier data"}
    products = shop / "products.parquet"
    embedded = {}
    for name, adapter in {"plain": (), "tuned": ("--adapter", "encoder2")}.items():
        made = adcli("embed", products, "--model", shop / "bert", *adapter, "-o", f"{name}.parquet")
        assert made.returncode == 0, made.said
        embedded[name] = pl.read_parquet(tmp_path / f"{name}.parquet")["embedding"].to_numpy()
    assert abs(embedded["tuned"] - embedded["plain"]).max() > 1e-3
    expected = Encoder.load(str(shop / "bert"), adapter=tmp_path / "encoder2").encode(
        pl.read_parquet(products)["title"].to_list()
    )
    assert abs(embedded["tuned"] - expected).max() < 1e-5


@pytest.mark.slow
def test_earlier_data_of_another_kind_are_left_out_and_said_to_be(learn, shop):
    done = learn("products.parquet", "--steps", "2", "-o", "texts")
    assert done.returncode == 0, done.said
    again = learn(
        "events.csv", "--catalog", shop / "products.parquet", "--from", "texts", "--steps", "2", "-o", "b"
    )
    assert again.returncode == 0, again.said
    assert "of another kind than the input, so none are learned again" in again.said


@pytest.mark.slow
def test_a_killed_run_is_run_again_to_the_same_directory(learn, shop, tmp_path):
    options = ("--catalog", str(shop / "products.parquet"), "--steps", "24", "--patience", "100")
    whole = learn("events.csv", *options, "-o", "whole")
    assert whole.returncode == 0, whole.said
    for path in (tmp_path / "cache" / "training").glob("*"):
        path.rename(tmp_path / "first-checkpoints")
    killed = subprocess.Popen(
        [sys.executable, "-m", "adcli", "optimize", "encoder", shop / "events.csv", "--model", shop / "bert",
         *FAST, *options, "-o", "resumed"],
        cwd=tmp_path, stderr=subprocess.PIPE, env={**_environment(), "ADCLI_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    until = time.monotonic() + 60
    while not list((tmp_path / "cache" / "training").glob("*/step-*")) and time.monotonic() < until:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "resumed").exists()
    again = learn("events.csv", *options, "-o", "resumed")
    assert again.returncode == 0, again.said
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "resumed" / path.name).read_bytes() == path.read_bytes(), path.name


def _environment():
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_few_labels_are_learned_and_the_next_to_label_are_suggested(learn, tmp_path):
    done = learn("labelled.csv", "--label", "label", "--steps", "6", "-o", "encoder")
    assert done.returncode == 0, done.said
    assert "roc_auc, held out" in done.said
    content = json.loads((tmp_path / "encoder" / "adapter.json").read_text())
    assert content["objective"] == "few-labels"
    assert (tmp_path / "encoder" / "head.safetensors").exists()
    asked = learn("partly.csv", "--suggest", "3", "--label", "label", "--from", "encoder", "--to", "csv")
    assert asked.returncode == 0, asked.said
    lines = asked.text.strip().splitlines()
    assert lines[0] == "text,label,predicted,uncertainty"
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("events.csv", "-o", "x"), 3, "Give --catalog"),
        (("events.csv", "--catalog", "CATALOG", "--label", "wrong", "-o", "x"), 3, "no column 'wrong' for --label"),
        (("products.parquet", "--objective", "contrastive", "-o", "x"), 2, "learns from a log of events"),
        (("labelled.csv", "--suggest", "3", "--label", "label"), 2, "every row has a value in label"),
        (("products.parquet", "--steps", "3", "--epochs", "1", "-o", "x"), 2, "say the same thing"),
        (("events.csv", "--catalog", "CATALOG", "--cutoff", "1999-01-01", "-o", "x"), 3, "before --cutoff"),
        (("products.parquet", "--from", "nowhere", "-o", "x"), 2, "nowhere is not a directory"),
        (("products.parquet",), 2, "name it with -o"),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_one_sentence(learn, shop, options, code, sentence):
    name, *others = options
    done = learn(name, *(shop / "products.parquet" if o == "CATALOG" else o for o in others))
    assert done.returncode == code, done.said
    assert sentence in done.said
