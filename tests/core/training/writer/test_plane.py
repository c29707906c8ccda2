"""A writer gains something only above the temperature curve of the one it began as."""

import numpy as np
import pytest

from adcli.core.training.writer.examples import WriterTask
from adcli.core.training.writer.plane import Plane, compared

HUMAN, OTHER = "abcdefghijklmnop", "ABCDEFGHIJKLMNOP"
PLACES, JUDGING = list(range(12)), list(range(12, 24))


class Teller:
    """Writes words of two kinds, the more different ones the higher the temperature."""

    def __init__(self, human):
        self.human, self.spread = human, 1.0

    def __call__(self, places, temperature, n, seed):
        kinds, written = max(1, round(15 * self.spread * temperature / 1.2)), []
        for place in places:
            draw = np.random.default_rng([seed, place, int(temperature * 100)])
            words = [
                [(HUMAN if draw.random() < self.human else OTHER)[draw.integers(kinds)] * 3
                 for _ in range(6)]
                for _ in range(n)
            ]  # fmt: skip
            written.append([" ".join(its) for its in words])
        return written


def encode(texts):
    """Unit vectors: how much of a text is in the words that people use."""
    share = np.array(
        [np.mean([word.islower() for word in text.split(" [SEP] ")[0].split()]) for text in texts]
    )
    return np.stack([share, 1 - share], axis=1).astype(np.float32)


@pytest.fixture
def writer_and_plane():
    people = Teller(0.9)
    pairs = [(place, its[0]) for place, its in zip(JUDGING, people(JUDGING, 1.0, 1, 7), strict=True)]
    task = WriterTask("adversarial", [f"p{n}" for n in range(24)], pairs=pairs, judging=JUDGING)
    writer = Teller(0.4)
    return writer, Plane(writer, encode, task, PLACES, 4, 3)


def test_an_unchanged_writer_lies_on_its_own_curve(writer_and_plane):
    _, plane = writer_and_plane
    found = plane.report()
    assert found["above"] == pytest.approx(0, abs=1e-6)
    assert not found["gain"]
    diversity = [row["diversity"] for row in found["before"]]
    assert diversity[0] < diversity[2] < diversity[-1]


def test_one_that_seems_more_human_at_the_same_diversity_gains(writer_and_plane):
    writer, plane = writer_and_plane
    writer.human = 0.8
    found = plane.report()
    assert found["gain"]
    assert found["not_below"] == 4


def test_less_diversity_alone_is_no_gain(writer_and_plane):
    writer, plane = writer_and_plane
    writer.spread = 0.5
    assert not plane.report()["gain"]


def test_the_verdict_rests_on_other_prompts_than_the_choice(writer_and_plane):
    """Weights that were chosen for luck at some prompts gain nothing."""
    _, plane = writer_and_plane
    _, (level,) = plane.compare([1.0])
    plain, chosen = Teller(0.4), set(np.array(PLACES)[plane.is_choosing].tolist())
    lucky = Teller(0.9)
    plane._write = lambda places, *how: [
        (lucky if place in chosen else plain)([place], *how)[0] for place in places
    ]
    _, (moved,) = plane.compare([1.0])
    assert moved.above[plane.is_choosing].mean() > level.above[plane.is_choosing].mean() + 0.1
    assert not plane.report()["gain"]


def test_choice_and_verdict_share_no_item_and_both_have_all_segments():
    """Two segments of each item, and each told by name and by vector."""
    items = [place // 2 for place in range(48)] * 2
    held_out = [place for place in range(96) if items[place] < 12]
    task = WriterTask("adversarial", [f"p{n}" for n in range(96)], items, held_out=held_out, judging=JUDGING,
                      pairs=[(place, "aaa bbb ccc ddd") for place in JUDGING])  # fmt: skip
    places = compared(task, 24)
    plane = Plane(Teller(0.4), encode, task, places, 4, 3)
    groups = [[p for p, its in zip(places, plane.is_choosing, strict=True) if its == one] for one in (0, 1)]
    first, second = ({items[place] for place in its} for its in groups)
    assert not first & second
    assert first | second == set(range(12))
    assert all({place % 2 for place in its} == {0, 1} for its in groups)
    single = WriterTask("adversarial", task.prompts, held_out=held_out)
    assert compared(single, 24) == held_out[:24]
