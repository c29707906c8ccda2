"""Samples that can be learned from: their log-probabilities, and a model that is being trained meanwhile."""

import models
import numpy as np
import pytest
import torch  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.adapters.adapter import AdapterSettings, attach_adapter
from adcli.core.adapters.audience import AudiencePrefix
from adcli.core.compute.linear import is_onednn_usable
from adcli.core.compute.precision import PrecisionChoice
from adcli.core.models.loading import load_language_model
from adcli.core.processes.runtime import start_runtime
from adcli.core.writing.decoder_weights import decoder_weights
from adcli.core.writing.decoding import PackedLanguageModel
from adcli.core.writing.live import LiveWriting
from adcli.core.writing.prompts import PromptReader
from adcli.core.writing.sampling import BLOCK, choose_tokens, uniform_stream
from adcli.core.writing.settings import WritingSettings
from adcli.core.writing.writer import Writer
from adcli.errors import DataError

PROMPTS = ["a steel bottle", "mug", "waterproof hiking boots for women and men, large", "tea"]
PLAIN = WritingSettings(n=3, max_new_tokens=8, temperature=1.0, top_k=0, top_p=1.0, seed=3)
CUT = WritingSettings(n=3, max_new_tokens=8, temperature=0.7, top_k=20, top_p=0.9, seed=3)
FP32 = PrecisionChoice("fp32", False, "")


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def writing(folder):
    return Writer.load(str(folder), exact=True)._engine


@pytest.fixture(scope="module")
def prompts(writing):
    return [writing.reader.prompt(text) for text in PROMPTS]


def log_probabilities(model, prompt, ids):
    """Of each token of `ids` after the prompt, by transformers, over the whole vocabulary."""
    whole = torch.tensor([[*prompt.tolist(), *ids]])
    with torch.no_grad():
        logits = model(input_ids=whole).logits[0, len(prompt) - 1 : -1].float()
    return torch.log_softmax(logits, dim=-1)


