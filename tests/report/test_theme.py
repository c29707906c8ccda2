"""Colours everyone can tell apart and read, in both schemes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from adcli.report.theme import DARK, LIGHT, SENTINELS, SERIES, Colours

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SEEN_BY = {
    "all": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.3039],
        ]
    ),
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339, 0.119192, 0.9503041],
        ]
    )
    x, y, z = np.cbrt(np.maximum(to_xyz @ rgb / (0.95047, 1.0, 1.08883), 0.0))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_series_reach_a_contrast_of_four_and_a_half(colours: Colours) -> None:
    for name in ("ink", "muted", "better", "worse", "invalid"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["panel"]) >= 4.5, name
    for name in SERIES:
        assert contrast(colours[name], colours["paper"]) >= 4.5, name


@pytest.mark.parametrize("viewer", SEEN_BY)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_series_stay_apart_for_every_viewer(colours: Colours, viewer: str) -> None:
    seen = {name: lab(np.clip(SEEN_BY[viewer] @ linear(colours[name]), 0, 1)) for name in SERIES}
    nearest = min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in combinations(SERIES, 2))
    assert nearest[0] >= 12, nearest


def test_both_schemes_and_the_sentinels_name_the_same_colours() -> None:
    assert list(LIGHT) == list(DARK) == list(SENTINELS)
    assert len(set(SENTINELS.values())) == len(LIGHT)
