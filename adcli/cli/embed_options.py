"""The options of `adcli embed` beyond the model: how profiles are made, and what is done with the vectors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import typer

_PROFILES = "Profiles of users"
_VECTORS = "Vectors"


@dataclass(frozen=True)
class Profiling:
    """How events become profiles of users."""

    catalog: Annotated[
        str | None,
        typer.Option(
            help="Products, or their vectors, that the events are about; or a log that names them.",
            show_default="what the events say of their items",
            rich_help_panel=_PROFILES,
        ),
    ] = None
    reviews: Annotated[
        str | None, typer.Option(help="Reviews that users wrote.", rich_help_panel=_PROFILES)
    ] = None
    profile: Annotated[
        Literal["mean", "sequence"],
        typer.Option(
            help="The mean of what deeds were about, or the deeds in words, read by the model.",
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
        typer.Option(help="Those given, or learned on the next purchase.", rich_help_panel=_PROFILES),
    ] = "given"
    half_life: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="DAYS",
            help="Days after which a deed counts half.",
            show_default="never",
            rich_help_panel=_PROFILES,
        ),
    ] = None
    cutoff: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Look at nothing from this time (UTC) on.", rich_help_panel=_PROFILES
        ),
    ] = None
    update_from: Annotated[
        str | None,
        typer.Option(help="Earlier profiles that these events are added to.", rich_help_panel=_PROFILES),
    ] = None
    interests: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="K",
            help="Up to K further vectors a user, one an interest.",
            rich_help_panel=_PROFILES,
        ),
    ] = 0


@dataclass(frozen=True)
class Shaping:
    """What is done with the vectors once they are there."""

    dim: Annotated[
        int | None,
        typer.Option(
            min=1, help="Reduce to this many numbers; the basis is kept beside.", rich_help_panel=_VECTORS
        ),
    ] = None
    basis: Annotated[
        str | None,
        typer.Option(help="Reduce by the basis of an earlier --dim.", rich_help_panel=_VECTORS),
    ] = None
    quantize: Annotated[
        Literal["int8", "binary"] | None,
        typer.Option(help="Whole numbers, or one bit a number.", rich_help_panel=_VECTORS),
    ] = None
    neighbors: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="Add the K nearest rows of each.", rich_help_panel=_VECTORS),
    ] = None
    segments: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="Add one of K segments, named by what marks it.",
            rich_help_panel=_VECTORS,
        ),
    ] = None
    anomalies: Annotated[
        bool,
        typer.Option(
            "--anomalies", help="Add how unlike the others each row is, and why.", rich_help_panel=_VECTORS
        ),
    ] = False
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="In place of vectors: the events and words that moved this one.",
            rich_help_panel=_VECTORS,
        ),
    ] = None

    @property
    def needs_all(self) -> bool:
        """Whether all vectors have to be there before the first is written."""
        return bool(
            self.dim or self.basis or self.quantize or self.neighbors or self.segments or self.anomalies
        )
