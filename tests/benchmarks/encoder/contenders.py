"""Encoders to be compared: each a function from texts to unit vectors. Those not installed are left out."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch  # noqa: TID253
from product_texts import CAP

Encode = Callable[[Sequence[str]], np.ndarray]
PEER_TOKENS = 2_048


def adcli_exact(model: Path, scratch: Path) -> Encode:
    return _adcli(model, exact=True)


def adcli_default(model: Path, scratch: Path) -> Encode:
    return _adcli(model, exact=False)


def _adcli(model: Path, *, exact: bool) -> Encode:
    from adcli.core.encoding.encoder import Encoder

    encoder = Encoder.load(str(model), exact=exact, long_texts="truncate")
    return encoder.encode


def sentence_transformers_fp32(model: Path, scratch: Path) -> Encode:
    return _sentence_transformers(model, torch.float32)


def sentence_transformers_bf16(model: Path, scratch: Path) -> Encode:
    return _sentence_transformers(model, torch.bfloat16)


def _sentence_transformers(model: Path, dtype: torch.dtype) -> Encode:
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(model), device="cpu", model_kwargs={"dtype": dtype})
    return lambda texts: peer.encode(list(texts), show_progress_bar=False, convert_to_numpy=True).astype(
        np.float32
    )


def onnxruntime_fp32(model: Path, scratch: Path) -> Encode:
    return _onnxruntime(model, _onnx(model, scratch))


def onnxruntime_int8(model: Path, scratch: Path) -> Encode:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = scratch / f"{model.name}-int8.onnx"
    if not target.exists():
        quantize_dynamic(_onnx(model, scratch), target, weight_type=QuantType.QInt8, per_channel=True)
    return _onnxruntime(model, target)


def _onnxruntime(model: Path, graph: Path) -> Encode:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return _over_batches(
        model, lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    )


def openvino_fp32(model: Path, scratch: Path) -> Encode:
    return _openvino(model, scratch, "f32")


def openvino_bf16(model: Path, scratch: Path) -> Encode:
    return _openvino(model, scratch, "bf16")


def _openvino(model: Path, scratch: Path, precision: str) -> Encode:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(str(_onnx(model, scratch)), "CPU", settings)
    request = compiled.create_infer_request()
    return _over_batches(
        model, lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[compiled.output(0)]
    )


def _over_batches(model: Path, run: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Encode:
    """The peers' engines get token-sorted batches under a token budget: better ones than they make themselves."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)

    def batches(texts: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        ids = tokenizer(list(texts), truncation=True, max_length=CAP)["input_ids"]
        lengths = np.array([len(sequence) for sequence in ids])
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(order):
            longest = lengths[order[start]]
            members = order[start : start + max(1, PEER_TOKENS // longest)]
            mask = (np.arange(longest) < lengths[members, None]).astype(np.int64)
            padded = np.zeros(mask.shape, np.int64)
            padded[mask.astype(bool)] = np.concatenate([ids[i] for i in members])
            yield members, padded, mask
            start += len(members)

    def encode(texts: Sequence[str]) -> np.ndarray:
        found = list(batches(texts))
        vectors = [run(ids, mask) for _, ids, mask in found]
        out = np.empty((len(texts), vectors[0].shape[1]), np.float32)
        for (members, _, _), block in zip(found, vectors, strict=True):
            out[members] = block
        return out

    return encode


class _Pooled(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.model(input_ids=input_ids, attention_mask=attention_mask)[0]
        there = attention_mask.unsqueeze(-1).to(states.dtype)
        return torch.nn.functional.normalize((states * there).sum(1) / there.sum(1), dim=1)


def _onnx(model: Path, scratch: Path) -> Path:
    from transformers import AutoModel

    target = scratch / f"{model.name}.onnx"
    if not target.exists():
        loaded = AutoModel.from_pretrained(
            model, dtype=torch.float32, attn_implementation="eager", add_pooling_layer=False
        ).eval()
        ids = torch.randint(5, 1000, (3, 17))
        free = {0: "texts", 1: "tokens"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Pooled(loaded), (ids, torch.ones_like(ids)), str(target),
                input_names=["input_ids", "attention_mask"], output_names=["vectors"],
                dynamic_axes={"input_ids": free, "attention_mask": free, "vectors": {0: "texts"}},
                opset_version=17, dynamo=False,
            )  # fmt: skip
    return target


CONTENDERS: dict[str, tuple[str, Callable[[Path, Path], Encode]]] = {
    "adcli exact": ("adcli", adcli_exact),
    "adcli default": ("adcli", adcli_default),
    "sentence-transformers fp32": ("sentence_transformers", sentence_transformers_fp32),
    "sentence-transformers bf16": ("sentence_transformers", sentence_transformers_bf16),
    "onnxruntime fp32": ("onnxruntime", onnxruntime_fp32),
    "onnxruntime int8": ("onnxruntime", onnxruntime_int8),
    "openvino fp32": ("openvino", openvino_fp32),
    "openvino bf16": ("openvino", openvino_bf16),
}


def installed() -> dict[str, Callable[[Path, Path], Encode]]:
    """The contenders whose package is there."""
    return {name: load for name, (package, load) in CONTENDERS.items() if importlib.util.find_spec(package)}
