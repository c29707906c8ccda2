"""A click model of ads' words finds what shoppers like, says where it is unsure, and refuses to guess."""

import numpy as np
import pytest

from adcli.errors import DataError
from adcli.optimize.writer.clicks import ClickModel, ShownAds, held_out_models

KINDS = ("mug", "lamp", "desk", "kettle", "planter", "blanket", "basket", "teapot")
SAID = ("the oak {kind}", "your new {kind}", "take this {kind} home", "a {kind} in blue!", "one more {kind}")


def shown(rates, seed=1, impressions=400):
    """Five ads of each of 40 items for two segments, clicked as often as `rates(text, segment)` says."""
    rng = np.random.default_rng(seed)
    rows = [
        (item, segment, f"{said.format(kind=KINDS[item % 8])} {item % 3}")
        for item in range(40) for segment in ("a", "b") for said in SAID
    ]  # fmt: skip
    clicks = [rng.binomial(impressions, rates(text, segment)) for _, segment, text in rows]
    return ShownAds(*zip(*rows, strict=True), [impressions] * len(rows), clicks)


def likes(text, segment):
    """One segment likes to be spoken to, the other does not."""
    return 0.04 if "your" not in text else 0.12 if segment == "a" else 0.015


def test_a_word_is_worth_what_each_segment_thinks_of_it():
    model = ClickModel.of(shown(likes), seed=2)
    odds, _ = model.log_odds(["your new stool", "the oak stool"] * 2, ["a", "a", "b", "b"])
    assert odds[0] - odds[1] == pytest.approx(np.log(0.12 / 0.88) - np.log(0.04 / 0.96), abs=0.4)
    assert odds[2] - odds[3] < -0.3


def test_it_is_less_sure_of_words_that_nobody_was_shown():
    model = ClickModel.of(shown(likes), seed=2)
    _, deviation = model.log_odds(["the oak mug 1", "wholly unheard gibberish"], ["a", "a"])
    assert deviation[1] > 1.5 * deviation[0]


def test_more_impressions_make_it_surer():
    few, many = (ClickModel.of(shown(likes, impressions=n), seed=2) for n in (200, 20_000))
    assert many.log_odds(["your new mug 1"], ["a"])[1] < few.log_odds(["your new mug 1"], ["a"])[1]


def test_no_ad_is_believed_to_earn_more_than_the_best_that_were_shown_to_its_segment():
    model = ClickModel.of(shown(likes), seed=2)
    segments = ["a", "b", "nobody's", "a"]
    best, _ = model.log_odds(["your new mug 1", "the oak mug 1"], ["a", "b"])
    believed = model.believed(np.array([9.0, 9.0, 9.0, -4.0]), segments)
    assert believed == pytest.approx([best[0], best[1], best[0], -4.0], abs=0.2)
    assert believed[0] == believed[2]  # where nothing is known of a segment, the best of all


def test_a_reward_and_its_judge_are_of_different_items():
    model, judge, gained = held_out_models(shown(likes), seed=3)
    assert gained > 0
    texts = [said.format(kind="stool") for said in SAID]
    first, second = (each.log_odds(texts, ["a"] * 5)[0] for each in (model, judge))
    assert not np.allclose(first, second)
    assert first.argmax() == second.argmax() == 1


def test_a_taste_for_nothing_is_no_reward():
    with pytest.raises(DataError, match="no better than a constant"):
        held_out_models(shown(lambda text, segment: 0.05), seed=3)


@pytest.mark.parametrize(("rate", "said"), [(0.0, "too few clicks"), (1.0, "whenever they were shown")])
def test_a_log_of_one_class_is_refused(rate, said):
    with pytest.raises(DataError, match=said):
        held_out_models(shown(lambda text, segment: rate), seed=3)


def test_a_log_of_few_items_is_refused():
    with pytest.raises(DataError, match="ads of 3 items, too few"):
        held_out_models(shown(likes).those(np.arange(30)), seed=3)
    with pytest.raises(DataError, match="no better than a constant"):
        held_out_models(shown(likes, impressions=1).those(np.arange(40)), seed=3)
