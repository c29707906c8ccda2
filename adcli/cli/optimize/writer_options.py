"""The options of `adcli optimize writer`: what it learns from, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer

from adcli.cli.option_rules import option_group


@option_group("Training data")
class Learning:
    """What the writer learns from."""

    stage: Literal["supervised", "preference", "reinforce", "adversarial"] = typer.Option(
        "supervised",
        help="To write like the ads, to prefer those that did better, to earn more predicted clicks, or to "
        "be taken for human by a discriminator that learns in turn.",
    )
    catalog: str | None = typer.Option(
        None, help="Products of the ads.", show_default="the columns of the ads themselves"
    )
    log: str | None = typer.Option(
        None, metavar="FILE", help="Impressions of the ads (ad_id, click): which ads drew clicks."
    )
    profiles: str | None = typer.Option(
        None,
        metavar="FILE",
        help="Profiles with segments, from `adcli embed --segments`: the ads' segments are learned by their "
        "vectors too, and told so if that makes clicked ads likelier than their names do.",
    )
    reviewed: str | None = typer.Option(
        None, metavar="FILE", help="Review of the ads (ad_id, decision): what was rejected is not learned."
    )
    start_from: Path | None = typer.Option(
        None, "--from", help="Writer directory whose training is continued, such as that of another stage."
    )
    replay_share: float | None = typer.Option(
        None,
        min=0.0,
        max=0.9,
        help="Share of what is learned that is replayed from the ads of --from, with --stage supervised.",
        show_default="0.2",
    )
    held_out: float = typer.Option(
        0.1, min=0.01, max=0.9, help="Share of the items that nothing is learned of."
    )


@option_group("Training")
class TrainingOptions:
    """How the writer learns."""

    model: str = typer.Option(
        "smollm2", help="Directory, short name or hub name of the language model.", rich_help_panel="Models"
    )
    discriminator: str | None = typer.Option(
        None,
        help="Encoder that tells human ads from generated ones, with --stage adversarial.",
        show_default="minilm",
        rich_help_panel="Models",
    )
    tune: Literal["lora", "adalora", "prefix", "full"] | None = typer.Option(
        None, help="Kind of adapter to train, or full for all weights.", show_default="lora, or as in --from"
    )
    rank: int | None = typer.Option(
        None, min=1, help="LoRA rank or prefix tokens.", show_default="16, or as in --from"
    )
    steps: int | None = typer.Option(
        None, min=1, help="Optimizer steps at most.", show_default="200, 100, 60 or 60, by --stage"
    )
    batch_size: int | None = typer.Option(
        None,
        min=2,
        help="Ads, pairs of ads or prompts of a batch, of all processes together.",
        show_default="16, 8, 4 or 4, by --stage",
    )
    learning_rate: float | None = typer.Option(
        None, min=1e-9, help="Peak learning rate.", show_default="the usual one of --tune and --stage"
    )
    samples: int | None = typer.Option(
        None,
        min=2,
        help="Ads written for each prompt, with --stage reinforce or adversarial.",
        show_default="8",
    )
    kept: int | None = typer.Option(
        None,
        min=2,
        help="Of --samples, those learned from: the ones that earn most and least.",
        show_default="half of --samples",
    )
    new_tokens: int = typer.Option(30, min=4, help="Most tokens of an ad that is written.")
    columns: int | None = typer.Option(
        None, min=20, help="Columns that an ad may take, with --stage reinforce.", show_default="90"
    )
    patience: int = typer.Option(4, min=1, help="Evaluations without a gain before early stopping.")
