"""What people decide of ads: a table to fill in, and what it says once it is filled in."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from adcli.errors import DataError, require_known

DECISIONS = ("accept", "reject", "edit")


class Reviewed(NamedTuple):
    """What a review says of texts: those that people would run, and those that they would not."""

    ad_ids: list[str]  # (n,) of the ads; of an edited text, the ad's that was edited
    texts: list[str]  # (n,) of the ads, and what they were edited into
    accepted: list[bool]  # (n,) whether each may run


def review_of(ads: pl.DataFrame) -> pl.DataFrame:
    """`ad_id decision edited_text note` for each ad: nothing is decided, and its text stands to be edited."""
    empty = pl.lit("")
    return ads.select(
        "ad_id", empty.alias("decision"), pl.col("text").alias("edited_text"), empty.alias("note")
    )


def reviewed(review: pl.DataFrame, ads: pl.DataFrame) -> Reviewed:
    """What the review decides of these ads; an edit accepts the new text and rejects the old.

    Args:
        review: `ad_id decision`, and `edited_text` where a decision is `edit`.
        ads: The ads table that was reviewed.

    Raises:
        DataError: If a decision is none of `DECISIONS`, an edit has no other text, or nothing is decided.
    """
    texts = dict(ads.select("ad_id", "text").iter_rows())
    found: dict[tuple[str, str], bool] = {}
    for row in review.iter_rows(named=True):
        decision, ad_id = (row["decision"] or "").strip().lower(), row["ad_id"]
        if not decision or ad_id not in texts:
            continue
        sentence = (
            f"The review of ad {ad_id} has the decision '{decision}'; there are {', '.join(DECISIONS)}."
        )
        require_known(decision, DECISIONS, sentence)
        found[ad_id, texts[ad_id]] = decision == "accept"
        if decision == "edit":
            edited = (row.get("edited_text") or "").strip()
            if edited in ("", texts[ad_id]):
                raise DataError(f"The review edits ad {ad_id} but has no other text in edited_text.")
            found[ad_id, edited] = True
    if not found:
        raise DataError("The review decides nothing of these ads.", fix="Fill in its column decision.")
    ad_ids, said = zip(*found, strict=True)
    return Reviewed(list(ad_ids), list(said), list(found.values()))
