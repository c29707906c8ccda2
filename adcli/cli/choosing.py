"""The options of choosing among texts, and what they are scored by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from adcli.cli.encoding import classifier_of
from adcli.cli.option_rules import option_group
from adcli.cli.options import Models
from adcli.cli.run import Run
from adcli.errors import DataError

if TYPE_CHECKING:
    from adcli.arrays import Floats
    from adcli.copy.checker import Checker
    from adcli.copy.facts import ProductFacts
    from adcli.core.writing.writer import Writer
    from adcli.generate.choosing import Chooser, Encode

CLICK_LABELS = {"0", "1"}


@option_group("Choosing")
class Choosing:
    """What decides among texts that may all run."""

    click_model: Path | None = typer.Option(
        None,
        metavar="DIR",
        help="Rank by predicted click rate: a directory of adcli optimize encoder --label click.",
    )
    running: str | None = typer.Option(
        None, metavar="FILE", help="Ads that run already (item_id, text): what is unlike them ranks higher."
    )
    explain: bool = typer.Option(
        False, "--explain", help="Say of each ad where its facts stand and which words move its click rate."
    )


def chooser_of(
    run: Run,
    choosing: Choosing,
    models: Models,
    checker: Checker,
    encode: Encode,
    writer: Writer | None,
    *,
    judge: str,
    adapter: Path | None,
) -> Chooser:
    """What texts are scored by: the writer and its adversary, and clicks by an adapter of the judge."""
    from adcli.generate.choosing import Chooser

    running = _running(run, choosing.running) if choosing.running else None
    clicks = _clicks(run, choosing.click_model, models, judge) if choosing.click_model else None
    return Chooser(
        checker,
        clicks=clicks,
        fluency=_fluency(writer) if writer else None,
        running=running,
        encode=encode,
        human=_human(adapter, models) if adapter else None,
    )


def _running(run: Run, path: str) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    ads = run.read([path], tables=["ads"], secondary=True)
    for item_id, text in ads.select("item_id", "text").drop_nulls().iter_rows():
        texts.setdefault(item_id, []).append(text)
    return texts


def described_click_model(run: Run, directory: Path) -> dict[str, Any]:
    """What a click model says of itself. Raises DataError if it tells other things apart than clicks."""
    from adcli.core.adapters.adapter import describe_adapter

    about = describe_adapter(run.learned(directory))
    if set(about.get("counts", ())) != CLICK_LABELS:
        raise DataError(
            f"{directory} was not learned from clicks.",
            fix="Make it with adcli optimize encoder IMPRESSIONS --objective classify --label click.",
        )
    return about


def _clicks(run: Run, directory: Path, models: Models, judge: str) -> Callable[[Sequence[str]], Any]:
    """The click model, whose own figures say how much it can be relied on."""
    about = described_click_model(run, directory)
    held_out = about.get("scores", {}).get("new data")
    if held_out is None or held_out["after"] <= 0.5:
        run.warn(f"{directory} tells clicks on held-out ads no better than chance: it should decide nothing.")
    classifier = classifier_of(models, directory, judge)

    def clicks(texts: Sequence[str]) -> Floats:
        return classifier.probabilities(texts)[:, 1]

    return clicks


def _fluency(writer: Writer) -> Callable[[Sequence[str]], Any]:
    def fluency(texts: Sequence[str]) -> Floats:
        found = writer.log_likelihood(texts)
        return found.log_likelihood / found.tokens

    return fluency


def _human(adapter: Path, models: Models) -> Callable[[Sequence[str], ProductFacts], Any] | None:
    """The discriminator that a writer of `--stage adversarial` learned against; None of any other."""
    from adcli.copy.prompts import ad_prompt
    from adcli.core.adapters.adapter import describe_adapter
    from adcli.core.training.writer.discriminator import FOLDER, with_prompt

    directory = adapter / FOLDER
    if not directory.is_dir():
        return None
    classifier = classifier_of(models, directory, describe_adapter(directory)["base"]["name"])

    def human(texts: Sequence[str], product: ProductFacts) -> Floats:
        prompt = ad_prompt(product)
        return classifier.probabilities([with_prompt(prompt, text) for text in texts])[:, 1]

    return human
