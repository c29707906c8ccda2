"""Facts written out, and ads judged one by one, as a user asks for them."""

import json

import models
import polars as pl
import pytest
from told import rows

PRODUCTS = (
    "item_id,title,brand,description\n"
    '1,"Emberly gooseneck kettle, 1.2 l",Emberly,"Gooseneck kettle for tea, 1.2 l. Brushed steel body; boils in 3 minutes."\n'
    '2,"Nordlys solid shampoo bar",Nordlys,"Solid shampoo for curly hair without sulphates, 90 g."\n'
    "3,,,\n"
)
ADS = [
    {"ad_id": "a", "item_id": "1", "text": "A gooseneck kettle of 1.2 l for slow mornings."},
    {"ad_id": "b", "item_id": "1", "text": "No kettle pours better than this one."},
    {"ad_id": "c", "item_id": "2", "text": "A shampoo bar of 900 g."},
    {"ad_id": "d", "item_id": "9", "text": "The best of all."},
]


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "products.csv").write_text(PRODUCTS)
    (tmp_path / "ads.jsonl").write_text("\n".join(map(json.dumps, ADS)))
    return tmp_path


def test_facts_alone_are_one_row_each_and_a_product_without_text_stops_no_other(adcli, shop):
    done = adcli("generate", "products.csv", "--facts-only")
    found = rows(done)
    assert list(found[0]) == ["item_id", "slot", "value", "role", "span", "negated", "source"]
    assert {("1", "kind", "gooseneck kettle"), ("1", "capacity", "1.2 l"), ("2", "weight", "90 g")} <= {
        (row["item_id"], row["slot"], row["value"]) for row in found
    }
    assert [row["negated"] for row in found if row["value"] == "sulphates"] == [True]
    assert "1 rejected" in done.said


def test_a_brands_file_and_reviews_add_facts(adcli, shop):
    own = "item_id,slot,value\n,warranty,2 years warranty\n77,material,oak\n"
    (shop / "own.csv").write_text(own)
    (shop / "reviews.csv").write_text(
        "item_id,text,rating\n1,Pours exactly and looks lovely.,5\n1,It leaks.,1\n"
    )
    done = adcli("generate", "products.csv", "--facts-only", "--facts", "own.csv", "--reviews", "reviews.csv")
    assert "1 items that are not among the products: 77." in done.said
    found = rows(done)
    assert [row["source"] for row in found if row["slot"] == "warranty"] == ["own.csv", "own.csv"]
    assert [row["value"] for row in found if row["source"] == "review"] == ["Pours exactly and looks lovely"]


def test_each_ad_has_its_verdict(adcli, shop):
    done = adcli("evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--each")
    found = {row["ad_id"]: row for row in rows(done)}
    assert list(found["a"]) == ["ad_id", "publishable", "findings"]
    assert [found[name]["publishable"] for name in "abcd"] == [True, False, False, False]
    assert list(found["b"]["findings"][0]) == ["rule", "span", "severity", "layer", "source"]
    assert found["c"]["findings"][0]["rule"] == "number.unsupported"
    assert found["d"]["findings"][0]["rule"] == "absolute.best"
    assert "1 of 4 ads may run" in done.said


def test_the_market_and_the_brands_rules_decide(adcli, shop):
    (shop / "ads.jsonl").write_text(
        json.dumps({"ad_id": "a", "item_id": "1", "text": "A climate-neutral kettle."})
    )
    [found] = rows(
        adcli("evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--each", "--market", "eu")
    )
    assert "eu.climate_neutral" in {finding["rule"] for finding in found["findings"]}
    (shop / "rules.csv").write_text("rule,text\nmust-not-say,kettle\nmust-say,Emberly\n")
    [found] = rows(
        adcli("evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--each", "--rules", "rules.csv")
    )
    said = {finding["rule"] for finding in found["findings"]}
    assert {"brand.must_say", "brand.must_not_say"} <= said
    (shop / "rules.toml").write_text('must-say = ["Emberly"]\nmust_not_say = ["kettle"]\n')
    [found] = rows(
        adcli("evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--each", "--rules", "rules.toml")
    )
    assert {finding["rule"] for finding in found["findings"]} == said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "rules",
            "rule,text\nmust-say,tea\nmust-not-say,tea\n",
            "'tea' is both what an ad must say and must not say",
        ),
        ("rules", "rule,text,reason\nmust-say,tea,x\n", "there is no field 'reason'"),
        ("facts", "slot,value\ncolr,red\n", "there is no slot 'colr'. Did you mean 'colour'"),
    ],
)
def test_a_file_of_the_brand_that_is_not_clear_is_one_sentence(adcli, shop, name, content, said):
    (shop / "brand.csv").write_text(content)
    done = adcli(
        "evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--each", f"--{name}", "brand.csv"
    )
    assert done.returncode == 3
    assert said in done.said
    assert done.text == ""


def test_each_is_one_kind_of_answer(adcli, shop):
    done = adcli("evaluate", "ads", "ads.jsonl", "--each", "--by", "item_id")
    assert done.returncode == 2
    assert "--by" in done.said
    assert "--each" in done.said


def test_a_checker_learned_from_a_catalogue_is_asked_and_a_rule_may_only_warn(adcli, tmp_path):
    models.tiny_bert(tmp_path / "bert")
    kinds = ("lamp", "mug", "towel", "chair", "kettle", "backpack", "vase", "blanket")
    matters = ("oak", "steel", "cotton", "linen", "brass", "nylon", "glass", "wool")
    said = (
        "Without a plug.",
        "Dishwasher-safe.",
        "With a loop.",
        "Folds flat.",
        "With a lid.",
        "Waterproof.",
        "5 cm high.",
        "For dogs.",
    )
    pl.DataFrame(
        [
            {
                "item_id": f"{n}",
                "title": f"Acme{n} {kind}",
                "brand": f"Acme{n}",
                "description": f"A {kind} of {matter}. {more}",
            }
            for n, (kind, matter, more) in enumerate(zip(kinds, matters, said, strict=True))
        ]
    ).write_csv(tmp_path / "products.csv")
    cache = {"ADCLI_CACHE": str(tmp_path / "cache")}
    learned = adcli(
        "optimize", "encoder", "products.csv", "--objective", "claims", "--model", "bert", "--steps", "2",
        "--batch-size", "8", "--train-length", "32", "--precision", "fp32", "-o", "checker", env=cache,
    )  # fmt: skip
    assert learned.returncode == 0, learned.said
    assert "as many true as false" in learned.said
    made = json.loads((tmp_path / "checker" / "adapter.json").read_text())
    assert (made["objective"], made["labels"]) == ("claims", ["unsupported", "supported"])

    texts = ("A lamp of oak.", "You won't believe this lamp.", "The best lamp.")
    ads = [
        {"ad_id": f"{n}", "item_id": "0", "channel": "plain", "text": text} for n, text in enumerate(texts)
    ]
    (tmp_path / "ads.jsonl").write_text("\n".join(map(json.dumps, ads)))
    judged = rows(
        adcli(
            "evaluate", "ads", "ads.jsonl", "--products", "products.csv", "--checker", "checker", "--each",
            "--to", "ndjson", env=cache,
        )
    )  # fmt: skip
    severities = [{found["rule"]: found["severity"] for found in row["findings"]} for row in judged]
    assert severities[1]["clickbait"] == "warn"
    assert severities[2]["absolute.best"] == "block"
    assert [row["publishable"] for row in judged[::2]] == [True, False]
