"""What an encoder learns, it can do on data it did not see; equal texts of a batch are read once."""

import json

import models
import numpy as np
import polars as pl
import pytest
import torch  # noqa: TID253
from simulated_shop import simulated_shop

from adcli.core.adapters.adapter import AdapterSettings
from adcli.core.encoding.encoder import Encoder
from adcli.core.models.resolution import resolve_model
from adcli.core.tracking import tracked
from adcli.core.training.encoder.evaluations import LabelProbe
from adcli.core.training.encoder.examples import (
    Labelled,
    Pairs,
    TeacherVectors,
    Texts,
    examples_from_json,
    examples_to_json,
)
from adcli.core.training.encoder.gradient_encoder import GradientEncoder, load_for_training
from adcli.core.training.encoder.objectives import Contrastive, Denoising, objective_of
from adcli.core.training.encoder.tuning import EncoderTrainingSettings, tune_encoder
from adcli.core.training.settings import TrainingSettings
from adcli.errors import UsageError
from adcli.optimize.encoder.behaviour_pairs import behaviour_pairs, events_with_texts, taken_items
from adcli.optimize.encoder.collaborative import baskets, teacher_vectors
from adcli.optimize.encoder.examples import label_pairs
from adcli.optimize.encoder.splits import held_out_since, split_labelled, split_pairs, split_texts

SHOP = simulated_shop()
SETTINGS = {"learning_rate": 3e-3, "batch_size": 32, "evaluate_every": 20, "checkpoint_every": 0}


def tune(
    bert, folder, examples, *, temperature=0.05, evaluate=None, log=lambda values, step: None, **settings
):
    return tune_encoder(
        str(bert), examples, folder, settings=TrainingSettings(**SETTINGS | settings),
        adapter=AdapterSettings("full"), evaluate=evaluate, log=log,
        encoder=EncoderTrainingSettings(temperature, max_length=16, precision="fp32"),
    )  # fmt: skip


def tuned(bert, folder, examples, evaluation, **settings):
    trained = tune(bert, folder, examples, evaluate=evaluation, **settings)
    encode = Encoder.load(str(bert), adapter=folder, exact=True).encode
    return trained.evaluations[0].score, evaluation(encode)


def loaded(source):
    model = load_for_training(source, device="auto", precision="fp32")
    return GradientEncoder(model, source, precision="fp32", max_length=16)


def test_contrast_finds_what_is_viewed_together_later(tmp_path, bert):
    items = SHOP.products.rename({"title": "text"})
    split = split_pairs(
        behaviour_pairs(events_with_texts(SHOP.events, items, seed=0)), items["text"].to_list(), seed=0
    )
    before, after = tuned(bert, tmp_path / "a", split.train, split.validation, steps=150, temperature=0.1)
    assert after > before + 0.1
    assert split.test(Encoder.load(str(bert), adapter=tmp_path / "a").encode) > before + 0.1


def test_collaborative_vectors_are_learned_and_find_what_is_viewed_together_later(tmp_path, bert):
    items = SHOP.products.rename({"title": "text"})
    pairs = behaviour_pairs(events_with_texts(SHOP.events, items, seed=0))
    split = split_pairs(pairs, items["text"].to_list(), seed=0)
    known = SHOP.events.filter(pl.col("event_time") < held_out_since(pairs))
    encode = Encoder.load(str(bert), exact=True).encode
    taken = baskets(taken_items(events_with_texts(known, items, seed=0)))
    learned = teacher_vectors(taken, split.train, (), encode, seed=0)
    before, after = tuned(bert, tmp_path / "a", learned, split.validation, steps=60)
    assert after > before + 0.2
    tuned_encoder = Encoder.load(str(bert), adapter=tmp_path / "a")
    assert split.test(tuned_encoder.encode) > before + 0.2
    was, now = (
        (encode(learned.texts) * learned.vectors).sum(axis=1).mean()
        for encode in (encode, tuned_encoder.encode)
    )
    assert now > was + 0.2


def test_distillation_drops_nothing(bert):
    settings = TrainingSettings(**SETTINGS | {"batch_size": 20})
    source = resolve_model(str(bert), task="embed")
    encoder, texts = loaded(source), models.shop_texts(20)
    objective = objective_of(
        TeacherVectors(texts, encoder.encode(texts)), encoder, source, settings, temperature=0.05
    )
    encoder.model.train()
    assert objective.add_gradients(0, 1) == pytest.approx(0, abs=1e-5)


def test_teacher_vectors_survive_json():
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    again = examples_from_json(
        json.loads(json.dumps(examples_to_json(TeacherVectors(["a", "b", "c"], vectors))))
    )
    assert isinstance(again, TeacherVectors)
    assert again.texts == ["a", "b", "c"]
    np.testing.assert_array_equal(again.vectors, vectors)


def labelled():
    rows = SHOP.labelled
    return Labelled(rows["text"].to_list(), [int(x == "yes") for x in rows["label"]], ["no", "yes"])


