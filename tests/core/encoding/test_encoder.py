"""Vectors: the same as sentence-transformers', and the same whatever lies beside a text."""

import json
from pathlib import Path

import models
import numpy as np
import pytest
import torch  # noqa: TID253

from adcli.core.encoding.encoder import Encoder
from adcli.core.encoding.loading import load_engine
from adcli.core.encoding.pooling import read_pooling
from adcli.errors import AdcliError, DataError, UsageError

FIXTURE = Path(__file__).parent / "minilm_vectors.json"
ODD_TEXTS = [
    "",
    " ",
    "mug",
    "MUG!!",
    "stainless steel 水杯 😍 750ml",
    "\u202eright to left\u202c",
    "a\x00b",
    "tea " * 20,
]


@pytest.fixture(scope="module")
def exact(bert):
    return Encoder.load(str(bert), exact=True)


def plain_vectors(folder, texts, mode="mean", limit=32):
    """Vectors by transformers alone, text by text."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = []
    for text in texts:
        read = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
        with torch.no_grad():
            states = model(input_ids=read["input_ids"]).last_hidden_state[0]
        vector = {"mean": states.mean(0), "cls": states[0], "lasttoken": states[-1]}[mode]
        vectors.append(torch.nn.functional.normalize(vector, dim=0).numpy())
    return np.stack(vectors)


@pytest.mark.parametrize(
    "build", [models.tiny_bert, models.tiny_roberta, models.tiny_distilbert, models.tiny_mpnet]
)
def test_every_architecture_gives_transformers_own_vectors(tmp_path, build):
    folder = build(tmp_path / "m")
    encoder = Encoder.load(str(folder), exact=True, long_texts="truncate")
    texts = [*models.shop_texts(60), *ODD_TEXTS]
    expected = plain_vectors(folder, texts, read_pooling(folder).mode)
    assert encoder.settings.forward.startswith("packed") == (build is not models.tiny_mpnet)
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["mean", "cls", "lasttoken"])
def test_pooling_is_what_the_model_s_files_say(tmp_path, mode):
    folder = models.tiny_bert(tmp_path / "m", pooling=mode)
    texts = models.shop_texts(20)
    found = Encoder.load(str(folder), exact=True).encode(texts)
    np.testing.assert_allclose(found, plain_vectors(folder, texts, mode), atol=1e-5)


def test_a_model_without_files_about_pooling_is_pooled_by_its_mean(tmp_path):
    folder = models.tiny_bert(tmp_path / "m")
    for path in (folder / "modules.json", folder / "sentence_bert_config.json"):
        path.unlink()
    assert read_pooling(folder).mode == "mean"
    assert Encoder.load(str(folder)).settings.max_length == 64


@pytest.mark.parametrize("pooling", ["max", ["mean", "cls"]])
def test_pooling_that_is_not_offered_is_refused(tmp_path, pooling):
    folder = models.tiny_bert(tmp_path / "m", pooling=pooling)
    with pytest.raises(DataError, match="pooling"):
        Encoder.load(str(folder))


def test_a_part_that_is_not_offered_is_refused(tmp_path):
    folder = models.tiny_bert(tmp_path / "m")
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*modules, {"path": "3_Dense", "type": "x.Dense"}]))
    with pytest.raises(DataError, match="'Dense'"):
        Encoder.load(str(folder))


def test_the_stored_vectors_of_sentence_transformers_are_equalled(minilm):
    stored = json.loads(FIXTURE.read_text("utf-8"))
    vectors = Encoder.load(minilm, exact=True).encode(stored["texts"])
    np.testing.assert_allclose(vectors, np.array(stored["vectors"]), atol=1e-5)


def test_sentence_transformers_beside_us_agrees(minilm):
    library = pytest.importorskip("sentence_transformers")
    texts = [*models.shop_texts(40), *ODD_TEXTS, "very " * 400]
    encoder = Encoder.load(minilm, exact=True, long_texts="truncate")
    peer = library.SentenceTransformer(str(encoder.source.path), device="cpu")
    expected = peer.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)


def test_the_default_precision_keeps_the_direction_of_each_text(minilm):
    texts = models.shop_texts(60)
    exact, default = Encoder.load(minilm, exact=True).encode(texts), Encoder.load(minilm).encode(texts)
    assert (exact * default).sum(axis=1).min() >= 0.9995


def test_a_text_s_vector_is_the_same_to_the_last_bit_whatever_is_beside_it(bert):
    texts = [*models.shop_texts(80, longest=150), *ODD_TEXTS]
    for exact in (True, False):
        encoder = Encoder.load(str(bert), exact=exact, precision="fp32" if exact else "bf16")
        together = encoder.encode(texts)
        alone = np.concatenate([encoder.encode([text]) for text in texts])
        np.testing.assert_array_equal(together, alone)
        np.testing.assert_array_equal(encoder.encode(texts[::-1])[::-1], together)


def test_real_weights_too_give_the_same_bits_whatever_is_beside_a_text(minilm):
    texts = models.shop_texts(48)
    for exact in (True, False):
        encoder = Encoder.load(minilm, exact=exact)
        sums_vary = encoder.settings.precision == "bf16" and torch.cpu._is_amx_tile_supported()
        together = encoder.encode(texts)
        for i in range(3):
            np.testing.assert_allclose(
                encoder.encode(texts[i::3]), together[i::3], rtol=0, atol=0.005 if sums_vary else 0
            )


def test_equal_texts_are_computed_once(exact, monkeypatch):
    seen = []
    original = exact.encode_as_ready
    monkeypatch.setattr(exact, "encode_as_ready", lambda texts: seen.extend(texts) or original(texts))
    vectors = exact.encode(["mug", "cup", "mug", "mug"])
    assert seen == ["mug", "cup"]
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_vectors_have_length_one_and_the_shape_promised(exact):
    vectors = exact.encode(ODD_TEXTS)
    assert vectors.shape == (len(ODD_TEXTS), exact.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert exact.encode([]).shape == (0, exact.dimension)


def test_an_empty_text_has_the_vector_of_the_empty_string(exact, bert):
    np.testing.assert_allclose(exact.encode([""]), plain_vectors(bert, [""]), atol=1e-5)


def test_a_long_text_is_read_in_windows_to_its_end(bert, exact):
    beginning = "mug " * 60
    cut = Encoder.load(str(bert), exact=True, long_texts="truncate")
    same, other = cut.encode([beginning + "boots " * 40, beginning + "lantern " * 40])
    np.testing.assert_array_equal(same, other)
    first, second = exact.encode([beginning + "boots " * 40, beginning + "lantern " * 40])
    assert first @ second < 0.999


def test_windows_are_averaged_by_their_tokens(bert, exact):
    """The definition, by hand: windows of 32 with 4 shared tokens, weighted by their lengths."""
    from transformers import AutoModel, AutoTokenizer

    text = " ".join(models.WORDS * 2)
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    windows = []
    start = 0
    while True:
        windows.append([tokenizer.cls_token_id, *ids[start : start + 30], tokenizer.sep_token_id])
        if start + 30 >= len(ids):
            break
        start += 30 - 4
    with torch.no_grad():
        means = [model(input_ids=torch.tensor([w])).last_hidden_state[0].mean(0).numpy() for w in windows]
    expected = np.average(means, axis=0, weights=[len(w) for w in windows])
    assert len(windows) > 2
    np.testing.assert_allclose(exact.encode([text])[0], expected / np.linalg.norm(expected), atol=1e-5)


def test_an_enormous_text_takes_bounded_work(exact):
    small, large = exact.encode(["mug " * 5_000, "mug " * 2_000_000])
    np.testing.assert_array_equal(small, large)


def test_progress_counts_every_text_once(exact):
    counted = []
    exact.encode(["mug", "cup", "mug", *models.shop_texts(30)], counted.append)
    assert sum(counted) == 33


def test_exponentials_out_of_range_are_computed_the_safe_way_and_only_they():
    """A sequence whose scores leave what exp can hold gets what softmax gives; its neighbour keeps its bits."""
    from adcli.core.compute.attention import ExponentialAttention, SoftmaxAttention
    from adcli.core.compute.batching import Group

    torch.manual_seed(0)
    projected = torch.randn(20, 3 * 32)
    projected[10:, :64] *= 12  # the second sequence's queries and keys: scores beyond 200
    projected = projected.bfloat16()
    assert (projected[10:, :32] @ projected[10:, 32:64].T).abs().max() > 200
    both, alone, exact = (torch.empty(rows, 32, dtype=torch.bfloat16) for rows in (20, 10, 20))
    ExponentialAttention(4).fill(both, projected, [Group(0, 2, 10)])
    ExponentialAttention(4).fill(alone, projected[:10], [Group(0, 1, 10)])
    SoftmaxAttention(4).fill(exact, projected, [Group(0, 2, 10)])
    assert torch.equal(both[:10], alone)
    torch.testing.assert_close(both, exact, atol=0.03, rtol=0.03)


def test_without_private_operators_the_public_ones_give_the_same(bert, monkeypatch, exact):
    texts = models.shop_texts(20)
    monkeypatch.setattr("adcli.core.compute.precision.is_onednn_usable", lambda dtype: False)
    monkeypatch.setattr("adcli.core.encoding.encoder.known_choice", lambda *key: None)
    monkeypatch.setattr("adcli.core.encoding.encoder.keep_choice", lambda *key: None)
    public = Encoder.load(str(bert), exact=True)
    assert "torch projections" in public.settings.forward
    np.testing.assert_allclose(public.encode(texts), exact.encode(texts), atol=1e-5)


def test_a_fast_path_that_computes_something_else_is_not_taken(bert, monkeypatch):
    from adcli.core.encoding.packed import PackedBert

    monkeypatch.setattr("adcli.core.encoding.encoder.known_choice", lambda *key: None)
    monkeypatch.setattr("adcli.core.encoding.encoder.keep_choice", lambda *key: None)
    honest = PackedBert.__call__
    monkeypatch.setattr(
        PackedBert, "__call__", lambda self, batch: honest(self, batch) + 0.5 * torch.rand(())
    )
    encoder = Encoder.load(str(bert), exact=True)
    assert encoder.settings.forward.startswith("BertModel")
    texts = models.shop_texts(5)
    np.testing.assert_allclose(encoder.encode(texts), plain_vectors(bert, texts), atol=1e-5)


def test_a_model_that_is_all_in_the_memory_is_loaded_only_when_needed(bert, monkeypatch):
    Encoder.load(str(bert))
    monkeypatch.setattr("adcli.core.encoding.loading.load_engine", lambda *a, **k: pytest.fail("loaded"))
    assert Encoder.load(str(bert)).dimension == 32


def test_the_settings_tell_what_a_vector_depends_on(bert):
    settings = [
        Encoder.load(str(bert), exact=True).settings,
        Encoder.load(str(bert), exact=True, max_length=16).settings,
        Encoder.load(str(bert), exact=True, long_texts="truncate").settings,
    ]
    assert len({s.fingerprint for s in settings}) == 3
    assert Encoder.load(str(bert), exact=True).settings.fingerprint == settings[0].fingerprint


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"device": "tpu"}, "--device tpu"),
        ({"precision": "fp8"}, "--precision fp8"),
        ({"precision": "fp16", "device": "cpu"}, "needs a GPU"),
        ({"processes": 0}, "--processes 0"),
    ],
)
def test_what_makes_no_sense_is_refused(bert, asked, said):
    with pytest.raises(UsageError, match=said):
        Encoder.load(str(bert), **asked).encode(["mug"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_said_so(bert):
    with pytest.raises(UsageError, match="--device cuda"):
        Encoder.load(str(bert), device="cuda")


def test_a_choice_that_no_longer_holds_is_said_and_not_mixed(bert, monkeypatch):
    encoder = Encoder.load(str(bert), exact=True)
    again = Encoder(encoder.source, encoder._request, encoder._chosen, processes=None, loaded=None)

    def otherwise(request, source, *, known):
        engine, chosen = load_engine(request, source, known=known)
        from dataclasses import replace

        return engine, chosen._replace(settings=replace(chosen.settings, forward="another"))

    monkeypatch.setattr("adcli.core.encoding.loading.load_engine", otherwise)
    with pytest.raises(AdcliError, match="otherwise than"):
        again.encode(["mug"])


def test_attention_of_any_lengths_in_one_kernel_is_told_where_each_sequence_lies(monkeypatch):
    """The kernel itself needs a GPU: a stand-in that does what it is documented to do takes its place."""
    import torch.nn.attention.varlen as varlen

    from adcli.core.compute.attention import SoftmaxAttention, VariableLengthAttention
    from adcli.core.compute.forward import PackedBatch

    def documented(query, key, value, ends, same_ends, longest, same_longest, *, scale):
        assert ends.dtype == torch.int32
        assert longest == same_longest == int(ends.diff().max())
        assert torch.equal(ends, same_ends)
        out = torch.empty_like(query)
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            q, k, v = (part[start:end].transpose(0, 1) for part in (query, key, value))
            out[start:end] = (torch.softmax(q @ k.transpose(1, 2) * scale, -1) @ v).transpose(0, 1)
        return out

    monkeypatch.setattr(varlen, "varlen_attn", documented)
    torch.manual_seed(0)
    lengths = np.array([7, 5, 5, 2])
    batch = PackedBatch.of(np.zeros(19, np.int32), lengths)
    projected = torch.randn(19, 3 * 32)
    found, wanted = torch.empty(19, 32), torch.empty(19, 32)
    for attention, context in ((VariableLengthAttention(4, "cpu"), found), (SoftmaxAttention(4), wanted)):
        attention.fill(context, projected, attention.layout(batch))
    torch.testing.assert_close(found, wanted)


def test_texts_read_part_by_part_have_the_same_vectors(exact):
    from adcli.core.encoding.engine import gather_ready

    texts = [*models.shop_texts(50), "", "mug " * 200]
    by_parts = exact.local._replace(read_at_once=7)
    np.testing.assert_array_equal(gather_ready(by_parts, texts, exact.dimension), exact.encode(texts))
