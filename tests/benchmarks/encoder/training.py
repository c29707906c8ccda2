"""Pairs a second of contrastive LoRA tuning, beside sentence-transformers' trainer on the same pairs.

    python tests/benchmarks/encoder/training.py --steps 6 --peers lora full

Needs sentence-transformers with datasets and accelerate for the comparison, and peft for its LoRA. All end
with the same pairs seen; the score is the recall@1 of held-out positives among all of them.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from product_texts import carried_minilm, product_like_texts

BATCH, LENGTH, RANK, HELD_OUT = 64, 64, 8, 500


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--peers", nargs="*", choices=["lora", "full"], default=["lora"])
    options = parser.parse_args()
    anchors = product_like_texts(options.steps * BATCH + HELD_OUT, seed=1)
    generator = np.random.default_rng(2)
    positives = [_half(text, generator) for text in anchors]
    anchors = [_half(text, generator) for text in anchors]
    train, held_out = slice(HELD_OUT, None), slice(0, HELD_OUT)
    print(
        f"{options.steps * BATCH} pairs in batches of {BATCH}, {LENGTH} tokens; load {os.getloadavg()[0]:.1f}"
    )
    rates = [_ours(anchors, positives, train, held_out, options.steps)]
    if importlib.util.find_spec("sentence_transformers") and importlib.util.find_spec("datasets"):
        for tuning in options.peers:
            rates.append(_theirs(anchors, positives, train, held_out, options.steps, tuning))
            wall, spent = (ours / theirs for ours, theirs in zip(rates[0], rates[-1], strict=True))
            print(f"  adcli is {wall:.1f} x by the clock and {spent:.1f} x by processor time")


def _half(text: str, generator: np.random.Generator) -> str:
    """A random half of a text's words: both halves of a text share about half of theirs."""
    words = text.split()
    return " ".join(word for word in words if generator.random() < 0.5) or words[0]


def _ours(anchors, positives, train, held_out, steps: int) -> tuple[float, float]:
    from adcli.core.adapters.adapter import AdapterSettings
    from adcli.core.encoding.encoder import Encoder
    from adcli.core.training.encoder.examples import Pairs
    from adcli.core.training.encoder.tuning import EncoderTrainingSettings, tune_encoder
    from adcli.core.training.settings import TrainingSettings

    settings = TrainingSettings(steps=steps, batch_size=BATCH, evaluate_every=0, checkpoint_every=0)
    model = str(carried_minilm())
    untuned = Encoder.load(model, max_length=LENGTH).encode
    print(
        f"untuned                     recall@1 {_recall(untuned, anchors[held_out], positives[held_out]):.3f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        spent = time.process_time()
        trained = tune_encoder(
            model,
            Pairs(anchors[train], positives[train]),
            Path(folder) / "adapter",
            settings=settings,
            adapter=AdapterSettings(rank=RANK),
            encoder=EncoderTrainingSettings(max_length=LENGTH),
        )
        spent = time.process_time() - spent
        encode = Encoder.load(model, adapter=Path(folder) / "adapter", max_length=LENGTH).encode
        print(f"adcli lora                  {trained.examples_per_second:7.1f} pairs/s, {steps * BATCH / spent:6.1f} per CPU-s, "
              f"recall@1 {_recall(encode, anchors[held_out], positives[held_out]):.3f}", flush=True)  # fmt: skip
    return trained.examples_per_second, steps * BATCH / spent


def _theirs(anchors, positives, train, held_out, steps: int, tuning: str) -> tuple[float, float]:
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
        losses,
    )

    peer = SentenceTransformer(str(carried_minilm()), device="cpu")
    peer.max_seq_length = LENGTH
    rate = {}
    if tuning == "lora":
        from peft import LoraConfig, TaskType, get_peft_model

        from adcli.core.adapters.adapter import PEAK_LEARNING_RATES

        config = LoraConfig(
            task_type=TaskType.FEATURE_EXTRACTION,
            r=RANK,
            lora_alpha=2 * RANK,
            target_modules=["query", "value"],
        )
        peer[0].auto_model = get_peft_model(peer[0].auto_model, config)
        rate = {"learning_rate": PEAK_LEARNING_RATES["lora"]}
    data = Dataset.from_dict({"anchor": anchors[train], "positive": positives[train]})
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder, per_device_train_batch_size=BATCH, max_steps=steps, report_to=[], save_strategy="no",
            use_cpu=True, disable_tqdm=True, logging_steps=1_000, warmup_steps=max(1, round(0.1 * steps)), **rate,
        )  # fmt: skip
        trainer = SentenceTransformerTrainer(
            model=peer, args=arguments, train_dataset=data, loss=losses.MultipleNegativesRankingLoss(peer)
        )
        wall, spent = time.perf_counter(), time.process_time()
        trainer.train()
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
    recall = _recall(peer.encode, anchors[held_out], positives[held_out])
    print(f"sentence-transformers {tuning}  {steps * BATCH / wall:7.1f} pairs/s, {steps * BATCH / spent:6.1f} per CPU-s, "
          f"recall@1 {recall:.3f}")  # fmt: skip
    return steps * BATCH / wall, steps * BATCH / spent


def _recall(encode, queries, documents) -> float:
    scores = encode(queries) @ encode(documents).T
    return float((scores.argmax(axis=1) == np.arange(len(queries))).mean())


if __name__ == "__main__":
    main()
