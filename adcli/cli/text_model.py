"""`--text-model`: a click classifier of texts beside the context of a policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.choosing import described_click_model
from adcli.cli.encoding import classifier_of
from adcli.cli.options import Models
from adcli.cli.run import Run

if TYPE_CHECKING:
    import polars as pl

    from adcli.policies.actions import ActionSet

TextModel = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Click classifier of `adcli optimize encoder --label click`: reads texts of context and item.",
    ),
]
TEXT_NAMES = ("title", "text", "headline", "query", "description")


def with_text_scores(
    run: Run,
    frame: pl.DataFrame,
    actions: ActionSet,
    items: pl.DataFrame | None,
    model: Path | None,
    models: Models,
) -> pl.DataFrame:
    """The rows with a column of the log-odds of a click on each action, by a model of texts.

    Each distinct text of a context is read together with that of each item, in the columns that the model was
    learned from: those that the table of items has are the item's, the others the context's.

    Raises DataError if the model tells other things apart than clicks, or a column is in neither table.
    """
    if model is None:
        return frame
    import numpy as np
    import polars as pl

    from adcli.embed.texts import texts_of
    from adcli.policies.action_features import joined_by
    from adcli.policies.context import TEXT_SCORES

    described = described_click_model(run, model)
    known = pl.DataFrame() if items is None else items
    there = [name for name in dict.fromkeys([*known.columns, *frame.columns]) if name.lower() in TEXT_NAMES]
    columns = described.get("text") or there
    offers = actions.frame.select(pl.int_range(pl.len()).alias("__action"))
    if own := [name for name in columns if name in known.columns]:
        item, key = joined_by(actions, known)
        texts = known.select(pl.col(key).cast(pl.String).alias(item), *own).unique(item, keep="first")
        offers = (
            actions.frame.select(item).join(texts, on=item, how="left", maintain_order="left").select(own)
        )
    asked = frame.select(name for name in columns if name not in own and name in frame.columns)
    distinct = asked.unique(maintain_order=True) if asked.width else pl.DataFrame({"__all": [0]})
    pairs = distinct.join(offers, how="cross", maintain_order="left_right")
    classifier = classifier_of(models, model, described["base"]["name"])
    chances = classifier.probabilities(texts_of(pairs, "impressions", columns).to_list())
    odds = np.log(np.clip(chances[:, 1], 1e-6, 1) / np.clip(chances[:, 0], 1e-6, 1))
    kind = pl.Array(pl.Float32, len(actions))
    scores = pl.Series(TEXT_SCORES, odds.reshape(-1, len(actions)).astype(np.float32), dtype=kind)
    run.note(f"{model}: reads {distinct.height:,} texts of contexts with each of {len(actions):,} actions.")
    if not asked.width:
        return frame.with_columns(scores.new_from_index(0, frame.height))
    return frame.join(
        distinct.with_columns(scores), on=asked.columns, how="left", nulls_equal=True, maintain_order="left"
    )
