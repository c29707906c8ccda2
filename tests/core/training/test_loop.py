"""One loop for every kind of model: a writer learns its answers and a token classifier its tags."""

import models
import numpy as np
import pytest
import torch  # noqa: TID253

from adcli.core.adapters.adapter import AdapterSettings, apply_adapter, describe_adapter
from adcli.core.models.loading import load_language_model, load_tokenizer
from adcli.core.models.resolution import resolve_model
from adcli.core.training.batches import batch_members
from adcli.core.training.gradients import average_over_ranks
from adcli.core.training.loop import Objective, TrainingLoop
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.tuning import tune

IGNORED = -100
QUESTIONS = [f"which {word}" for word in models.WORDS[:16]]
ANSWERS = [f"the {word}" for word in models.WORDS[16:32]]


def settings(**options):
    usual = {"steps": 40, "batch_size": 8, "learning_rate": 1e-2, "evaluate_every": 0, "checkpoint_every": 0}
    return TrainingSettings(**usual | options)


def answer_loss(model, tokenizer, members):
    """The loss of the answers after their questions; the questions' own tokens are masked."""
    asked = [(tokenizer(QUESTIONS[i]).input_ids, tokenizer(ANSWERS[i]).input_ids) for i in members]

    def padded(sequences, filler):
        longest = max(map(len, sequences))
        return torch.tensor([its + [filler] * (longest - len(its)) for its in sequences])

    return model(
        input_ids=padded([q + a for q, a in asked], 0),
        attention_mask=padded([[1] * len(q + a) for q, a in asked], 0),
        labels=padded([[IGNORED] * len(q) + a for q, a in asked], IGNORED),
    ).loss


def backward(loss):
    loss.backward()
    return float(loss.detach())


@pytest.mark.parametrize("tuning", ["lora", "adalora", "full"])
def test_a_writer_learns_its_answers_and_keeps_them_in_its_adapter(tmp_path, tuning):
    source = resolve_model(str(models.tiny_llama(tmp_path / "llama")), task="generate")
    tokenizer, how = load_tokenizer(source.path), settings(steps=60)

    def objective(model):
        def add_gradients(batch, seed):
            return backward(answer_loss(model, tokenizer, batch_members(len(QUESTIONS), batch, how)))

        return Objective(add_gradients)

    trained = tune(
        load_language_model(source.path, torch.float32), source, tmp_path / "writer", objective=objective,
        adapter=AdapterSettings(tuning), settings=how, about={"note": "answers"},
    )  # fmt: skip
    assert np.mean(trained.losses[-5:]) < np.mean(trained.losses[:5]) - 0.3
    plain = load_language_model(source.path, torch.float32)
    again = apply_adapter(load_language_model(source.path, torch.float32), tmp_path / "writer", source)
    with torch.no_grad():
        before, after = (float(answer_loss(its, tokenizer, range(16))) for its in (plain, again))
    assert after < before - 0.3
    assert describe_adapter(tmp_path / "writer")["note"] == "answers"


def test_a_token_classifier_learns_its_tags_by_the_same_loop(tmp_path):
    from transformers import BertConfig, BertForTokenClassification

    tokenizer = load_tokenizer(models.tiny_bert(tmp_path / "bert"))
    torch.manual_seed(0)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_labels=2,
        )
    )  # fmt: skip
    colours = set(tokenizer.convert_tokens_to_ids(["red", "blue", "green"]))
    ids = tokenizer(models.shop_texts(64), padding=True, return_tensors="pt")
    tags = torch.tensor([[int(token in colours) for token in row] for row in ids.input_ids.tolist()])
    tags[ids.attention_mask == 0] = IGNORED
    how = settings(batch_size=16, evaluate_every=20)

    def add_gradients(batch, seed):
        chosen = batch_members(64, batch, how)
        return backward(model(**{k: v[chosen] for k, v in ids.items()}, labels=tags[chosen]).loss)

    def accuracy():
        there = tags >= 0
        return float((model(**ids).logits.argmax(dim=-1)[there] == tags[there]).float().mean())

    logged = []
    trained = TrainingLoop(
        model,
        Objective(add_gradients, accuracy),
        how,
        log=lambda values, step: logged.append((step, *values)),
    ).run()
    assert trained.best.score > 0.99 > trained.evaluations[0].score
    assert [step for step, *names in logged if names == ["score"]] == [0, 20, 40]


def test_gradients_of_many_tensors_are_averaged_in_few_collectives(monkeypatch):
    calls = []

    def reduce(tensor, reduction):
        calls.append(tensor.numel())
        assert reduction == "mean"
        return (tensor + 3 * tensor) / 2  # of two ranks

    monkeypatch.setattr("accelerate.utils.reduce", reduce)
    monkeypatch.setattr("adcli.core.training.gradients.MOST_AT_ONCE", 20)
    parameters = [torch.nn.Parameter(torch.zeros(size)) for size in ((2, 3), (4,), (30,), (5,), (1, 5, 1))]
    untouched = torch.nn.Parameter(torch.zeros(7))
    for number, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, number + 1.0)
    average_over_ranks([*parameters, untouched])
    assert calls == [6, 10, 30, 10]  # first, which of them have one
    for number, parameter in enumerate(parameters):
        torch.testing.assert_close(parameter.grad, torch.full_like(parameter, 2.0 * (number + 1)))
    assert untouched.grad is None
