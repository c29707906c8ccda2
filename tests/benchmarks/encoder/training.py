"""Pairs a second of contrastive LoRA tuning, beside sentence-transformers' trainer on the same pairs.

    python tests/benchmarks/encoder/training.py --steps 6

Needs sentence-transformers with datasets for the comparison. Both end with the same number of pairs seen; the
score is the recall of held-out positives among all of them.
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

BATCH, LENGTH = 64, 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=6)
    options = parser.parse_args()
    anchors = product_like_texts(options.steps * BATCH + 500, seed=1)
    positives = [" ".join(reversed(text.split()[:40])) for text in anchors]
    train, held_out = slice(500, None), slice(0, 500)
    print(
        f"{options.steps * BATCH} pairs in batches of {BATCH}, {LENGTH} tokens; load {os.getloadavg()[0]:.1f}"
    )
    _ours(anchors, positives, train, held_out, options.steps)
    if importlib.util.find_spec("sentence_transformers") and importlib.util.find_spec("datasets"):
        _theirs(anchors, positives, train, held_out, options.steps)


def _ours(anchors, positives, train, held_out, steps: int) -> None:
    from adcli.core.contrastive import Pairs, train_contrastive
    from adcli.core.encoder import Encoder
    from adcli.core.training_settings import TrainingSettings

    settings = TrainingSettings(
        steps=steps, batch_size=BATCH, max_length=LENGTH, evaluate_every=0, checkpoint_every=0
    )
    model = str(carried_minilm())
    with tempfile.TemporaryDirectory() as folder:
        spent = time.process_time()
        trained = train_contrastive(
            model, Pairs(anchors[train], positives[train]), Path(folder) / "adapter", settings=settings
        )
        spent = time.process_time() - spent
        encode = Encoder.load(model, adapter=Path(folder) / "adapter", max_length=LENGTH).encode
        print(f"adcli lora                  {trained.examples_per_second:7.1f} pairs/s, {steps * BATCH / spent:6.1f} per CPU-s, "
              f"recall@1 {_recall(encode, anchors[held_out], positives[held_out]):.3f}", flush=True)  # fmt: skip


def _theirs(anchors, positives, train, held_out, steps: int) -> None:
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
        losses,
    )

    peer = SentenceTransformer(str(carried_minilm()), device="cpu")
    peer.max_seq_length = LENGTH
    data = Dataset.from_dict({"anchor": anchors[train], "positive": positives[train]})
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder, per_device_train_batch_size=BATCH, max_steps=steps, report_to=[], save_strategy="no",
            use_cpu=True, disable_tqdm=True, logging_steps=1_000,
        )  # fmt: skip
        trainer = SentenceTransformerTrainer(
            model=peer, args=arguments, train_dataset=data, loss=losses.MultipleNegativesRankingLoss(peer)
        )
        wall, spent = time.perf_counter(), time.process_time()
        trainer.train()
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
    recall = _recall(peer.encode, anchors[held_out], positives[held_out])
    print(f"sentence-transformers full  {steps * BATCH / wall:7.1f} pairs/s, {steps * BATCH / spent:6.1f} per CPU-s, "
          f"recall@1 {recall:.3f}")  # fmt: skip


def _recall(encode, queries, documents) -> float:
    scores = encode(queries) @ encode(documents).T
    return float((scores.argmax(axis=1) == np.arange(len(queries))).mean())


if __name__ == "__main__":
    main()
