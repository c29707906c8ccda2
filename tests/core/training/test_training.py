"""Tuning: it learns, goes on exactly where it was cut off, and an adapter belongs to one model."""

import json
import shutil

import models
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from killed import killed_after

from adcli.core.adapters.adapter import PEAK_LEARNING_RATES, AdapterSettings, describe_adapter
from adcli.core.encoding.encoder import Encoder
from adcli.core.training.batches import batch_members
from adcli.core.training.encoder.evaluations import LabelProbe, Retrieval
from adcli.core.training.encoder.examples import Labelled, Pairs, Texts, false_negatives
from adcli.core.training.encoder.tuning import (
    EncoderTrainingSettings,
    EncoderTuning,
    tune_encoder,
    tuning_from_json,
    tuning_to_json,
)
from adcli.core.training.settings import TrainingSettings
from adcli.errors import AdcliError, DataError, UsageError

WORDS = models.WORDS[:40]
PAIRS = Pairs(
    [f"{WORDS[i % 40]} {WORDS[(i * 7 + 1) % 40]}" for i in range(80)],
    [f"{WORDS[(i * 3 + 5) % 40]} {WORDS[(i * 11 + 2) % 40]} set" for i in range(80)],
)
LABELLED = Labelled(PAIRS.anchors, [i % 2 for i in range(80)], ["no", "yes"])
FAST = {
    "steps": 12,
    "batch_size": 16,
    "evaluate_every": 0,
    "checkpoint_every": 0,
}
ENCODER = EncoderTrainingSettings(precision="fp32", max_length=16)
TUNINGS = ["lora", "adalora", "prefix", "adapter", "full"]


def retrieval():
    return Retrieval(PAIRS.anchors, list(PAIRS.positives), list(range(len(PAIRS.anchors))), k=5)


def tune(folder, target, *, pairs=PAIRS, settings=None, tuning="lora", **options):
    usual = FAST | {"learning_rate": PEAK_LEARNING_RATES[tuning]}
    return tune_encoder(
        str(folder), pairs, target, settings=TrainingSettings(**usual | (settings or {})),
        adapter=AdapterSettings(tuning), encoder=ENCODER, **options,
    )  # fmt: skip


