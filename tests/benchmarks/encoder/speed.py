"""Texts a second of this encoder and of its peers, interleaved, medians.

    python tests/benchmarks/encoder/speed.py --texts 5000 --repeats 3
    python tests/benchmarks/encoder/speed.py --shape bert-base --texts 500

Wall-clock figures mean something on a quiet machine only; figures per second of processor time hold their ratios
on a busy one. Peers are measured where they are installed (sentence-transformers, onnx with onnxruntime,
openvino).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch  # noqa: TID253
from contenders import installed
from product_texts import CAP, bert_base_shape, billions_of_operations, carried_minilm, product_like_texts

BASE = "sentence-transformers fp32"


def main() -> None:
    options = _options()
    scratch = Path(options.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    model = carried_minilm() if options.shape == "minilm" else bert_base_shape(scratch / "bert-base")
    texts = product_like_texts(options.texts)
    wanted = {
        n: load for n, load in installed().items() if not options.only or any(o in n for o in options.only)
    }
    encoders = {name: load(model, scratch) for name, load in wanted.items()}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in encoders}
    vectors = {name: encode(texts[:64]) for name, encode in encoders.items()}
    for _ in range(options.repeats):
        for name, encode in encoders.items():
            wall, processor = time.perf_counter(), time.process_time()
            vectors[name] = encode(texts)
            spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    _print(options, model, texts, spent, vectors)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shape", choices=["minilm", "bert-base"], default="minilm")
    parser.add_argument("--only", nargs="*", help="parts of contenders' names")
    parser.add_argument("--scratch", default="/tmp/adcli-benchmark")  # noqa: S108
    return parser.parse_args()


def _print(options, model, texts, spent, vectors) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    lengths = np.array([len(ids) for ids in tokenizer(texts, truncation=True, max_length=CAP)["input_ids"]])
    config = json.loads((model / "config.json").read_text("utf-8"))
    work = billions_of_operations(lengths, config)
    peaks = {dtype: _peak(config["hidden_size"], dtype) for dtype in (torch.float32, torch.bfloat16)}
    print(f"{options.shape}: {len(texts)} texts, mean {lengths.mean():.1f} tokens, median {np.median(lengths):.0f}, "
          f"90 % below {np.quantile(lengths, 0.9):.0f}; {work / len(texts):.2f} GFLOP a text; load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(
        f"measured peak of a product, GFLOP/s a core: fp32 {peaks[torch.float32]:.0f}, bf16 {peaks[torch.bfloat16]:.0f}"
    )
    base = BASE if BASE in spent else next(iter(spent))
    reference = vectors[base]
    print(
        f"{'':28}{'texts/s':>9}{'ratio':>7}{'per CPU-s':>11}{'ratio':>7}{'of peak':>9}{'least cos':>11}{'recall@10':>11}"
    )
    medians = {n: [statistics.median(run[i] for run in runs) for i in (0, 1)] for n, runs in spent.items()}
    for name, (wall, processor) in medians.items():
        half = "bf16" in name or (name == "adcli default" and "bf16" in _precision(model))
        peak = peaks[torch.bfloat16 if half else torch.float32]
        cosine = (vectors[name] * reference).sum(1) / np.linalg.norm(vectors[name], axis=1)
        print(
            f"{name:28}{len(texts) / wall:9.1f}{medians[base][0] / wall:7.2f}{len(texts) / processor:11.1f}"
            f"{medians[base][1] / processor:7.2f}{work / processor / peak:9.2f}{cosine.min():11.5f}"
            f"{recall_at_10(vectors[name], reference):11.4f}"
        )


def _precision(model: Path) -> str:
    from adcli.core.encoding.encoder import Encoder

    return Encoder.load(str(model), long_texts="truncate").settings.precision


def recall_at_10(found: np.ndarray, reference: np.ndarray) -> float:
    """The share of each text's ten nearest neighbours that are still among them."""
    count = min(len(reference), 1_000)
    best = [np.argsort(-(v[:count] @ v.T), axis=1)[:, 1:11] for v in (found, reference)]
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(*best, strict=True)]))


def _peak(width: int, dtype: torch.dtype) -> float:
    """Billions of operations a second of one core on the encoder's widest product, best of many."""
    from adcli.core.compute.linear import OneDnnLinear, TorchLinear, is_onednn_usable

    torch.set_num_threads(1)
    kind = OneDnnLinear if is_onednn_usable(dtype) else TorchLinear
    layer = kind(torch.randn(4 * width, width).to(dtype), None)
    x = torch.randn(2048, width).to(dtype)
    best = np.inf
    with torch.inference_mode():
        for _ in range(20):
            start = time.thread_time()
            layer(x)
            best = min(best, time.thread_time() - start)
    return 2 * 2048 * 4 * width * width / best / 1e9


if __name__ == "__main__":
    main()
