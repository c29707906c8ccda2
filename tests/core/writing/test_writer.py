"""Texts: what transformers would write, reproducible, each by itself."""

import math

import models
import numpy as np
import pytest
import torch  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.writing.sampling import choose_tokens, uniform_stream
from adcli.core.writing.settings import WritingSettings
from adcli.core.writing.writer import Writer
from adcli.errors import DataError, UsageError

PROMPTS = ["a steel bottle", "mug", "waterproof hiking boots for women and men, large", "tea"]


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def writer(folder):
    return Writer.load(str(folder), exact=True)


def transformers_model(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def greedy(folder, ids, tokens):
    """The likeliest tokens by transformers, computed anew for each."""
    model, _ = transformers_model(folder)
    ids = list(ids)
    with torch.no_grad():
        for _ in range(tokens):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids


def test_greedy_texts_are_transformers_own(writer, folder):
    reader = writer._engine.reader
    expected = []
    for prompt in PROMPTS:
        ids = reader.prompt(prompt)
        expected.append([reader.read_back(greedy(folder, ids, 12)[len(ids) :])])
    assert "packed" in writer._engine.model.name
    assert writer.write(PROMPTS, temperature=0, max_new_tokens=12) == expected


def test_a_model_with_a_chat_template_is_asked_and_another_continues(gpt2, llama):
    chats, continues = (Writer.load(str(f), exact=True)._engine.reader for f in (llama, gpt2))
    asked = chats._tokenizer.decode(chats.prompt("red mug", system="Be short."))
    assert asked == (
        "<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nred mug<|im_end|>\n<|im_start|>assistant\n"
    )
    assert continues._tokenizer.decode(continues.prompt("red mug")) == "<|endoftext|>red mug"


def test_a_seed_gives_the_same_texts_and_another_gives_others(writer):
    first = writer.write(PROMPTS, n=3, max_new_tokens=10, seed=1)
    assert [len(texts) for texts in first] == [3] * len(PROMPTS)
    assert writer.write(PROMPTS, n=3, max_new_tokens=10, seed=1) == first
    assert writer.write(PROMPTS, n=3, max_new_tokens=10, seed=2) != first
    assert len({text for texts in first for text in texts}) > len(PROMPTS)


def test_a_prompt_s_texts_do_not_depend_on_the_prompts_beside_it(writer):
    """Row 2 alone, in another company, and within more variants: the same texts."""
    options = {"max_new_tokens": 12, "seed": 5, "temperature": 1.5}
    together = writer.write(PROMPTS, n=3, **options)
    assert writer.write(PROMPTS[2:3], n=3, rows=[2], **options) == together[2:3]
    assert writer.write(PROMPTS[::-1], n=3, rows=[3, 2, 1, 0], **options) == together[::-1]
    assert [texts[:3] for texts in writer.write(PROMPTS, n=5, **options)] == together
    crowd = PROMPTS + [" ".join(models.WORDS[:i]) for i in range(1, 40)]
    assert writer.write(crowd, n=3, **options)[:4] == together


def test_more_new_tokens_only_lengthen_a_text(writer):
    short = writer.write(PROMPTS, max_new_tokens=4, seed=3)
    long = writer.write(PROMPTS, max_new_tokens=20, seed=3)
    for a, b in zip(short, long, strict=True):
        assert b[0].startswith(a[0].rstrip("\ufffd")[:2])


def test_the_fallback_writes_what_the_fast_path_writes(writer, folder, monkeypatch):
    monkeypatch.setattr("adcli.core.writing.loading.decoder_weights", lambda model: None)
    monkeypatch.setattr("adcli.core.writing.loading.cached_choice", lambda key: None)
    monkeypatch.setattr("adcli.core.writing.loading.cache_choice", lambda key, value: None)
    plain = Writer.load(str(folder), exact=True)
    assert "transformers" in plain._engine.model.name
    options = {"n": 2, "max_new_tokens": 10, "seed": 4}
    assert plain.write(PROMPTS, **options) == writer.write(PROMPTS, **options)
    np.testing.assert_allclose(
        plain.log_likelihood(PROMPTS).log_likelihood, writer.log_likelihood(PROMPTS).log_likelihood, rtol=1e-5
    )


def test_log_likelihood_is_the_sum_over_the_text_s_tokens(writer, folder):
    model, _ = transformers_model(folder)
    reader = writer._engine.reader
    found = writer.log_likelihood(PROMPTS)
    for text, total, tokens in zip(PROMPTS, *found, strict=True):
        ids = torch.tensor([reader.text(text).tolist()])
        with torch.no_grad():
            logs = torch.log_softmax(model(input_ids=ids).logits[0, :-1].double(), dim=-1)
        assert math.isclose(total, float(logs.gather(1, ids[0, 1:, None]).sum()), rel_tol=1e-5)
        assert tokens == ids.shape[1] - 1
    np.testing.assert_allclose(found.perplexity, np.exp(-found.log_likelihood / found.tokens))


def test_log_likelihood_after_a_prompt_counts_the_text_only(writer, folder):
    model, _ = transformers_model(folder)
    reader = writer._engine.reader
    found = writer.log_likelihood(["red mug", "blue mug"], ["Which mug?", "Which?"])
    for i, (prompt, text) in enumerate([("Which mug?", "red mug"), ("Which?", "blue mug")]):
        before, after = reader.prompt(prompt).tolist(), reader.continuation(text).tolist()
        ids = torch.tensor([[*before, *after]])
        with torch.no_grad():
            logs = torch.log_softmax(model(input_ids=ids).logits[0, :-1].double(), dim=-1)
        expected = float(logs.gather(1, ids[0, 1:, None])[len(before) - 1 :].sum())
        assert math.isclose(found.log_likelihood[i], expected, rel_tol=1e-5)
        assert found.tokens[i] == len(after)


def test_an_empty_prompt_and_an_empty_text_are_answered(writer):
    assert len(writer.write([""], max_new_tokens=3)[0]) == 1
    assert writer.log_likelihood([""]).log_likelihood.tolist() == [0.0]
    assert writer.write([]) == []


def test_a_prompt_that_leaves_no_room_is_refused(writer):
    with pytest.raises(DataError, match="more than the model's 256"):
        writer.write(["mug " * 300])


def test_a_text_ends_where_the_model_ends_it(writer):
    reader = writer._engine.reader
    body = reader.continuation("red mug").tolist()
    assert reader.read_back([*body, reader.stops[0], *body]) == "red mug"


def test_progress_counts_prompts_and_a_stream_is_in_order(writer, monkeypatch):
    monkeypatch.setattr("adcli.core.writing.writer.CHUNK_PROMPTS", 2)
    counted = []
    settings = WritingSettings(n=2, max_new_tokens=6, seed=1, temperature=0.7, top_p=0.9)
    streamed = list(writer.write_stream(iter(PROMPTS), settings, progress=counted.append))
    assert streamed == writer.write(PROMPTS, n=2, max_new_tokens=6, seed=1, temperature=0.7, top_p=0.9)
    assert sum(counted) == len(PROMPTS)


@pytest.mark.parametrize(
    "senseless",
    [{"n": 0}, {"max_new_tokens": 0}, {"temperature": -1.0}, {"temperature": float("nan")}, {"top_p": 0.0},
     {"top_p": 1.1}, {"top_k": -1}, {"seed": -1}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(writer, senseless):
    with pytest.raises(UsageError, match=next(iter(senseless)).replace("_", "-")):
        writer.write(["mug"], **senseless)


scores_of = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=12, unique=True)


@given(scores_of, st.floats(0, 0.999), st.integers(0, 12), st.floats(0.05, 1), st.floats(0.1, 3))
def test_a_token_is_chosen_as_its_definition_says(scores, uniform, top_k, top_p, temperature):
    """Sort, keep the k best, keep the fewest that reach top_p, renormalise, invert the distribution."""
    settings = WritingSettings(temperature=temperature, top_k=top_k, top_p=top_p)
    choice = choose_tokens(torch.tensor([scores]), torch.tensor([uniform], dtype=torch.float64), settings)
    found = int(choice.tokens)
    order = sorted(range(len(scores)), key=lambda i: -scores[i])[: top_k or None]
    weights = np.exp(np.array([scores[i] for i in order], np.float64) / temperature)
    weights /= weights.sum()
    kept = (np.cumsum(weights) - weights) < top_p
    reached = np.cumsum(weights * kept)
    near = np.abs(reached - uniform * reached[-1]).min()
    if near > 1e-9:
        assert found == order[int(np.searchsorted(reached, uniform * reached[-1], side="right"))]


def test_samples_have_the_probabilities_of_the_scores():
    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(20_000, 1)
    uniform = torch.from_numpy(uniform_stream(0, 0, 0, 20_000))
    chosen = choose_tokens(scores, uniform, WritingSettings(temperature=1.0, top_k=0, top_p=1.0))
    shares = np.bincount(chosen.tokens.numpy(), minlength=4) / 20_000
    np.testing.assert_allclose(shares, torch.softmax(scores[0], 0).numpy(), atol=0.015)


def test_streams_of_random_numbers_belong_to_seed_row_and_variant():
    streams = [uniform_stream(*key, 5) for key in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0))]
    assert len({tuple(stream) for stream in streams}) == 4
    np.testing.assert_array_equal(uniform_stream(3, 4, 5, 8)[:5], uniform_stream(3, 4, 5, 5))


