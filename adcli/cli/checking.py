"""The options of checking ads, and the checker they make: for commands that write ads and that judge them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from adcli.cli.encoding import classifier_of
from adcli.cli.option_rules import option_group
from adcli.cli.options import Models
from adcli.cli.run import Run

if TYPE_CHECKING:
    from adcli.arrays import Floats
    from adcli.copy.checker import Checker
    from adcli.copy.fact import Fact
    from adcli.copy.own import BrandRules
    from adcli.core.training.encoder.classifier import Classifier


@option_group("Checks")
class Checking:
    """What ads are checked by."""

    market: Literal["us", "eu", "cn"] = typer.Option("us", help="Market whose advertising law holds.")
    facts: str | None = typer.Option(
        None, help="The brand's own facts: slot, value (item_id, role, negated)."
    )
    rules: str | None = typer.Option(
        None,
        help="The brand's rules: must-say, may-say and must-not-say in TOML or JSON, or a table of "
        "rule and text (item_id).",
    )
    checker: Path | None = typer.Option(
        None,
        help="Directory of adcli optimize encoder --objective claims.",
        show_default="the one that adcli ships",
    )


def own_facts_of(run: Run, checking: Checking) -> dict[str, tuple[Fact, ...]]:
    """The facts of `--facts`."""
    from adcli.copy.own import own_facts

    path = checking.facts
    return own_facts(run.read([path], tables=["facts"], secondary=True), path) if path else {}


def warn_of_unknown_items(run: Run, own: Mapping[str, object], items: Iterable[object]) -> None:
    """Say which items of `--facts` are none of the products'."""
    known = set(items)
    if unknown := [item for item in own if item and item not in known]:
        run.warn(f"--facts states facts of {len(unknown):,} items that are not among the products: "
                 f"{', '.join(unknown[:3])}{' and others' if len(unknown) > 3 else ''}.")  # fmt: skip


def rules_of_brand(run: Run, checking: Checking) -> BrandRules | None:
    """The rules of `--rules`."""
    from adcli.copy.own import brand_rules, rules_of_document

    path = checking.rules
    if path and path.endswith((".toml", ".json")):
        return brand_rules(rules_of_document(Path(path)), path)
    return brand_rules(run.read([path], tables=["rules"], secondary=True), path) if path else None


def checker_of(run: Run, checking: Checking, models: Models, brands: frozenset[str]) -> Checker:
    """The checker for the brands of a catalogue; its model is loaded with the first claims."""
    from adcli.copy.checker import SHIPPED, Checker

    directory = checking.checker or SHIPPED
    if checking.checker is not None:
        run.learned(checking.checker)
    return Checker(
        checking.market,
        rules=rules_of_brand(run, checking),
        brands=brands,
        supports=_Supports(directory, models) if directory.is_dir() else None,
    )


class _Supports:
    """Claims with their evidence to the probability that it supports them; each distinct one once."""

    def __init__(self, directory: Path, models: Models) -> None:
        self._directory, self._models = directory, models
        self._known: dict[str, float] = {}

    def __call__(self, texts: Sequence[str]) -> Floats:
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            supported = self._classifier.probabilities(new)[:, 1]
            self._known.update(zip(new, supported.tolist(), strict=True))
        return np.asarray([self._known[text] for text in texts])

    @cached_property
    def _classifier(self) -> Classifier:
        return classifier_of(self._models, self._directory)