def test_samples_say_how_likely_the_model_found_them(writing, prompts, folder):
    model = load_language_model(folder, torch.float32)
    samples = writing.sample(prompts, PLAIN)
    for row, ids in enumerate(samples.ids()):
        expected = log_probabilities(model, prompts[row // PLAIN.n], ids).gather(
            1, torch.tensor(ids)[:, None]
        )
        found = samples.model_log_probability[row, : len(ids)]
        torch.testing.assert_close(found, expected[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(samples.log_probability, samples.model_log_probability)


def test_log_probabilities_are_those_of_the_distribution_that_was_sampled_from(writing, prompts, folder):
    model = load_language_model(folder, torch.float32)
    samples = writing.sample(prompts, CUT)
    for row, ids in enumerate(samples.ids()):
        logs = log_probabilities(model, prompts[row // CUT.n], ids)
        for place, token in enumerate(ids):
            best, tokens = logs[place].double().topk(CUT.top_k)
            weights = torch.softmax(best / CUT.temperature, dim=0)
            kept = weights * (weights.cumsum(0) - weights < CUT.top_p)
            at = tokens.tolist().index(token)
            expected = float(torch.log(kept[at] / kept.sum()))
            assert float(samples.log_probability[row, place]) == pytest.approx(expected, abs=1e-3)
            plain = float(samples.model_log_probability[row, place])
            assert plain == pytest.approx(float(logs[place, token]), abs=1e-4)


def test_the_likeliest_token_is_certain(writing, prompts):
    samples = writing.sample(prompts, WritingSettings(max_new_tokens=4, temperature=0))
    assert not samples.log_probability.any()
    assert (samples.model_log_probability[:, 0] < 0).all()


@pytest.mark.skipif(not is_onednn_usable(torch.float32), reason="this torch has no oneDNN operators")
@pytest.mark.parametrize("settings", [PLAIN, CUT])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_s_samples_are_its_own_to_the_last_bit(writing, prompts, folder, settings, dtype):
    """Whatever is sampled beside it: tokens, lengths and log-probabilities."""
    weights = decoder_weights(load_language_model(folder, torch.float32))
    writing = writing._replace(model=PackedLanguageModel(weights, "cpu", dtype, onednn=True))
    together = writing.sample(prompts, settings)
    crowd = [*prompts, *(writing.reader.prompt(" ".join(models.WORDS[:i])) for i in range(1, 30))]
    in_a_crowd = writing.sample(crowd, settings)
    alone = writing.sample([prompts[2]], settings, rows=[2])
    rows = slice(2 * settings.n, 3 * settings.n)
    for whole, crowded, single in zip(together, in_a_crowd, alone, strict=True):
        width = min(single.shape[-1], whole.shape[-1]) if whole.dim() > 1 else None
        assert torch.equal(whole[rows][..., :width], single[..., :width])
        assert torch.equal(crowded[rows][..., :width], single[..., :width])


def test_a_row_ends_with_the_token_that_ends_it_and_nothing_counts_beyond(writing, prompts):
    long = WritingSettings(n=8, max_new_tokens=60, temperature=3.0, top_k=0, top_p=1.0, seed=1)
    samples = writing.sample(prompts, long)
    ended = samples.lengths < samples.tokens.shape[1]
    assert ended.any()  # a hot tiny model ends some text early
    stops = set(writing.reader.stops)
    for ids in samples.ids():
        assert not stops & set(ids[:-1])
    beyond = torch.arange(samples.tokens.shape[1]) >= samples.lengths[:, None]
    assert not samples.tokens[beyond].any()
    assert not samples.log_probability[beyond].any()
    assert all(ids[-1] in stops for ids, end in zip(samples.ids(), ended.tolist(), strict=True) if end)


def test_a_prompt_without_room_is_refused(writing):
    with pytest.raises(DataError, match="more than the model's 256"):
        writing.sample([np.zeros(255, np.int32)], PLAIN)


@given(st.integers(2, 3 * BLOCK), st.integers(0, 99), st.floats(0.3, 3))
def test_sampling_without_sorting_inverts_the_distribution(vocabulary, seed, temperature):
    scores = torch.randn(5, vocabulary, generator=torch.Generator().manual_seed(seed)) * 3
    uniform = torch.from_numpy(uniform_stream(seed, 0, 0, 5))
    settings = WritingSettings(temperature=temperature, top_k=0, top_p=1.0)
    choice = choose_tokens(scores, uniform, settings)
    probability = torch.softmax(scores.double() / temperature, dim=-1)
    reached = probability.cumsum(dim=-1)
    for row, token in enumerate(choice.tokens.tolist()):
        below = float(reached[row, token] - probability[row, token])
        assert below - 1e-5 <= float(uniform[row]) <= float(reached[row, token]) + 1e-5
        assert float(choice.log_probability[row].exp()) == pytest.approx(
            float(probability[row, token]), rel=1e-4
        )


@pytest.fixture(params=["lora", "prefix"])
def trained(folder, request):
    """A model with an adapter, and its live writing."""
    model = load_language_model(folder, torch.float32)
    tuned = attach_adapter(model, AdapterSettings(request.param, rank=4), steps=10, seed=0).train()
    reader = PromptReader.load(folder, model.generation_config)
    return tuned, LiveWriting(tuned, reader, start_runtime(device="cpu"), FP32)


def step(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.5)


def test_a_model_under_training_is_sampled_with_the_weights_it_has_now(trained, prompts):
    model, live = trained
    before = live.sample(prompts, PLAIN)
    for seed in (1, 2):
        step(model, seed)
        samples = live.sample(prompts, PLAIN)
        assert not torch.equal(samples.model_log_probability[:, :1], before.model_log_probability[:, :1])
        model.eval()
        for row, ids in enumerate(samples.ids()):
            logs = log_probabilities(model, prompts[row // PLAIN.n], ids)
            expected = logs.gather(1, torch.tensor(ids)[:, None])[:, 0]
            found = samples.model_log_probability[row, : len(ids)]
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
        before = samples


def test_a_model_under_training_is_left_as_it_is(trained, prompts):
    model, live = trained
    step(model, 1)
    kinds = [type(module) for module in model.modules()]
    weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    trainable = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    live.sample(prompts, PLAIN)
    assert model.training
    assert [type(module) for module in model.modules()] == kinds
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == trainable
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, weights[name])


def test_another_family_is_sampled_live_as_well(trained, prompts, monkeypatch):
    model, live = trained
    step(model, 1)
    expected = live.sample(prompts, PLAIN).ids()
    monkeypatch.setattr("adcli.core.writing.live.decoder_weights", lambda model: None)
    reader = live._writing.reader
    plain = LiveWriting(model, reader, start_runtime(device="cpu"), FP32)
    assert plain.sample(prompts, PLAIN).ids() == expected
    assert model.training


def test_each_audience_has_its_own_prefix_in_either_form(trained, prompts, monkeypatch):
    model, plain = trained
    vectors = [[1.0, 0.0], [0.0, 1.0], [0.2, 0.7]]
    audience = AudiencePrefix.begin(model, vectors, seed=0)
    torch.nn.init.normal_(audience.add, generator=torch.Generator().manual_seed(1))
    reader = plain._writing.reader
    live = LiveWriting(model, reader, start_runtime(device="cpu"), FP32, audience)
    whom = [tuple(vectors[place % 3]) if place % 4 else None for place in range(len(prompts))]
    found = live.sample(prompts, PLAIN, audiences=whom)
    monkeypatch.setattr("adcli.core.writing.live.decoder_weights", lambda model: None)
    other = LiveWriting(model, reader, start_runtime(device="cpu"), FP32, audience)
    assert other.sample(prompts, PLAIN, audiences=whom).ids() == found.ids()
    monkeypatch.undo()
    told, everybody = found.ids(), plain.sample(prompts, PLAIN).ids()
    for place, vector in enumerate(whom):
        rows = slice(place * PLAIN.n, (place + 1) * PLAIN.n)
        assert (told[rows] == everybody[rows]) == (vector is None)
        alone = live.sample(prompts[place : place + 1], PLAIN, [place], [vector]).ids()
        assert alone == told[rows]
