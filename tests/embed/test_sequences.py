"""Behaviour as text."""

import numpy as np
import polars as pl
from small_shop import contents, encode, events, profiled

from adcli.embed.profiles import profiles
from adcli.embed.sequences import LAST_DEEDS, sequence_profiles, sequences
from adcli.embed.vectors import matrix


def test_behaviour_is_said_in_order_with_time_content_and_action(catalogue):
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
    assert sequences(contents(log, catalogue)).rows() == [("u", expected)]


def test_only_the_last_deeds_are_said(catalogue):
    log = events([("u", hour, "view", f"{hour % 12:04}", None) for hour in range(100)])
    text = sequences(contents(log, catalogue))["text"][0]
    assert text.count("viewed") == LAST_DEEDS
    assert text.endswith("Kitchen thing 3")


def test_a_sequence_profile_is_the_vector_of_the_text(catalogue):
    log = events([("a", 0, "view", "0001", None), ("b", 0, "other", "0001", None)])
    seen = contents(log, catalogue)
    got = pl.concat(sequence_profiles(profiles(seen, catalogue), seen, encode))
    np.testing.assert_allclose(
        matrix(got["embedding"])[0], encode(["Friday night: viewed Outdoor thing 1"])[0]
    )
    assert got["basis"].to_list() == ["sequence", "catalogue"]
    assert "coherence" not in got.columns
    assert got["events"].to_list() == profiled(log, catalogue)["events"].to_list()
