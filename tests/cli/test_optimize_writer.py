"""`adcli optimize writer` as its user meets it: stage after stage, used by `generate`, refused."""

import json
from random import Random
from types import SimpleNamespace

import models
import polars as pl
import pytest

from adcli.cli.optimize.writer_scores import warn_of_divergence
from adcli.core.training.settings import Evaluation

FAST = ("--precision", "fp32", "--new-tokens", "8", "--rank", "4", "--held-out", "0.2")
KINDS = ("mug", "lantern", "jacket", "bottle", "bag", "candle", "shirt", "boots")
WHAT = ("steel", "cotton", "leather", "metal")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("shop"), Random(3)
    products, ads, shown = ["item_id,title,material"], ["ad_id,item_id,text"], ["ad_id,click"]
    for number in range(24):
        kind, what = KINDS[number % 8], WHAT[number % 4]
        products.append(f"{number},{what} {kind},{what}")
        for place, text in enumerate((f"soft {what} {kind}", f"the {kind} for women", f"{kind} and {what}")):
            ads.append(f"{number}-{place},{number},{text}")
            rate = 0.5 if "women" in text else 0.05
            shown += [f"{number}-{place},{int(random.random() < rate)}" for _ in range(40)]
    for name, lines in {"products": products, "ads": ads, "log": shown}.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    said = "Holds 300 ml. Dishwasher safe. Weighs 40 g."  # a product of which less is known gets no ad
    rich = [
        "item_id,title,material,description",
        f"a,steel mug,steel,{said}",
        f"b,cotton lantern,cotton,{said}",
    ]
    (folder / "rich.csv").write_text("\n".join(rich) + "\n")
    models.tiny_llama(folder / "llama", positions=1024)
    models.tiny_bert(folder / "bert")
    return folder


@pytest.fixture
def learn(adcli, shop, tmp_path):
    def call(*options, catalog=("--catalog", shop / "products.csv")):
        return adcli(
            "optimize", "writer", shop / "ads.csv", *catalog, "--model", shop / "llama", *FAST, *options,
            env={"ADCLI_CACHE": str(tmp_path / "cache")},
        )  # fmt: skip

    return call


def description(folder):
    return json.loads((folder / "adapter.json").read_text())


