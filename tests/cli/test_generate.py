"""Ads as a user asks for them: a table, files for upload, a table for review, reasons."""

import csv
import json

import models
import polars as pl
import pytest

from adcli.copy.channels import CHANNELS

PRODUCTS = (
    "item_id,title,brand,description,material,colour,url\n"
    '1,"Emberly gooseneck kettle, 1.2 l",Emberly,"Gooseneck kettle for tea, 1.2 l. Boils in 3 minutes.",steel,black,https://shop.example/1\n'
    '2,"Nordlys shampoo bar",Nordlys,"Solid shampoo for curly hair without sulphates, 90 g.",,,\n'
    '3,"Halden wool blanket, 130 x 180 cm",Halden,"Blanket for newborns, machine washable.",wool,"grey",https://shop.example/3\n'
    "4,,,,,,https://shop.example/4\n"
)
GENERATE = ["generate", "products.csv", "-n", "2", "--model", "none"]


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "products.csv").write_text(PRODUCTS)
    return tmp_path


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_one_run_writes_ads_files_for_upload_and_a_review(adcli, shop):
    done = adcli(
        *GENERATE, "--export", "google-ads-editor=upload", "--campaign", "Autumn Tea",
        "--review", "review.csv", "--explain", "-o", "ads.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    ads = rows(shop / "ads.csv")
    assert {"angle", "channel", "headlines", "descriptions", "paths", "final_url", "score_click"} <= set(
        ads[0]
    )
    assert {ad["item_id"] for ad in ads} >= {"1", "2"}
    for ad in ads:
        assert ad["headline"] == json.loads(ad["headlines"])[0]
        assert ad["description"] == json.loads(ad["descriptions"])[0]
        assert len(json.loads(ad["headlines"])) >= 3
        assert len(json.loads(ad["fact_sources"])) == len(json.loads(ad["facts"]))
    assert json.loads(next(ad for ad in ads if ad["item_id"] == "1")["paths"])[0] == "kettle"
    uploaded = rows(shop / "upload" / "responsive-search-ads.csv")
    linked = [ad for ad in ads if ad["final_url"]]
    assert [row["Final URL"] for row in uploaded] == [ad["final_url"] for ad in linked]
    assert "utm_campaign=autumn-tea" in uploaded[0]["Final URL"]
    assert uploaded[0]["Campaign"] == "Autumn Tea"
    assert "nothing wrong" in done.said
    assert [row["ad_id"] for row in rows(shop / "review.csv")] == [ad["ad_id"] for ad in ads]
    assert list(rows(shop / "review.csv")[0]) == ["ad_id", "decision", "edited_text", "note"]
    assert not (shop / "review.csv.meta.json").exists()  # people change it
    assert json.loads((shop / "upload.meta.json").read_text())["command"][1] == "generate"
    again = adcli(
        *GENERATE, "--export", "google-ads-editor=upload", "--review", "review.csv", "-o", "ads.csv"
    )
    assert again.returncode == 0, again.said


def test_all_of_a_channels_files_can_be_uploaded(adcli, shop):
    for platform, channel in (
        ("google-ads-editor", "google-pmax"),
        ("google-ads-editor", "google-display"),
        ("microsoft-editor", "microsoft-search"),
        ("meta-bulk", "meta-feed"),
    ):
        done = adcli(
            *GENERATE, "--channel", channel, "--export", f"{platform}={channel}", "--business-name", "Teahouse",
            "-o", "ads.parquet",
        )  # fmt: skip
        assert done.returncode == 0, done.said
        assert "nothing wrong" in done.said
        assert len(list((shop / channel).iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--channel", "search"], "There is no channel 'search'. Did you mean 'google-search'?"),
        (["--channel", "googel-search"], "Did you mean 'google-search'?"),
        (["--export", "google-editor=x"], "Did you mean 'google-ads-editor'?"),
        (["--export", "google-ads-editor"], "it needs a folder"),
        (["--export", "meta-bulk=x"], "takes no ads of --channel google-search"),
        (["--channel", "google-pmax", "--export", "google-ads-editor=x"], "--business-name"),
        (["--business-name", "Tea"], "--business-name has no effect without --export"),
        (["--facts-only", "--review", "r.csv"], "--review has no effect with --facts-only"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(adcli, shop, options, said):
    done = adcli("generate", "products.csv", *options)
    assert done.returncode == 2
    assert said in done.said
    assert [path.name for path in shop.iterdir()] == ["products.csv"]


def test_without_pages_nothing_is_uploaded_and_nothing_half_written(adcli, shop):
    (shop / "products.csv").write_text(PRODUCTS.replace("https://shop.example/", ""))
    done = adcli(*GENERATE, "--export", "google-ads-editor=upload", "-o", "ads.csv")
    assert done.returncode == 3
    assert "No product has a page that ads could lead to" in done.said
    assert [path.name for path in shop.iterdir()] == ["products.csv"]


def test_channels_that_help_names_are_those_there_are(adcli):
    told = " ".join(adcli("generate", "--help").text.replace("│", " ").split())
    assert all(name in told for name in CHANNELS)


LEARN = ("--model", "bert", "--precision", "fp32", "--train-length", "16", "--steps", "2")


@pytest.mark.slow
def test_clicks_and_reviews_are_learned_from_and_clicks_choose_ads(adcli, shop):
    models.tiny_bert(shop / "bert")
    assert (
        adcli(*GENERATE, "--channel", "plain", "--review", "review.csv", "-o", "ads.parquet").returncode == 0
    )
    ads = pl.read_parquet(shop / "ads.parquet").with_row_index("number")
    shown = ads.join(pl.DataFrame({"turn": range(40)}), how="cross").select(
        "ad_id",
        click=(pl.col("turn") % 4 < pl.col("number") % 3).cast(pl.Int8),
        propensity=pl.when(pl.col("number") % 2 == 0).then(0.75).otherwise(0.25),
    )
    shown.write_csv(shop / "impressions.csv")
    done = adcli(
        "optimize", "encoder", "impressions.csv", "--catalog", "ads.parquet", "--label", "click",
        "--objective", "classify", "--batch-size", "16", *LEARN, "-o", "clicks",
    )  # fmt: skip
    assert done.returncode == 0, done.said
    assert "learned within items" in done.said
    assert "weighted by 1 / propensity" in done.said
    told = adcli(
        *GENERATE, "--channel", "plain", "--judge", "bert", "--click-model", "clicks", "--running", "ads.parquet",
        "--explain", "-o", "chosen.parquet",
    )  # fmt: skip
    assert told.returncode == 0, told.said
    chosen = pl.read_parquet(shop / "chosen.parquet")
    assert chosen["score_click"].is_between(0, 1, closed="none").all()
    assert chosen["score_novelty"].null_count() == 0
    review = pl.read_csv(shop / "review.csv").with_row_index("number")
    decided = pl.when(pl.col("number") % 2 == 0).then(pl.lit("accept")).otherwise(pl.lit("reject"))
    review.drop("number").with_columns(decision=review.select(decided).to_series()).write_csv(
        shop / "review.csv"
    )
    done = adcli(
        "optimize",
        "encoder",
        "ads.parquet",
        "--reviewed",
        "review.csv",
        "--batch-size",
        "2",
        *LEARN,
        "-o",
        "taste",
    )
    assert done.returncode == 0, done.said
    assert "labelled texts: " in done.said
    assert "accepted" in done.said
    wrong = adcli(*GENERATE, "--judge", "bert", "--click-model", "taste")
    assert wrong.returncode == 3
    assert "was not learned from clicks" in wrong.said
