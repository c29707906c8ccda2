"""`optimize policy --text-model`: a click classifier of texts becomes a member of the reward model."""

import json

import models
import numpy as np
import polars as pl

TITLES = {"a": "red mug kitchen", "b": "garden lamp metal"}
QUERIES = ("kitchen mug", "garden lamp")


def clicks_on_what_was_asked_for(n, seed):
    """A log of two items, clicked on where they are what the query asks for; no other column tells that."""
    rng = np.random.default_rng(seed)
    query, item = rng.integers(0, 2, n), rng.integers(0, 2, n)
    names = np.array(list(TITLES))
    return pl.DataFrame(
        {
            "query": np.array(QUERIES)[query],
            "item_id": names[item],
            "title": np.array(list(TITLES.values()))[item],
            "click": (rng.random(n) < np.where(query == item, 0.5, 0.05)).astype(int),
            "propensity": 0.5,
        }
    )


def test_the_classifier_of_texts_decides_where_only_texts_tell(adcli, tmp_path):
    models.tiny_bert(tmp_path / "bert")
    clicks_on_what_was_asked_for(800, 0).write_csv(tmp_path / "earlier.csv")
    clicks_on_what_was_asked_for(800, 1).drop("title").write_csv(tmp_path / "log.csv")
    pl.DataFrame({"item_id": list(TITLES), "title": list(TITLES.values())}).write_csv(tmp_path / "items.csv")
    cache = {"ADCLI_CACHE": str(tmp_path / "cache")}
    learned = adcli(
        "optimize", "encoder", "earlier.csv", "--model", "bert", "--objective", "classify",
        "--label", "click", "--text", "query", "--text", "title", "--tune", "full", "--steps", "60",
        "--batch-size", "32", "--learning-rate", "3e-3", "--train-length", "16", "--precision", "fp32",
        "-o", "clicks", env=cache,
    )  # fmt: skip
    assert learned.returncode == 0, learned.said
    texts = ("--text-model", "clicks", "--items", "items.csv", "--device", "cpu", "--precision", "fp32")
    done = adcli("optimize", "policy", "log.csv", *texts, "-o", "policy", env=cache)
    assert done.returncode == 0, done.said
    assert "reads 2 texts of contexts with each of 2 actions" in done.said
    assert json.loads((tmp_path / "policy" / "policy.json").read_text())["reward_model"]["weights"][
        "text model"
    ]

    pl.DataFrame({"query": [*QUERIES, QUERIES[0]]}).write_csv(tmp_path / "contexts.csv")
    done = adcli("optimize", "apply", "policy", "contexts.csv", *texts, "--greedy", "-o", "d.csv", env=cache)
    assert done.returncode == 0, done.said
    assert pl.read_csv(tmp_path / "d.csv")["item_id"].to_list() == ["a", "b", "a"]
    refused = adcli("optimize", "apply", "policy", "contexts.csv", "-o", "d2.csv")
    assert refused.returncode == 3
    assert "--text-model" in refused.said
    assert not (tmp_path / "d2.csv").exists()
