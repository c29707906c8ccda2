"""The options of `adcli embed` beyond the model: how profiles are made, and what is done with the vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import typer

_PROFILES = "Profiles of users"
_VECTORS = "Vectors"


@dataclass(frozen=True)
class ProfileOptions:
    """How profiles of users are made of events."""

    catalog: Annotated[
        str | None,
        typer.Option(
            help="Products of the events, or their vectors; or a log with their titles.",
            show_default="item titles in the events",
            rich_help_panel=_PROFILES,
        ),
    ] = None
    reviews: Annotated[
        str | None, typer.Option(help="Reviews that the users wrote.", rich_help_panel=_PROFILES)
    ] = None
    users: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Table of customers: their columns become part of the profiles.",
            rich_help_panel=_PROFILES,
        ),
    ] = None
    profile: Annotated[
        Literal["mean", "sequence"],
        typer.Option(
            help="Weighted mean of the items' vectors, or the vector of the event sequence as text.",
            rich_help_panel=_PROFILES,
        ),
    ] = "mean"
    weight: Annotated[
        list[str],
        typer.Option(
            metavar="TYPE=WEIGHT",
            help="Weight of an event type; repeat.",
            show_default="view=1 click=2 search=2 cart=3 review=3 purchase=5",
            rich_help_panel=_PROFILES,
        ),
    ] = field(default_factory=list)
    weights: Annotated[
        Literal["given", "learned"],
        typer.Option(help="Given by --weight, or learned from the next purchase.", rich_help_panel=_PROFILES),
    ] = "given"
    half_life: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="DAYS",
            help="Half-life of the exponential decay of weights by age.",
            show_default="never",
            rich_help_panel=_PROFILES,
        ),
    ] = None
    cutoff: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Use only events before this time (UTC).", rich_help_panel=_PROFILES
        ),
    ] = None
    update_from: Annotated[
        str | None,
        typer.Option(help="Earlier profiles to update with these events.", rich_help_panel=_PROFILES),
    ] = None
    interests: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="K",
            help="Add up to K vectors a user, one per interest.",
            rich_help_panel=_PROFILES,
        ),
    ] = 0


@dataclass(frozen=True)
class VectorOptions:
    """What is done with the vectors."""

    dim: Annotated[
        int | None,
        typer.Option(
            min=1, help="Reduce to this many dimensions; the basis is saved beside.", rich_help_panel=_VECTORS
        ),
    ] = None
    basis: Annotated[
        str | None,
        typer.Option(help="Reduce with the basis of an earlier --dim.", rich_help_panel=_VECTORS),
    ] = None
    quantize: Annotated[
        Literal["int8", "binary"] | None,
        typer.Option(help="Store as int8, or as one bit a dimension.", rich_help_panel=_VECTORS),
    ] = None
    neighbors: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="Add the K nearest rows by cosine.", rich_help_panel=_VECTORS),
    ] = None
    segments: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="Add one of K named segments (K-means).",
            rich_help_panel=_VECTORS,
        ),
    ] = None
    anomalies: Annotated[
        bool,
        typer.Option("--anomalies", help="Add an anomaly score, and its reasons.", rich_help_panel=_VECTORS),
    ] = False
    with_vectors: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="VECTORS",
            help="Fuse vectors of the same ids (of images, say) at equal weight; repeat.",
            rich_help_panel=_VECTORS,
        ),
    ] = field(default_factory=list)
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Instead of vectors: the events and words that one rests on.",
            rich_help_panel=_VECTORS,
        ),
    ] = None

    @property
    def needs_all(self) -> bool:
        """Whether all vectors are needed before the first is written."""
        return bool(
            self.dim or self.basis or self.quantize or self.neighbors or self.segments or self.anomalies
        )
