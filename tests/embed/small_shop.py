"""A small shop with a stand-in for the encoder: what is shown of profiles does not need a language model."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from adcli.embed.interaction_vectors import interaction_vectors
from adcli.embed.interactions import interactions_of_events, weighted
from adcli.embed.profiles import profiles

DIMENSION = 24
START = datetime(2024, 3, 1, tzinfo=UTC)
TYPES = ("view", "click", "cart", "purchase", "search", "other")


def encode(texts):
    """Unit vectors that depend on each text alone."""
    rows = []
    for text in texts:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        rows.append(np.random.default_rng(seed).normal(size=DIMENSION))
    vectors = np.array(rows).reshape(-1, DIMENSION)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def events(rows):
    """The events table from (user, hours since the start, type, item, query)."""
    return pl.DataFrame(
        [
            {
                "event_time": START + timedelta(hours=float(hours)),
                "user_id": user,
                "event_type": kind,
                "item_id": item,
                "query": query,
            }
            for user, hours, kind, item, query in rows
        ],
        schema={
            "event_time": pl.Datetime("us", "UTC"),
            "user_id": pl.String,
            "event_type": pl.String,
            "item_id": pl.String,
            "query": pl.String,
        },
    )


def interactions(frame, items, weights=None):
    return interaction_vectors(weighted(interactions_of_events(frame), weights or {}), items, encode)


def profiled(frame, items, *, weights=None, half_life=None, earlier=None):
    """The profiles of an events table, whole."""
    parts = profiles(interactions(frame, items, weights), items, half_life=half_life, earlier=earlier)
    return pl.concat(parts)
