"""`adcli embed` on the texts that shops have, and on files that it cannot use."""

import json

import numpy as np
import polars as pl
import pytest

TEXTS = {
    "plain": "waterproof hiking boots for women",
    "shouted": "WATERPROOF HIKING BOOTS FOR WOMEN",
    "typos": "waterprof hiking bootss for woman",
    "emoji": "waterproof hiking boots for women 😍👟",
    "mixed": "防水登山鞋 waterproof hiking boots for women",
    "other": "ceramic coffee mug with a lid",
    "blank": "   ",
    "enormous": "waterproof hiking boots " * 420_000,  # ten megabytes
    "unbroken": "x" * 10_000_000,
}


def test_unusual_texts_get_vectors_near_what_they_mean(adcli, tmp_path):
    pl.DataFrame({"item_id": list(TEXTS), "title": list(TEXTS.values())}).write_parquet(
        tmp_path / "p.parquet"
    )
    done = adcli("embed", "p.parquet", "-o", "v.parquet")
    assert done.returncode == 0, done.said
    table = pl.read_parquet(tmp_path / "v.parquet")
    assert table["id"].to_list() == list(TEXTS)
    vectors = dict(zip(TEXTS, table["embedding"].to_numpy(), strict=True))
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-3) for vector in vectors.values())
    np.testing.assert_allclose(vectors["shouted"], vectors["plain"], atol=1e-6)
    least = {"typos": 0.6, "emoji": 0.8, "mixed": 0.6, "enormous": 0.4}
    for name, cosine in least.items():
        assert vectors[name] @ vectors["plain"] > cosine, name
        assert vectors[name] @ vectors["plain"] > vectors[name] @ vectors["other"] + 0.3, name


def test_a_text_longer_than_a_window_is_read_to_its_end(adcli, tmp_path):
    start = "This lamp stands in a corner and gives light. " * 40
    (tmp_path / "q.ndjson").write_text(
        "".join(
            json.dumps({"item_id": name, "title": text}) + "\n"
            for name, text in (("a", start), ("b", start + "Poisonous snakes live in it. " * 40))
        )
    )
    adcli("embed", "q.ndjson", "-o", "v.parquet")
    a, b = pl.read_parquet(tmp_path / "v.parquet")["embedding"].to_numpy()
    assert a @ b < 0.95


def test_a_row_without_a_title_is_rejected_and_the_others_are_kept(adcli, tmp_path):
    (tmp_path / "p.csv").write_text("item_id,title\n1,mug\n2,\n3,cup\n")
    done = adcli("embed", "p.csv", "--rejects", "r.csv", "-o", "v.parquet")
    assert done.returncode == 0
    assert pl.read_parquet(tmp_path / "v.parquet")["id"].to_list() == ["1", "3"]
    assert "title: missing" in (tmp_path / "r.csv").read_text()
    assert "3 read = 2 written + 1 rejected" in done.said
    assert adcli("embed", "p.csv", "--strict", "-o", "w.parquet").returncode == 4
    assert not (tmp_path / "w.parquet").exists()


def test_what_the_input_is_can_be_said(adcli, tmp_path):
    (tmp_path / "x.txt").write_text("item_id;title;text\n1;mug;I like it\n")
    done = adcli("embed", "x.txt", "--table", "reviews", "--delimiter", ";", "-o", "v.parquet")
    assert done.returncode == 0, done.said
    assert pl.read_parquet(tmp_path / "v.parquet")["kind"].to_list() == ["review"]
    done = adcli("embed", "x.txt", "--table", "review")
    assert done.returncode == 2
    assert "Did you mean 'reviews'?" in done.said


def test_the_precision_can_be_said(adcli, tmp_path):
    (tmp_path / "p.csv").write_text("item_id,title\n1,mug\n")
    adcli("embed", "p.csv", "--precision", "fp32", "--device", "cpu", "-o", "v.parquet")
    assert json.loads((tmp_path / "v.parquet.meta.json").read_text())["model"]["precision"] == "fp32"
    done = adcli("embed", "p.csv", "--precision", "fp16", "--device", "cpu")
    assert done.returncode == 2
    assert "fp16 needs a GPU" in done.said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((), "is no adapter: it has no adapter.json"),
        (("adapter.json", "{"), "adapter.json"),
    ],
)
def test_a_folder_that_is_no_adapter_is_one_sentence(adcli, tmp_path, made, said):
    (tmp_path / "p.csv").write_text("item_id,title\n1,mug\n")
    (tmp_path / "tuned").mkdir()
    if made:
        (tmp_path / "tuned" / made[0]).write_text(made[1])
    done = adcli("embed", "p.csv", "--adapter", "tuned")
    assert done.returncode == 3
    assert said in done.said


def test_a_file_that_is_no_basis_is_one_sentence(adcli, tmp_path):
    vectors = pl.Series([[1.0, 0.0], [0.0, 1.0]], dtype=pl.Array(pl.Float32, 2))
    pl.DataFrame({"id": ["a", "b"], "kind": "product", "embedding": vectors}).write_parquet(
        tmp_path / "v.parquet"
    )
    (tmp_path / "x.safetensors").write_bytes(b"nothing of the kind")
    done = adcli("embed", "v.parquet", "--basis", "x.safetensors")
    assert done.returncode == 3
    assert "x.safetensors is not a basis of --dim" in done.said


def test_quantized_and_reduced_vectors_are_what_numpy_reads(adcli, tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    column = pl.Series(vectors, dtype=pl.Array(pl.Float32, 24))
    pl.DataFrame({"id": [f"é{i}" for i in range(40)], "kind": "product", "embedding": column}).write_parquet(
        tmp_path / "v.parquet"
    )
    done = adcli("embed", "v.parquet", "--dim", "8", "--quantize", "int8", "-o", "small.npy")
    assert "24 dimensions to 8:" in done.said
    assert "24 dimensions to 8 in int8:" in done.said
    small = np.load(tmp_path / "small.npy")
    assert (small.dtype, small.shape) == (np.int8, (40, 8))
    assert (np.abs(small).max(axis=1) == 127).all()
    adcli("embed", "v.parquet", "--quantize", "binary", "-o", "bits.npy")
    bits = np.load(tmp_path / "bits.npy")
    np.testing.assert_array_equal(np.unpackbits(bits, axis=1), vectors > 0)
    lost = json.loads((tmp_path / "bits.npy.meta.json").read_text())["recall_lost"]
    assert 0 <= lost["24 dimensions to 24 bits"] <= 1


def test_a_catalog_that_matches_no_event_is_said_before_it_is_embedded(adcli, tmp_path):
    (tmp_path / "log.csv").write_text("event_time,user_id,event_type,item_id\n2024-05-01,u,view,a\n")
    (tmp_path / "p.csv").write_text("item_id,title\nx9,tent\n")
    done = adcli("embed", "log.csv", "--catalog", "p.csv", "--model", "./nowhere")
    assert done.returncode == 3  # the model is not even looked for
    assert "None of the 1 items of the events is in the catalog" in done.said
