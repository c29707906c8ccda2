"""What a table of ads is worth, with intervals over products."""

import numpy as np
import polars as pl
import pytest

from adcli.copy.facts import catalogue_facts
from adcli.errors import DataError
from adcli.evaluate.ads.scores import bert_score, reading_ease
from adcli.evaluate.ads.table import ad_table

PRODUCTS = pl.DataFrame(
    {
        "item_id": ["a", "b"],
        "title": ["Acme Cotton Towel", "Zenith Ceramic Mug"],
        "brand": ["Acme", "Zenith"],
        "material": ["Cotton", "Ceramic"],
    }
)
ADS = pl.DataFrame(
    {
        "ad_id": ["1", "2", "3", "4"],
        "item_id": ["a", "a", "b", "b"],
        "channel": ["google-search", "google-search", "google-search", "email"],
        "headline": ["Acme Cotton Towel", "Best Towel in the World", "Zenith Mug", "A mug for your mornings"],
        "description": [
            "A cotton towel that is soft.", "A silk towel of 700 GSM.", "A ceramic mug for slow mornings.", "Look, an idiot mug." * 5,
        ],
        "text": [
            "Acme Cotton Towel. A cotton towel that is soft.", "Best Towel in the World. A silk towel of 700 GSM.",
            "Zenith Mug. A ceramic mug for slow mornings.", "A mug for your mornings. Look, an idiot mug.",
        ],
        "flags": [[], [], ["template"], []],
    }
)  # fmt: skip


FACTS = catalogue_facts(PRODUCTS.to_dicts()).products


def value(table, metric, group="all"):
    return table.filter(pl.col("metric") == metric, pl.col("group") == group)["value"].item()


def letters(texts):
    """(n, 26) unit vectors of letter counts."""
    counts = np.array(
        [[text.lower().count(chr(97 + k)) + 1e-6 for k in range(26)] for text in texts], np.float32
    )
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_the_columns_are_the_machine_readable_ones():
    table = ad_table(ADS, products=FACTS)
    assert table.columns == ["metric", "group", "value", "ci_low", "ci_high", "n", "definition"]
    assert table["definition"].null_count() == 0


def test_too_few_products_have_no_end_of_an_interval_either():
    found = ad_table(ADS).filter(pl.col("metric").is_in(["distinct_1", "self_bleu"]))
    assert found["ci_low"].null_count() == found["ci_high"].null_count() == 2


def test_groups_of_a_column_of_lists_hold_each_value():
    table = ad_table(ADS.with_columns(flags=pl.Series([["x"], ["x", "y"], [], None])), by=["flags"])
    assert table["group"].unique(maintain_order=True).to_list() == ["all", "flags=x", "flags=y"]
    assert table.filter(pl.col("group") == "flags=x", pl.col("metric") == "words")["n"].item() == 2


def test_rates_count_what_is_wrong():
    table = ad_table(ADS, products=FACTS)
    assert value(table, "unsupported_claim_rate") == 0.25
    assert value(table, "banned_term_rate") == 0.25
    assert value(table, "toxicity_rate") == 0.25
    assert value(table, "format_fit_rate") == 0.75
    assert value(table, "duplicate_rate") == 0.0


def test_without_products_claims_are_not_judged():
    assert "unsupported_claim_rate" not in set(ad_table(ADS)["metric"])


def test_groups_stand_beside_the_whole():
    table = ad_table(ADS, by=["channel"])
    assert set(table["group"]) == {"all", "channel=google-search", "channel=email"}
    assert value(table, "toxicity_rate", "channel=email") == 1.0
    assert value(table, "toxicity_rate", "channel=google-search") == 0.0


def test_references_by_item_or_by_ad():
    by_item = ad_table(
        ADS, references=pl.DataFrame({"item_id": ["a"], "text": ["A cotton towel that is soft."]})
    )
    by_ad = ad_table(ADS, references=pl.DataFrame({"ad_id": ["1"], "text": [ADS["text"][0]]}))
    assert 0 < value(by_item, "rouge_l") < 1
    assert value(by_ad, "rouge_l") == pytest.approx(1)
    assert value(by_ad, "bleu") == pytest.approx(100)
    assert by_ad.filter(pl.col("metric") == "rouge_l")["n"].item() == 1
    tokens = ad_table(
        ADS,
        references=pl.DataFrame({"ad_id": ["1"], "text": [ADS["text"][0]]}),
        encode_tokens=lambda texts: [letters(text.split()) for text in texts],
    )
    assert value(tokens, "bert_score") == pytest.approx(1, abs=1e-6)


