"""Tokens per second of processor time when ads are sampled: adcli, Hugging Face `generate`, CTranslate2.

    python speed.py                  # SmolLM2, the prompts that `generate` makes of a shop's products

The same model, prompts, variants and sampling (temperature 0.6, top-k 50, top-p 0.9) for all, one thread,
contenders interleaved; every row has the same number of new tokens. Those not installed are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch  # noqa: TID253

from adcli.core.compute.precision import DTYPES
from adcli.core.models.loading import load_language_model, load_tokenizer
from adcli.core.models.resolution import resolve_model
from adcli.core.writing.decoder_weights import decoder_weights
from adcli.core.writing.decoding import PackedLanguageModel
from adcli.core.writing.prompts import Ids, PromptReader
from adcli.core.writing.sampling import Samples, sample_batch
from adcli.core.writing.settings import WritingSettings

SETTINGS = WritingSettings(n=4, max_new_tokens=30, temperature=0.6, top_k=50, top_p=0.9)
PROMPTS_TOGETHER = 8
NEVER = [10**6]  # a token that ends nothing: all write equally much
Sampler = Callable[[Sequence[Ids]], None]

PRODUCTS = [
    {"item_id": str(i), "title": f"{colour} {material} {kind}", "brand": brand, "color": colour,
     "material": material}
    for i, (colour, material, kind, brand) in enumerate(
        (colour, material, kind, brand)
        for colour in ("Black", "Olive", "Rose")
        for material, kind in (("Steel", "Water Bottle"), ("Cotton", "Bath Towel"), ("Leather", "Belt"),
                               ("Ceramic", "Coffee Mug"))
        for brand in ("Kestrel", "Northway")
    )
]  # fmt: skip


def prompts_of(reader: PromptReader) -> list[Ids]:
    """The prompts that `adcli generate` makes, the longest first."""
    from adcli.copy.channels import CHANNELS
    from adcli.copy.facts import catalogue_facts
    from adcli.generate.infill import Sampling, drafts

    asked: list[list[dict[str, str]]] = []

    def note(prompts, **how):
        asked.extend(prompts)
        return [[] for _ in prompts]

    products = catalogue_facts(PRODUCTS).products
    drafts([(product, "") for product in products], note, CHANNELS["meta-feed"], Sampling())
    prompts = [reader.prompt(messages) for messages in asked]
    return sorted(prompts, key=len, reverse=True)


def adcli_sampler(folder: Path, precision: str, settings: WritingSettings = SETTINGS) -> Sampler:
    model = load_language_model(folder, torch.float32)
    packed = PackedLanguageModel(decoder_weights(model), "cpu", DTYPES[precision], onednn=True)
    return lambda prompts: sampled(packed, prompts, settings) and None


def sampled(model: PackedLanguageModel, prompts: Sequence[Ids], settings: WritingSettings) -> Samples:
    with torch.inference_mode():
        return sample_batch(model, prompts, range(len(prompts)), settings, stops=NEVER, device="cpu")


def hugging_face(folder: Path, precision: str) -> Sampler:
    model, tokenizer = load_language_model(folder, DTYPES[precision]), load_tokenizer(folder)
    tokenizer.padding_side = "left"

    def sample(prompts: Sequence[Ids]) -> None:
        rows = tokenizer.pad({"input_ids": [ids.tolist() for ids in prompts]}, return_tensors="pt")
        with torch.inference_mode():
            model.generate(
                **rows, do_sample=True, temperature=SETTINGS.temperature, top_p=SETTINGS.top_p,
                top_k=SETTINGS.top_k, num_return_sequences=SETTINGS.n, max_new_tokens=SETTINGS.max_new_tokens,
                min_new_tokens=SETTINGS.max_new_tokens, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip

    return sample


def ctranslate2(folder: Path, compute_type: str) -> Sampler:
    from ctranslate2 import Generator
    from ctranslate2.converters import TransformersConverter

    tokenizer = load_tokenizer(folder)
    with tempfile.TemporaryDirectory() as converted:
        target = str(Path(converted) / "model")
        TransformersConverter(str(folder)).convert(target)
        generator = Generator(target, device="cpu", intra_threads=1, compute_type=compute_type)

    def sample(prompts: Sequence[Ids]) -> None:
        generator.generate_batch(
            [tokenizer.convert_ids_to_tokens(ids.tolist()) for ids in prompts for _ in range(SETTINGS.n)],
            max_length=SETTINGS.max_new_tokens, min_length=SETTINGS.max_new_tokens,
            sampling_topk=SETTINGS.top_k, sampling_topp=SETTINGS.top_p,
            sampling_temperature=SETTINGS.temperature, include_prompt_in_result=False,
        )  # fmt: skip

    return sample


def contenders(folder: Path) -> Iterator[tuple[str, Sampler]]:
    whole = WritingSettings(n=4, max_new_tokens=30, temperature=1.0, top_k=0, top_p=1.0)
    for precision in ("bf16", "fp32"):
        yield f"adcli {precision}", adcli_sampler(folder, precision)
        yield f"Hugging Face {precision}", hugging_face(folder, precision)
    yield "adcli bf16, no top-k or top-p", adcli_sampler(folder, "bf16", whole)
    if importlib.util.find_spec("ctranslate2"):
        for compute_type in ("float32", "int8"):
            yield f"CTranslate2 {compute_type}", ctranslate2(folder, compute_type)


def is_batch_invariant(folder: Path, prompts: Sequence[Ids]) -> bool:
    """Whether a prompt's samples, log-probabilities included, are the same bits alone and beside others."""
    model = load_language_model(folder, torch.float32)
    packed = PackedLanguageModel(decoder_weights(model), "cpu", torch.bfloat16, onednn=True)
    together = sampled(packed, prompts, SETTINGS)
    alone = sampled(packed, prompts[:1], SETTINGS)
    return all(torch.equal(a[: SETTINGS.n], b) for a, b in zip(together, alone, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = resolve_model(options.model, task="generate").path
    reader = PromptReader.load(folder, load_language_model(folder, torch.float32).generation_config)
    prompts = prompts_of(reader)
    batches = [prompts[i : i + PROMPTS_TOGETHER] for i in range(0, len(prompts), PROMPTS_TOGETHER)]
    found = list(contenders(folder))
    rates: dict[str, list[float]] = {name: [] for name, _ in found}
    for turn in range(options.rounds):
        batch = batches[turn % len(batches)]
        for name, sample in found:
            start = time.process_time()
            sample(batch)
            new = len(batch) * SETTINGS.n * SETTINGS.max_new_tokens
            rates[name].append(new / (time.process_time() - start))
    print(f"{len(batches[0]) * SETTINGS.n} rows, {SETTINGS.max_new_tokens} new tokens each, prompts of "
          f"{np.mean([len(ids) for ids in prompts]):.0f} tokens")  # fmt: skip
    for name, values in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        print(f"{name:32} {statistics.median(values):7.0f} tokens per CPU-second"
              f"   ({min(values):.0f} to {max(values):.0f})")  # fmt: skip
    print("adcli: batch-invariant to the last bit:", is_batch_invariant(folder, batches[0]))


if __name__ == "__main__":
    main()
