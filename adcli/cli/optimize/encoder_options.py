"""The options of `adcli optimize encoder`: what it learns from, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from adcli.cli.option_rules import Excludes, option_group


@option_group("Training data")
class Learning:
    """What the encoder learns from."""

    objective: (
        Literal["collaborative", "contrastive", "simcse", "denoise", "classify", "few-labels", "claims"]
        | None
    ) = typer.Option(
        None,
        help="Training objective.",
        show_default="collaborative for events, simcse for texts, few-labels or classify with --label",
    )
    catalog: str | None = typer.Option(
        None, help="Products that give items their texts, or ads that were shown."
    )
    text: list[str] = typer.Option(
        [], help="Column that makes the text; repeat.", show_default="the usual ones"
    )
    label: str | None = typer.Option(None, help="Label column; rows without a value are unlabelled.")
    reviewed: Annotated[str | None, Excludes("label")] = typer.Option(
        None, metavar="FILE", help="Review of the ads (ad_id, decision): learn which are accepted."
    )
    cutoff: str | None = typer.Option(None, metavar="TIME", help="Use only rows before this time (UTC).")
    start_from: Path | None = typer.Option(
        None, "--from", help="Encoder directory whose training is continued."
    )
    replay: list[str] = typer.Option(
        [],
        help="Earlier data for experience replay: a sample is learned again; repeat.",
        show_default="the sample kept in --from",
    )
    suggest: int | None = typer.Option(
        None,
        min=1,
        metavar="N",
        help="Active learning: train nothing, suggest the N rows most worth labelling.",
    )


@option_group("Training")
class TrainingOptions:
    """How the encoder learns."""

    model: str = typer.Option(
        "minilm", help="Directory, short name or hub name of the encoder.", rich_help_panel="Models"
    )
    tune: Literal["lora", "adalora", "prefix", "adapter", "full"] | None = typer.Option(
        None, help="Kind of adapter to train, or full for all weights.", show_default="lora, or as in --from"
    )
    rank: int = typer.Option(8, min=1, help="LoRA rank, prefix tokens or bottleneck width.")
    steps: int | None = typer.Option(None, min=1, help="Optimizer steps at most.", show_default="300")
    epochs: float | None = typer.Option(None, min=0.001, help="Passes over the data, in place of --steps.")
    batch_size: int | None = typer.Option(
        None,
        min=2,
        help="Examples of a batch, which are each other's negatives.",
        show_default="64; 128 for collaborative",
    )
    accumulate: int = typer.Option(1, min=1, help="Batches of a step.")
    learning_rate: float | None = typer.Option(
        None, min=1e-9, help="Peak learning rate.", show_default="the usual one of --tune and the task"
    )
    temperature: float = typer.Option(0.05, min=0.001, help="Temperature of the contrastive loss.")
    train_length: int = typer.Option(64, min=8, help="Most tokens of a text in training.")
    hard_negatives: bool = typer.Option(
        False, "--hard-negatives", help="Mine hard negatives in addition to in-batch negatives."
    )
    patience: int = typer.Option(4, min=1, help="Evaluations without a gain before early stopping.")