@pytest.mark.slow
def test_a_writer_learns_stage_after_stage_and_generate_takes_it(learn, adcli, shop, tmp_path):
    log = ("--log", shop / "log.csv")
    (tmp_path / "facts.csv").write_text("item_id,slot,value\n0,certificate,OEKO-TEX\n")
    done = learn("--facts", "facts.csv", "--steps", "16", "--learning-rate", "3e-2", "-o", "first")
    assert done.returncode == 0, done.said
    assert "ads to learn from" in done.said
    evaluations = description(tmp_path / "first")["trained"]["evaluations"]
    assert {"log_likelihood", "kl", "self_bleu", "distinct_2", "reward", "claims"} <= set(
        evaluations[0]["watched"]
    )
    assert max(row["score"] for row in evaluations) > evaluations[0]["score"]
    wider = adcli(
        "optimize", "writer", shop / "ads.csv", "--catalog", shop / "products.csv", "--model", shop / "llama",
        "--from", "first", "--rank", "8", "-o", "again",
    )  # fmt: skip
    assert wider.returncode == 2
    assert "has the rank 4, not 8" in wider.said
    done = learn("--steps", "2", "--from", "first", "--replay-share", "0.5", "-o", "again")
    assert done.returncode == 0, done.said
    assert "ads of first are replayed beside" in done.said
    counts = description(tmp_path / "again")["counts"]
    assert counts["replayed"] > 0
    assert len((tmp_path / "again" / "replay.ndjson").read_text().splitlines()) <= 500
    done = learn(*log, "--stage", "preference", "--steps", "4", "--from", "first", "-o", "second")
    assert done.returncode == 0, done.said
    assert "pairs of a better and a worse ad" in done.said
    done = learn(
        *log, "--stage", "reinforce", "--steps", "3", "--batch-size", "2", "--from", "second", "-o", "third"
    )
    assert done.returncode == 0, done.said
    assert "better than a constant" in done.said
    content = description(tmp_path / "third")
    assert {"clicks", "held_out_clicks", "claims", "length", "variety"} <= set(
        content["trained"]["evaluations"][-1]["watched"]
    )
    done = learn(
        "--stage", "adversarial", "--discriminator", shop / "bert", "--steps", "2", "--batch-size", "2",
        "--samples", "4", "--from", "first", "-o", "fourth",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "no gain over the temperature curve: not below it at" in done.said
    assert {"accuracy", "quality", "diversity", "self_bleu", "distinct_2", "kl"} <= set(
        description(tmp_path / "fourth")["trained"]["evaluations"][-1]["watched"]
    )
    written = adcli(
        "generate", shop / "rich.csv", "--model", shop / "llama", "--adapter", "third", "-n", "1",
        "--channel", "plain", "--candidates", "4", "-o", "ads.csv",
    )  # fmt: skip
    assert written.returncode == 0, written.said
    assert (tmp_path / "ads.csv").read_text().count("\n") == 3
    ranked = adcli(
        "generate", shop / "rich.csv", "--model", shop / "llama", "--adapter", "fourth", "-n", "1",
        "--channel", "plain", "--candidates", "4", "-o", "ranked.csv",
    )  # fmt: skip
    assert ranked.returncode == 0, ranked.said
    assert pl.read_csv(tmp_path / "ranked.csv")["score_human"].null_count() == 0
    other = models.tiny_gpt2(tmp_path / "gpt2")
    refused = adcli("generate", shop / "rich.csv", "--model", other, "--adapter", "third")
    assert refused.returncode == 3
    assert "made for another model" in refused.said


def test_products_with_an_ad_each_need_no_ids(adcli, shop, tmp_path):
    both = [(WHAT[n % 4], KINDS[n % 8]) for n in range(24)]
    rows = ["headline,copy", *(f"{what} {kind},{kind} and {what}" for what, kind in both)]
    (tmp_path / "pairs.csv").write_text("\n".join(rows) + "\n")
    done = adcli(
        "optimize", "writer", "pairs.csv", "--map", "title=headline", "--model", shop / "llama", *FAST,
        "--steps", "1", "--batch-size", "2", "-o", "writer",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "read as pairs" in done.said
    assert description(tmp_path / "writer")["counts"]["prompts"] == 8  # each distinct product is one


@pytest.mark.slow
def test_segments_are_told_by_their_vectors_where_that_is_better(adcli, shop, tmp_path):
    random, segments = Random(5), ("students", "gardeners")
    lines, shown = ["ad_id,item_id,segment_id,segment_name,text"], ["ad_id,click"]
    for number in range(24):
        kind, what = KINDS[number % 8], WHAT[number % 4]
        for segment, text in zip(segments, (f"the {kind}", f"{what} and {kind}"), strict=True):
            lines.append(f"{number}{segment},{number},{segment},of them,{text}")
            shown += [f"{number}{segment},{int(random.random() < 0.3)}" for _ in range(20)]
    (tmp_path / "ads.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "log.csv").write_text("\n".join(shown) + "\n")
    vectors = [[1.0, 0.1], [0.9, 0.0], [0.0, 1.0], [0.2, 0.9]]
    users = {"id": list("abcd"), "kind": ["user"] * 4, "embedding": vectors,
             "segment_id": [segments[at // 2] for at in range(4)],
             "segment_name": ["of them"] * 4}  # fmt: skip
    pl.DataFrame(users, schema_overrides={"embedding": pl.Array(pl.Float32, 2)}).write_parquet(
        tmp_path / "users.parquet"
    )
    done = adcli(
        "optimize", "writer", "ads.csv", "--catalog", shop / "products.csv", "--log", "log.csv",
        "--profiles", "users.parquet", "--model", shop / "llama", *FAST, "--steps", "40",
        "--learning-rate", "2e-2", "-o", "writer",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "Segments are told by their vectors" in done.said
    assert description(tmp_path / "writer")["audience"]["told_by"] == "vectors"
    written = adcli(
        "generate", shop / "rich.csv", "--model", shop / "llama", "--adapter", "writer", "--profiles",
        "users.parquet", "-n", "1", "--channel", "plain", "--candidates", "4", "-o", "out.csv",
    )  # fmt: skip
    assert written.returncode == 0, written.said
    assert {row["segment_id"] for row in pl.read_csv(tmp_path / "out.csv").to_dicts()} == set(segments)
    others = pl.read_parquet(tmp_path / "users.parquet").with_columns(
        embedding=pl.Series([[1.0, 0.0, 0.0]] * 4, dtype=pl.Array(pl.Float32, 3))
    )
    others.write_parquet(tmp_path / "others.parquet")
    refused = adcli(
        "generate", shop / "rich.csv", "--model", shop / "llama", "--adapter", "writer", "--profiles",
        "others.parquet", "--channel", "plain",
    )  # fmt: skip
    assert refused.returncode == 3
    assert "vectors of 3 dimensions, the adapter was taught with 2" in refused.said
    nobody = adcli(
        "optimize", "writer", shop / "ads.csv", "--catalog", shop / "products.csv", "--profiles",
        "users.parquet", "--model", shop / "llama", *FAST, "-o", "none",
    )  # fmt: skip
    assert nobody.returncode == 3
    assert "fewer than two segments of the profiles" in nobody.said
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--stage", "reinforce"), 2, "needs clicks"),
        (("--stage", "preference"), 3, "known to be better"),
        (("--batch-size", "500"), 3, "fewer than one batch of 500"),
        (("--stage", "reinforce", "--kept", "9"), 2, "more than --samples 8"),
        (("--discriminator", "minilm"), 2, "--discriminator has no effect with --stage supervised"),
        (("--stage", "adversarial", "--reviewed", "none.csv"), 3, "0 ads that people wrote"),
        (("--samples", "9"), 2, "--samples has no effect with --stage supervised"),
        (("--stage", "preference", "--rules", "r.toml"), 2, "--rules has no effect with --stage preference"),
        (("--replay-share", "0.3"), 2, "Name it with --from"),
        (
            ("--stage", "preference", "--replay-share", "0.3"),
            2,
            "--replay-share has no effect with --stage preference",
        ),
        (("--from", "nowhere"), 2, "not a directory"),
        (("--learning-rate", "inf"), 2, "makes no sense"),
    ],
)
def test_what_can_not_be_learned_is_one_sentence(learn, shop, tmp_path, options, code, said):
    none = [f"{row.split(',')[0]},reject" for row in (shop / "ads.csv").read_text().splitlines()[1:]]
    (tmp_path / "none.csv").write_text("\n".join(["ad_id,decision", *none]) + "\n")
    done = learn(*options, "-o", "writer")
    assert done.returncode == code, done.said
    assert said in done.said
    assert not (tmp_path / "writer").exists()


def test_ads_without_products_and_clicks_that_say_nothing_are_refused(learn, shop, tmp_path):
    done = learn("-o", "writer", catalog=())
    assert done.returncode == 3
    assert "no products" in done.said
    rows = [line.rpartition(",")[0] for line in (shop / "log.csv").read_text().splitlines()[1:]]
    random = Random(1)
    (tmp_path / "noise.csv").write_text(
        "\n".join(["ad_id,click", *(f"{row},{int(random.random() < 0.2)}" for row in rows)])
    )
    done = learn("--stage", "reinforce", "--log", tmp_path / "noise.csv", "-o", "writer")
    assert done.returncode == 3, done.said
    assert "no better than a constant" in done.said


@pytest.mark.parametrize(
    ("scores", "said"),
    [((0.3,), ""), ((0.1,), "said less: the writer of step 0"), ((0.1, 0.0), "training was stopped")],
    ids=["rises too", "falls", "falls twice"],
)
def test_a_reward_that_rises_alone_is_said_and_stops_the_training(scores, said):
    """Also of a training of which nothing was better than its beginning."""
    evaluations = [Evaluation(0, 0.0, 0.2, {"reward": 1.0})]
    evaluations += [Evaluation(9 * n, 0.0, score, {"reward": 1.0 + n}) for n, score in enumerate(scores, 1)]
    warned = []
    warn_of_divergence(SimpleNamespace(warn=warned.append), evaluations, evaluations[0])
    assert said in "".join(warned)
    assert bool(warned) == bool(said)
