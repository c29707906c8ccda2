"""Supervised learning of slogans: ROUGE-L for companies nothing was learned of, and steps beside TRL's trainer.

    python slogans.py slogan_valid.csv.gz --steps 150     # YipingNUS/slogan-generation-dataset, validation part

The peer gets the same pairs, batch and LoRA; it is left out where `trl` is not installed. One thread.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch  # noqa: TID253

from adcli.copy.facts import catalogue_facts
from adcli.copy.prompts import ad_prompt
from adcli.core.adapters.adapter import AdapterSettings, attach_adapter
from adcli.core.models.loading import load_language_model, load_tokenizer
from adcli.core.models.resolution import resolve_model
from adcli.core.processes.runtime import start_runtime
from adcli.core.training.settings import TrainingSettings
from adcli.core.training.writer.examples import Pair
from adcli.core.training.writer.gradient_writer import GradientWriter, load_for_training
from adcli.core.training.writer.likelihood import Supervised
from adcli.core.writing.loading import load_writing
from adcli.core.writing.settings import WritingSettings
from adcli.statistics.ngrams import distinct, rouge_l, tokens

HELD_OUT, JUDGED, RANK, BATCH = 400, 150, 16, 16
MODEL = resolve_model("smollm2", task="generate")


class Slogan(NamedTuple):
    """A company, what it says of itself, and the slogan."""

    name: str
    about: str
    text: str


def slogans(path: Path) -> tuple[list[Slogan], list[Slogan]]:
    """Those to learn from, and those of companies that nothing is learned of."""
    rows = pl.read_csv(path).to_dicts()
    companies = sorted({row["company"] for row in rows})
    random.Random(1).shuffle(companies)
    apart: tuple[list[Slogan], list[Slogan]] = [], []
    for row in rows:
        name = row["alias"] or row["company"].title()
        about, text = (row[key].replace("<company>", name) for key in ("desc", "output"))
        apart[row["company"] in companies[:HELD_OUT]].append(Slogan(name, about, text))
    return apart[0], apart[1][:JUDGED]


def prompts_of(some: Sequence[Slogan]) -> list[str]:
    products = [
        {"item_id": str(number), "title": one.name, "description": one.about}
        for number, one in enumerate(some)
    ]
    return [ad_prompt(product) for product in catalogue_facts(products).products]


def learn(some: Sequence[Slogan], folder: Path, options: Sequence[str]) -> Path:
    items: dict[str, int] = {}
    rows = [
        {"ad_id": number, "item_id": items.setdefault(one.about, len(items)), "title": one.name,
         "description": one.about, "text": one.text}
        for number, one in enumerate(some)
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv(folder / "ads.csv")
    command = ["optimize", "writer", str(folder / "ads.csv"), "-o", str(folder / "writer"), *options]
    subprocess.run([sys.executable, "-m", "adcli", *command], check=True)
    return folder / "writer"


def tell_quality(some: Sequence[Slogan], adapter: Path) -> None:
    runtime = start_runtime(device="cpu", precision="auto")
    writer = load_writing(MODEL, runtime, adapter=str(adapter), exact=False)
    read = [writer.reader.text(prompt) for prompt in prompts_of(some)]
    written = writer.sample(read, WritingSettings(1, 24, 0.0, 0, 1.0, 0)).ids()
    for name, texts in {
        "first eight words": [" ".join(one.about.split()[:8]) for one in some],
        "tuned, greedy": [writer.reader.read_back(list(ids)) for ids in written],
    }.items():
        said = [tokens(text) for text in texts]
        rouge = np.mean([rouge_l(own, tokens(one.text)) for own, one in zip(said, some, strict=True)])
        print(f"{name:20} ROUGE-L {rouge:.4f}   distinct-2 {distinct(said, 2):.3f}")


def adcli_steps(some: Sequence[Slogan]) -> Iterator[float]:
    model, runtime = load_for_training(MODEL, device="cpu", precision="auto", is_whole=False)
    model = attach_adapter(model, AdapterSettings("lora", RANK), steps=10, seed=0)
    writer = GradientWriter(model, MODEL, runtime, max_length=256)
    pairs = [Pair(prompt, one.text) for prompt, one in zip(prompts_of(some), some, strict=True)]
    how = TrainingSettings(steps=10, batch_size=BATCH, learning_rate=6e-4)
    supervised = Supervised(writer, pairs, how, processes=1)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=6e-4)
    for number in range(4):
        start = time.process_time()
        supervised.add_gradients(number, 0)
        optimizer.step()
        optimizer.zero_grad()
        yield time.process_time() - start


def trl_steps(some: Sequence[Slogan], *, is_half: bool) -> list[float]:
    import pyarrow as pa
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"prompt": prompt, "completion": f" {one.text}"}
        for prompt, one in zip(prompts_of(some), some, strict=True)
    ]
    table = InMemoryTable(pa.Table.from_pylist(rows))
    found: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            self.start = time.process_time()

        def on_step_end(self, *args, **kwargs):
            found.append(time.process_time() - self.start)

    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(
            output_dir=folder, per_device_train_batch_size=BATCH, max_steps=4, bf16=is_half, use_cpu=True,
            report_to=[], save_strategy="no", gradient_checkpointing=False, disable_tqdm=True,
        )  # fmt: skip
        SFTTrainer(
            load_language_model(MODEL.path, torch.float32), settings, train_dataset=Dataset(table, fingerprint="slogans"),
            processing_class=load_tokenizer(MODEL.path), callbacks=[Clock()],
            peft_config=LoraConfig(
                r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        ).train()  # fmt: skip
    return found


def tell_speed(some: Sequence[Slogan]) -> None:
    own = float(np.median(list(adcli_steps(some))[1:]))
    print(f"adcli: {own:.2f} CPU-seconds a step of {BATCH}")
    if find_spec("trl"):
        for name, is_half in {"fp32": False, "bf16": True}.items():
            peer = float(np.median(trl_steps(some, is_half=is_half)[1:]))
            print(f"TRL {name}: {peer:.2f} CPU-seconds a step, {peer / own:.2f} times ours", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--steps", default="150")
    parser.add_argument("--speed-only", action="store_true")
    options, more = parser.parse_known_args()
    torch.set_num_threads(1)
    learned, judged = slogans(options.path)
    tell_speed(learned[:400])
    if not options.speed_only:
        with tempfile.TemporaryDirectory() as folder:
            tell_quality(judged, learn(learned, Path(folder), ["--steps", options.steps, *more]))


if __name__ == "__main__":
    main()