@pytest.mark.slow
def test_smollm2_writes_from_its_package(smollm2):
    writer = Writer.load(smollm2)
    (texts,) = writer.write(["Write one short ad for a steel water bottle."], n=2, max_new_tokens=16, seed=1)
    assert len(texts) == 2
    assert all(texts)
    sense, nonsense = writer.log_likelihood(["The cat sat on the mat.", "mat the on sat cat The."]).perplexity
    assert sense < nonsense


def test_what_the_batch_before_began_with_is_not_read_again(writer, monkeypatch):
    """The same texts to the last bit of their log-probabilities, from fewer tokens read."""
    model = writer._engine.model
    model.trunk = None
    beginning = " ".join(models.WORDS[:20]) * 4
    settings = WritingSettings(n=2, max_new_tokens=6, seed=3)
    prompts = [writer._engine.reader.text(f"{beginning} {word}") for word in models.WORDS[:3]]
    read = []
    run = model.run
    monkeypatch.setattr(model, "run", lambda ids, *rest: read.append(len(ids)) or run(ids, *rest))
    first = writer._engine.sample(prompts, settings)
    whole = sum(read)
    read.clear()
    second = writer._engine.sample(prompts[::-1], settings, rows=[2, 1, 0])
    assert sum(read) <= whole - 32
    for field, again in zip(first, second, strict=True):
        assert torch.equal(field.view(3, 2, -1), again.view(3, 2, -1).flip(0))