@pytest.mark.parametrize("tuning", TUNINGS)
def test_training_lowers_the_loss_and_its_adapter_encodes_as_the_trained_model_did(tmp_path, tuning):
    bert = models.tiny_bert(tmp_path / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    seen = []

    def evaluate(encode):
        seen.append(encode(PAIRS.anchors))
        return float(len(seen))

    settings = {
        "steps": 30,
        "evaluate_every": 30,
        "learning_rate": 3e-3 if tuning == "full" else 3e-2,
    }
    trained = tune(bert, tmp_path / "adapter", settings=settings, tuning=tuning, evaluate=evaluate)
    gain = 0.005 if tuning == "prefix" else 0.1  # eight tokens before a random model can say little
    assert np.mean(trained.losses[-5:]) < np.mean(trained.losses[:5]) - gain
    encoder = Encoder.load(str(bert), adapter=tmp_path / "adapter", exact=True, max_length=16)
    np.testing.assert_allclose(encoder.encode(PAIRS.anchors), seen[-1], atol=2e-4)
    assert np.abs(encoder.encode(PAIRS.anchors) - seen[0]).max() > 1e-2
    assert encoder.settings.forward.startswith("packed") == (tuning not in {"prefix", "adapter"})


def test_an_adapter_says_what_it_is_and_holds_no_pickle(tmp_path, bert):
    tune(bert, tmp_path / "adapter", about={"note": "from the shop"})
    content = describe_adapter(tmp_path / "adapter")
    assert content["tuning"] == "lora"
    assert content["note"] == "from the shop"
    assert content["pairs"] == len(PAIRS.anchors)
    assert len(content["trained"]["losses"]) == 12
    assert {path.suffix for path in (tmp_path / "adapter").iterdir()} == {".json", ".safetensors"}
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == content["base"]["name"]  # not where it lies on this machine


def test_an_adapter_of_another_model_is_one_sentence(tmp_path, bert):
    tune(bert, tmp_path / "adapter")
    other = models.tiny_bert(tmp_path / "other", num_hidden_layers=1)
    with pytest.raises(DataError, match="was made for another model"):
        Encoder.load(str(other), adapter=tmp_path / "adapter")


@pytest.mark.parametrize("name", ["adapter.json", "adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_a_damaged_adapter_is_one_sentence(tmp_path, bert, name, damage):
    if not (tmp_path.parent / "whole").exists():
        tune(bert, tmp_path.parent / "whole")
    shutil.copytree(tmp_path.parent / "whole", tmp_path / "adapter")
    path = tmp_path / "adapter" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(AdcliError, match="adapter"):
        Encoder.load(str(bert), adapter=tmp_path / "adapter").encode(["mug"])


def test_a_folder_that_is_no_adapter_is_said_so(tmp_path, bert):
    with pytest.raises(DataError, match="is no adapter"):
        Encoder.load(str(bert), adapter=tmp_path / "nothing")


def test_an_adapter_changes_what_the_store_finds(tmp_path, bert):
    tune(bert, tmp_path / "a")
    tune(bert, tmp_path / "b", settings={"seed": 1})
    found = {
        Encoder.load(str(bert), adapter=a).settings.fingerprint
        for a in (None, tmp_path / "a", tmp_path / "b")
    }
    assert len(found) == 3


def test_a_seed_gives_the_same_weights_and_another_gives_others(tmp_path, bert):
    losses = [tune(bert, tmp_path / str(i), settings={"seed": s}).losses for i, s in enumerate((0, 0, 1))]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
    a, b = ((tmp_path / str(i) / "adapter_model.safetensors").read_bytes() for i in (0, 1))
    assert a == b


@pytest.mark.parametrize("tuning", TUNINGS)
def test_a_run_that_was_cut_off_ends_with_the_weights_it_would_have_had(tmp_path, bert, tuning):
    settings = {"steps": 12, "checkpoint_every": 3, "evaluate_every": 4, "accumulate": 2,
                "batch_size": 8}  # fmt: skip
    tune(bert, tmp_path / "whole", settings=settings, tuning=tuning, evaluate=retrieval())
    options = {
        "settings": settings,
        "tuning": tuning,
        "evaluate": retrieval(),
        "checkpoints": tmp_path / "checkpoints",
    }
    with pytest.raises(KeyboardInterrupt):
        tune(bert, tmp_path / "resumed", progress=killed_after(9), **options)
    counted = []
    tune(bert, tmp_path / "resumed", progress=counted.append, **options)
    assert counted == [6, 1, 1, 1, 1, 1, 1]
    name = "model.safetensors" if tuning == "full" else "adapter_model.safetensors"
    assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len(list((tmp_path / "checkpoints").glob("*/step-*"))) == 1


def test_other_data_do_not_go_on_from_a_checkpoint(tmp_path, bert):
    settings = {"checkpoint_every": 12}
    tune(bert, tmp_path / "a", settings=settings, checkpoints=tmp_path / "c")
    counted = []
    other = Pairs(PAIRS.anchors[::-1], PAIRS.positives)
    tune(
        bert, tmp_path / "b", pairs=other, settings=settings, checkpoints=tmp_path / "c",
        progress=counted.append,
    )  # fmt: skip
    assert counted == [1] * 12


def test_training_ends_early_and_keeps_the_best_weights(tmp_path, bert):
    scores = iter([0.1, 0.5, 0.3, 0.2, 0.9])
    kept = []

    def evaluate(encode):
        kept.append(encode(["mug", "steel bottle"]))
        return next(scores)

    settings = {"steps": 100, "evaluate_every": 2, "patience": 2, "learning_rate": 1e-2}
    trained = tune(bert, tmp_path / "a", settings=settings, evaluate=evaluate)
    assert trained.steps == 6
    assert trained.best.step == 2
    assert [e.score for e in trained.evaluations] == [0.1, 0.5, 0.3, 0.2]
    found = Encoder.load(str(bert), adapter=tmp_path / "a", exact=True, max_length=16).encode(
        ["mug", "steel bottle"]
    )
    np.testing.assert_allclose(found, kept[1], atol=1e-4)


def test_training_goes_on_from_an_earlier_adapter(tmp_path, bert):
    first = tune(bert, tmp_path / "a", settings={"steps": 30, "learning_rate": 1e-2})
    second = tune(
        bert, tmp_path / "b", settings={"steps": 5, "learning_rate": 1e-4}, start_from=tmp_path / "a"
    )
    assert np.mean(second.losses) < np.mean(first.losses[:5])
    with pytest.raises(UsageError, match="can not be tuned on by --tune full"):
        tune(bert, tmp_path / "c", tuning="full", start_from=tmp_path / "a")


def test_hard_negatives_are_pushed_away(tmp_path, bert):
    pairs = Pairs(PAIRS.anchors, PAIRS.positives, list(PAIRS.positives[1:]) + list(PAIRS.positives[:1]))
    assert tune(bert, tmp_path / "a", pairs=pairs).losses[0] > tune(bert, tmp_path / "b").losses[0]


def test_progress_counts_each_step_once(tmp_path, bert):
    counted = []
    tune(bert, tmp_path / "a", progress=counted.append)
    assert sum(counted) == 12


@pytest.mark.parametrize(
    "senseless",
    [
        {"steps": 0},
        {"batch_size": 1},
        {"rank": 0},
        {"temperature": 0.0},
        {"learning_rate": -1.0},
        {"patience": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(senseless):
    name = next(iter(senseless))
    kind = {"rank": AdapterSettings, "temperature": EncoderTrainingSettings}.get(name, TrainingSettings)
    with pytest.raises(UsageError, match=name.replace("_", "-")):
        kind(**senseless)


def test_too_few_pairs_and_ragged_ones_are_one_sentence(tmp_path, bert):
    with pytest.raises(DataError, match="2 pairs, fewer than one batch of 16"):
        tune(bert, tmp_path / "a", pairs=Pairs(["a", "b"], ["c", "d"]))
    with pytest.raises(DataError, match="positives"):
        tune(bert, tmp_path / "a", pairs=Pairs(["a", "b"], ["c"]))


def test_a_tuning_that_is_not_offered_is_said_so():
    with pytest.raises(UsageError, match="--tune magic"):
        AdapterSettings("magic")


def test_the_learning_rate_rises_and_falls():
    settings = TrainingSettings(steps=100, learning_rate=1.0, warmup_share=0.1)
    rates = [settings.learning_rate_at(step) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[-1] == pytest.approx(1 / 90)


@given(st.integers(4, 60), st.integers(2, 4), st.integers(0, 3))
def test_each_pair_comes_once_before_any_comes_again(count, size, seed):
    settings = TrainingSettings(batch_size=size, seed=seed)
    per_pass = count // size
    for turn in range(2):
        batches = [batch_members(count, turn * per_pass + i, settings) for i in range(per_pass)]
        together = np.concatenate(batches)
        assert len(set(together)) == len(together) == per_pass * size


def test_what_is_right_for_an_anchor_is_not_held_against_it():
    found = false_negatives(["a", "a", "b", "c"], ["x", "y", "x", "z"], ["x", "n", "m", "z"])
    expected = np.zeros((4, 8), bool)
    expected[0, [1, 2, 4]] = True  # the same anchor's y, the same answer x twice more
    expected[1, 0] = True
    expected[2, [0, 4]] = True
    expected[3, 7] = True
    np.testing.assert_array_equal(found, expected)


def test_recall_is_the_share_of_queries_that_find_their_document():
    vectors = {"q0": [1, 0], "q1": [0, 1], "d0": [0.9, 0.1], "d1": [0.8, 0.2], "d2": [0.7, 0.3]}
    encode = lambda texts: np.array([vectors[t] for t in texts], np.float32)  # noqa: E731
    assert Retrieval(["q0", "q1"], ["d0", "d1", "d2"], [0, 0], k=1)(encode) == 0.5
    assert Retrieval(["q0", "q1"], ["d0", "d1", "d2"], [0, 0], k=3)(encode) == 1.0


@pytest.mark.slow
def test_two_processes_train_together(tmp_path, bert):
    counted, settings = [], {"evaluate_every": 6}
    trained = tune(
        bert, tmp_path / "a", settings=settings, evaluate=retrieval(), processes=2, progress=counted.append
    )
    assert trained.steps == 12
    assert counted == [1] * 12
    assert len(trained.evaluations) == 3
    assert Encoder.load(str(bert), adapter=tmp_path / "a").encode(["mug"]).shape == (1, 32)
    assert json.loads((tmp_path / "a" / "adapter.json").read_text())["trained"]["losses"] == trained.losses
    with pytest.raises(UsageError, match="Retrieval"):
        tune(bert, tmp_path / "b", evaluate=lambda encode: 0.0, processes=2)


@pytest.mark.parametrize(
    ("examples", "evaluate"),
    [
        (PAIRS, retrieval()),
        (Texts(["a mug", "a cup"]), None),
        (LABELLED, LabelProbe(LABELLED, LABELLED)),
    ],
)
def test_what_processes_are_told_survives_json(examples, evaluate):
    tuning = EncoderTuning(
        "m",
        "m",
        examples,
        "d",
        TrainingSettings(steps=3),
        AdapterSettings("full"),
        ENCODER,
        "",
        "c",
        {"a": 1},
    )
    content = json.loads(json.dumps(tuning_to_json(tuning, evaluate)))
    again, asked = tuning_from_json(content)
    assert (again.settings, again.adapter, again.encoder) == (tuning.settings, tuning.adapter, ENCODER)
    assert type(again.examples) is type(tuning.examples)
    assert json.loads(json.dumps(tuning_to_json(again, asked))) == content
