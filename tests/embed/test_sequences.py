"""Behaviour as text."""

import numpy as np
import polars as pl
from small_shop import encode, events, interactions, profiled

from adcli.embed.profiles import profiles
from adcli.embed.sequences import LAST_EVENTS, sequence_profiles, sequences
from adcli.embed.vectors import matrix


def test_behaviour_is_said_in_order_with_time_content_and_action(items):
    log = events(
        [
            ("u", 40, "purchase", "0001", None),
            ("u", 10, "view", "0001", None),
            ("u", 10.5, "view", "0001", None),
            ("u", 11, "search", None, "tent"),
            ("u", 12, "other", "0002", None),
        ]
    )
    expected = "Friday morning: viewed Outdoor thing 1, searched for tent. Saturday afternoon: bought Outdoor thing 1"
    assert sequences(interactions(log, items)).rows() == [("u", expected)]


def test_only_the_last_events_are_said(items):
    log = events([("u", hour, "view", f"{hour % 12:04}", None) for hour in range(100)])
    text = sequences(interactions(log, items))["text"][0]
    assert text.count("viewed") == LAST_EVENTS
    assert text.endswith("Kitchen thing 3")


def test_a_sequence_profile_is_the_vector_of_the_text(items):
    log = events([("a", 0, "view", "0001", None), ("b", 0, "other", "0001", None)])
    seen = interactions(log, items)
    got = pl.concat(sequence_profiles(profiles(seen, items), seen, encode))
    np.testing.assert_allclose(
        matrix(got["embedding"])[0], encode(["Friday night: viewed Outdoor thing 1"])[0]
    )
    assert got["basis"].to_list() == ["sequence", "catalog"]
    assert "coherence" not in got.columns
    assert got["events"].to_list() == profiled(log, items)["events"].to_list()
