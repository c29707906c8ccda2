"""Prompts that tell an audience by its profile vector, beside those that tell it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from adcli.behaviour.segments import SegmentCentres
from adcli.copy.prompts import ad_prompt
from adcli.core.training.writer.examples import Clicked, WriterTask
from adcli.errors import DataError
from adcli.optimize.writer.pairs import WriterAds


def with_vectors(task: WriterTask, found: WriterAds, segments: SegmentCentres) -> WriterTask:
    """The task with a second prompt, and all that is known of it, where a prompt's segment has a vector.

    Raises:
        DataError: If the ads are for fewer than two of the segments.
    """
    number = {segment_id: place for place, segment_id in enumerate(segments.ids)}
    told = [place for place, segment_id in enumerate(found.segment) if segment_id in number]
    if len({found.segment[place] for place in told}) < 2:
        raise DataError(
            "The ads are for fewer than two segments of the profiles, so that none can be told from another.",
            fix="Give ads with segment_id, as `adcli generate --profiles` writes them.",
        )
    twin = {place: len(found.prompts) + at for at, place in enumerate(told)}

    def both(places: Sequence[int]) -> list[int]:
        return [at for place in places for at in (place, twin.get(place)) if at is not None]

    items, segment_ids = ([*its, *(its[place] for place in told)] for its in (found.item, found.segment))
    return replace(
        task,
        items=items,
        prompts=[*found.prompts, *(ad_prompt(found.products[found.item[place]]) for place in told)],
        vectors=segments.directions().tolist(),
        audiences=[(twin[place], number[found.segment[place]]) for place in told],
        clicked=_clicked(found, task.held_out, twin, number),
        pairs=[(at, text) for place, text in task.pairs for at in both([place])],
        preferences=[
            (at, better, worse, weight)
            for place, better, worse, weight in task.preferences
            for at in both([place])
        ],
        held_out=both(task.held_out),
        judging=both(task.judging),
        judged_by={**task.judged_by, "item": items, "segment": segment_ids},
    )


def _clicked(
    found: WriterAds, held_out: Sequence[int], twin: dict[int, int], number: dict[str, int]
) -> list[Clicked]:
    """The ads of held-out prompts that were clicked, most first; where nothing is known of clicks, all."""
    ads = found.ads.filter(pl.col("prompt").is_in([place for place in held_out if place in twin]))
    if ads["impressions"].sum() > 0:
        ads = ads.filter(pl.col("clicks") > 0).sort("clicks", descending=True, maintain_order=True)
    rows = ads.select("prompt", "text", pl.col("clicks").clip(lower_bound=1)).iter_rows()
    return [
        Clicked(place, twin[place], (number[found.segment[place]] + 1) % len(number), text, clicks)
        for place, text, clicks in rows
    ]