def test_bert_score_matches_each_token_with_its_nearest():
    left = np.eye(3, dtype=np.float32)
    right = np.eye(3, dtype=np.float32)[:2]
    assert bert_score(left, right) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))


def test_perplexity_is_over_all_tokens():
    tokens = np.array([2, 4, 2, 2])
    table = ad_table(ADS, likelihood=lambda texts: (-np.log(8.0) * tokens, tokens))
    assert value(table, "perplexity") == pytest.approx(8)


def test_repetition_is_seen():
    twice = pl.concat([ADS, ADS.with_columns(pl.col("ad_id") + "x")])
    once, again = ad_table(ADS), ad_table(twice)
    assert value(again, "duplicate_rate") == 0.5
    assert value(again, "self_bleu") == pytest.approx(100)
    assert value(again, "distinct_2") == pytest.approx(value(once, "distinct_2") / 2)


def test_ratings_that_follow_a_measure_agree_with_it():
    rng = np.random.default_rng(0)
    n = 60
    lengths = rng.integers(3, 12, n)
    ads = pl.DataFrame(
        {
            "ad_id": [str(k) for k in range(n)],
            "item_id": [str(k) for k in range(n)],
            "text": [" ".join(f"w{k}x{j}" for j in range(length)) for k, length in enumerate(lengths)],
            "rating": (lengths + rng.normal(0, 1, n)).tolist(),
        }
    )
    table = ad_table(ads, ratings=["rating"]).filter(pl.col("group") == "rating ~ words")
    spearman = table.filter(pl.col("metric") == "spearman").row(0, named=True)
    assert spearman["ci_low"] > 0.5
    assert spearman["ci_low"] < spearman["value"] < spearman["ci_high"] < 1
    assert set(table["metric"]) == {"spearman", "kendall"}


def test_reading_ease():
    assert reading_ease("The cat sat on the mat.") > 100
    assert reading_ease("Extraordinarily sophisticated characteristics.") < 0
    assert reading_ease("这款连衣裙") is None


@pytest.mark.parametrize(
    ("ads", "more", "message"),
    [
        (ADS.clear(), {}, "no ads"),
        (ADS.drop("text"), {}, "no column 'text'"),
        (ADS, {"by": ["campaign"]}, "no column 'campaign'"),
        (ADS, {"ratings": ["stars"]}, "no column 'stars'"),
    ],
)
def test_bad_input_is_one_sentence(ads, more, message):
    with pytest.raises(DataError, match=message):
        ad_table(ads, **more)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_interval_of_an_agreement_covers_the_truth(rho):
    from adcli.evaluate.ads.table import agreement_rows

    rng = np.random.default_rng(5)
    truth = {"spearman": 6 / np.pi * np.arcsin(rho / 2), "kendall": 2 / np.pi * np.arcsin(rho)}
    inside = {"spearman": 0, "kendall": 0}
    trials = 400
    for _ in range(trials):
        x = rng.normal(size=80)
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=80)
        for row in agreement_rows(pl.DataFrame({"x": x}), pl.Series(y), "y", 0.95):
            inside[row.metric] += row.ci_low <= truth[row.metric] <= row.ci_high
    assert 0.92 <= inside["spearman"] / trials <= 0.98
    assert 0.92 <= inside["kendall"] / trials <= 0.98


def test_intervals_of_rates_over_products_cover_the_truth():
    rng = np.random.default_rng(11)
    inside, trials = 0, 300
    for _ in range(trials):
        items = np.repeat(np.arange(60), 3)
        bad = rng.random(60)[items] * 0.0 + (rng.random(180) < rng.beta(2, 8, 60)[items])
        ads = pl.DataFrame(
            {
                "ad_id": [str(k) for k in range(180)],
                "item_id": [str(k) for k in items],
                "text": ["The best mug" if flag else "A fine mug" for flag in bad],
            }
        )
        from adcli.evaluate.ads.table import _score_rows

        scores = pl.DataFrame({"banned_terms": bad.astype(float)})
        row = next(iter(_score_rows(scores, ads["item_id"], "all", 0.95)))
        inside += row.ci_low <= 0.2 <= row.ci_high
    assert 0.91 <= inside / trials <= 0.99