def test_a_classifier_tells_labels_of_texts_it_did_not_see(tmp_path, bert):
    split = split_labelled(labelled(), seed=0)
    before, after = tuned(bert, tmp_path / "a", split.train, split.validation, steps=60, learning_rate=1e-3)
    assert after > before + 0.02 or after > 0.97


def test_few_labels_are_learned_as_pairs(tmp_path, bert):
    some = labelled()
    few = Labelled(some.texts[:60], some.labels[:60], some.names)
    rest = Labelled(some.texts[60:], some.labels[60:], some.names)
    pairs = label_pairs(few, most=2_000, seed=0)
    before, after = tuned(bert, tmp_path / "a", pairs, LabelProbe(few, rest), steps=40, learning_rate=1e-3)
    assert after > before + 0.02


def test_simcse_and_denoising_make_halves_of_texts_find_each_other(tmp_path, bert):
    texts = [" ".join(np.random.default_rng(i // 2).choice(models.WORDS, 3)) for i in range(600)]
    texts = [f"{a} {b}" for a, b in zip(texts[::2], texts[1::2], strict=True)]
    split = split_texts(texts, seed=0)
    before, after = tuned(bert, tmp_path / "a", Pairs(split.train.texts, split.train.texts), split.validation,
                          steps=40, learning_rate=1e-3)  # fmt: skip
    assert after >= before
    trained = tune(bert, tmp_path / "b", Texts(split.train.texts), steps=40, evaluate=split.validation)
    assert np.mean(trained.losses[-5:]) < np.mean(trained.losses[:5]) - 0.3
    assert trained.best.score >= trained.evaluations[0].score


def test_denoising_trains_the_encoder_through_its_vector_alone(bert):
    settings = TrainingSettings(**SETTINGS)
    source = resolve_model(str(bert), task="embed")
    encoder = loaded(source)
    loss = Denoising(encoder, Texts(models.shop_texts(40)), settings, source).add_gradients(0, 1)
    assert loss == pytest.approx(np.log(400), rel=1.5)
    assert all(p.grad is not None for name, p in encoder.model.named_parameters() if "layer.1.output" in name)


def test_equal_texts_of_a_batch_are_read_once_and_give_the_gradient_of_each(bert, monkeypatch):
    settings = TrainingSettings(**SETTINGS | {"batch_size": 6})
    source = resolve_model(
        str(models.tiny_bert(bert.parent / "still", hidden_dropout_prob=0.0)), task="embed"
    )
    anchors, positives = (
        ["mug", "mug", "cup", "tea", "bag", "set"],
        ["cup", "tea", "mug", "mug", "set", "bag"],
    )
    read, gradients = [], []
    honest = GradientEncoder.backward

    def counted(self, texts, loss_of, *, seed):
        read.append(len(texts))
        return honest(self, texts, loss_of, seed=seed)

    monkeypatch.setattr(GradientEncoder, "backward", counted)
    for once in (True, False):
        if not once:
            monkeypatch.setattr(
                "adcli.core.training.encoder.objectives.distinct",
                lambda texts: (list(texts), np.arange(len(texts))),
            )
        encoder = loaded(source)
        Contrastive(encoder, Pairs(anchors, positives), settings, 1.0).add_gradients(0, 1)
        gradients.append(
            torch.cat([p.grad.flatten() for p in encoder.model.parameters() if p.grad is not None])
        )
    assert read == [5, 12]
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-3)


def test_a_decoder_of_another_family_is_one_sentence(tmp_path):
    mpnet = models.tiny_mpnet(tmp_path / "mpnet")
    with pytest.raises(UsageError, match="--objective denoise is not offered for mpnet"):
        tune(mpnet, tmp_path / "a", Texts(models.shop_texts(40)))


def test_tensorboard_is_told_losses_and_scores(tmp_path, bert):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    split = split_labelled(labelled(), seed=0)
    with tracked("tensorboard", run="mine", directory=tmp_path / "runs", settings={}) as log:
        tune(bert, tmp_path / "a", split.train, steps=4, evaluate=split.validation, log=log)
    logged = events.EventAccumulator(str(tmp_path / "runs" / "mine"))
    logged.Reload()
    assert {"loss", "score", "learning_rate"} <= set(logged.Tags()["scalars"])
    assert [event.step for event in logged.Scalars("loss")] == [0, 1, 2, 3]


def test_no_tracker_is_told_nothing(tmp_path):
    with tracked(None, run="r", directory=tmp_path / "runs", settings={}) as log:
        log({"loss": 1.0}, 1)
    assert not (tmp_path / "runs").exists()


def test_a_tracker_that_is_not_there_is_said_so(tmp_path):
    with (
        pytest.raises(UsageError, match="--track no-such-tracker"),
        tracked("no-such-tracker", run="r", directory=tmp_path, settings={}),
    ):
        pass


def test_a_tracker_whose_package_is_missing_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with (
        pytest.raises(UsageError, match="needs the package wandb, which is not installed"),
        tracked("wandb", run="r", directory=tmp_path, settings={}),
    ):
        pass
