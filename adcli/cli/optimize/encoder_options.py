"""The options of `adcli optimize encoder`: what it learns from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

_FROM, _HOW = "Training data", "Training"


@dataclass(frozen=True)
class Learning:
    """What the encoder learns from."""

    objective: Annotated[
        Literal["collaborative", "contrastive", "simcse", "denoise", "classify", "few-labels", "claims"]
        | None,
        typer.Option(
            help="Training objective.",
            show_default="collaborative for events, simcse for texts, few-labels or classify with --label",
            rich_help_panel=_FROM,
        ),
    ] = None
    catalog: Annotated[
        str | None, typer.Option(help="Products that give items their texts.", rich_help_panel=_FROM)
    ] = None
    text: Annotated[
        list[str],
        typer.Option(
            help="Column that makes the text; repeat.", show_default="the usual ones", rich_help_panel=_FROM
        ),
    ] = field(default_factory=list)
    label: Annotated[
        str | None,
        typer.Option(help="Label column; rows without a value are unlabelled.", rich_help_panel=_FROM),
    ] = None
    cutoff: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Use only rows before this time (UTC).", rich_help_panel=_FROM),
    ] = None
    start_from: Annotated[
        Path | None,
        typer.Option("--from", help="Encoder directory whose training is continued.", rich_help_panel=_FROM),
    ] = None
    replay: Annotated[
        list[str],
        typer.Option(
            help="Earlier data for experience replay: a sample is learned again; repeat.",
            show_default="the sample kept in --from",
            rich_help_panel=_FROM,
        ),
    ] = field(default_factory=list)
    suggest: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Active learning: train nothing, suggest the N rows most worth labelling.",
            rich_help_panel=_FROM,
        ),
    ] = None


@dataclass(frozen=True)
class TrainingOptions:
    """How the encoder learns."""

    model: Annotated[
        str, typer.Option(help="Directory, short name or hub name of the encoder.", rich_help_panel="Models")
    ] = "minilm"
    tune: Annotated[
        Literal["lora", "adalora", "prefix", "adapter", "full"] | None,
        typer.Option(
            help="Kind of adapter to train, or full for all weights.",
            show_default="lora, or as in --from",
            rich_help_panel=_HOW,
        ),
    ] = None
    rank: Annotated[
        int,
        typer.Option(min=1, help="LoRA rank, prefix tokens or bottleneck width.", rich_help_panel=_HOW),
    ] = 8
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Optimizer steps at most.", show_default="300", rich_help_panel=_HOW),
    ] = None
    epochs: Annotated[
        float | None,
        typer.Option(min=0.001, help="Passes over the data, in place of --steps.", rich_help_panel=_HOW),
    ] = None
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Examples of a batch, which are each other's negatives.",
            show_default="64; 128 for collaborative",
            rich_help_panel=_HOW,
        ),
    ] = None
    accumulate: Annotated[int, typer.Option(min=1, help="Batches of a step.", rich_help_panel=_HOW)] = 1
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            help="Peak learning rate.",
            show_default="the usual one of --tune and the task",
            rich_help_panel=_HOW,
        ),
    ] = None
    temperature: Annotated[
        float,
        typer.Option(min=0.001, help="Temperature of the contrastive loss.", rich_help_panel=_HOW),
    ] = 0.05
    train_length: Annotated[
        int, typer.Option(min=8, help="Most tokens of a text in training.", rich_help_panel=_HOW)
    ] = 64
    hard_negatives: Annotated[
        bool,
        typer.Option(
            "--hard-negatives",
            help="Mine hard negatives in addition to in-batch negatives.",
            rich_help_panel=_HOW,
        ),
    ] = False
    patience: Annotated[
        int,
        typer.Option(min=1, help="Evaluations without a gain before early stopping.", rich_help_panel=_HOW),
    ] = 4
