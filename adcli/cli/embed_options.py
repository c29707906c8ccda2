"""The options of `adcli embed` beyond the model: how profiles are made, and what is done with the vectors."""

from __future__ import annotations

from typing import Literal

import typer

from adcli.cli.option_rules import option_group


@option_group("Profiles of users")
class ProfileOptions:
    """How profiles of users are made of events."""

    catalog: str | None = typer.Option(
        None,
        help="Products of the events, or their vectors; or a log with their titles.",
        show_default="item titles in the events",
    )
    reviews: str | None = typer.Option(None, help="Reviews that the users wrote.")
    users: str | None = typer.Option(
        None, metavar="FILE", help="Table of customers: their columns become part of the profiles."
    )
    profile: Literal["mean", "sequence"] = typer.Option(
        "mean", help="Weighted mean of the items' vectors, or the vector of the event sequence as text."
    )
    weight: list[str] = typer.Option(
        [],
        metavar="TYPE=WEIGHT",
        help="Weight of an event type; repeat.",
        show_default="view=1 click=2 search=2 cart=3 review=3 purchase=5",
    )
    weights: Literal["given", "learned"] = typer.Option(
        "given", help="Given by --weight, or learned from the next purchase."
    )
    half_life: float | None = typer.Option(
        None,
        min=0.001,
        metavar="DAYS",
        help="Half-life of the exponential decay of weights by age.",
        show_default="never",
    )
    cutoff: str | None = typer.Option(None, metavar="TIME", help="Use only events before this time (UTC).")
    update_from: str | None = typer.Option(None, help="Earlier profiles to update with these events.")
    interests: int = typer.Option(0, min=0, metavar="K", help="Add up to K vectors a user, one per interest.")


@option_group("Vectors")
class VectorOptions:
    """What is done with the vectors."""

    dim: int | None = typer.Option(
        None, min=1, help="Reduce to this many dimensions; the basis is saved beside."
    )
    basis: str | None = typer.Option(None, help="Reduce with the basis of an earlier --dim.")
    quantize: Literal["int8", "binary"] | None = typer.Option(
        None, help="Store as int8, or as one bit a dimension."
    )
    neighbors: int | None = typer.Option(None, min=1, metavar="K", help="Add the K nearest rows by cosine.")
    segments: int | None = typer.Option(
        None, min=1, metavar="K", help="Add one of K named segments (K-means)."
    )
    anomalies: bool = typer.Option(False, "--anomalies", help="Add an anomaly score, and its reasons.")
    with_vectors: list[str] = typer.Option(
        [],
        "--with",
        metavar="VECTORS",
        help="Fuse vectors of the same ids (of images, say) at equal weight; repeat.",
    )
    explain: str | None = typer.Option(
        None, metavar="ID", help="Instead of vectors: the events and words that one rests on."
    )

    @property
    def needs_all(self) -> bool:
        """Whether all vectors are needed before the first is written."""
        return bool(
            self.dim or self.basis or self.quantize or self.neighbors or self.segments or self.anomalies
        )
