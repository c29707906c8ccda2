"""The best drafts are picked, and they differ."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcli.copy.facts import product_facts
from adcli.generate.drafting import Draft
from adcli.generate.selection import fits, pick, remembering, score, stated_facts

MUG = product_facts(
    {
        "item_id": "1",
        "title": "Zenith Mug",
        "category": "Kitchen > Mugs",
        "material": "Ceramic",
        "capacity": "330 ml",
    }
)


def scored(text, fit=0.0, flags=()):
    return score(Draft("Zenith Mug", text), flags, "model", MUG, fit=fit)


def test_facts_count_where_all_their_words_are_said():
    assert set(stated_facts("A ceramic mug of 330 ml", MUG)) == {"ceramic", "330 ml"}
    assert stated_facts("A mug of 330 grams", MUG) == ()


def test_flags_weigh_more_than_anything_else():
    assert (
        scored("A ceramic mug, 330 ml.", fit=1.0, flags=["absolute.best"]).total < scored("A mug.").total + 1
    )


def test_the_best_comes_first_and_the_same_text_once():
    drafts = [
        scored("A mug."),
        scored("A ceramic mug, 330 ml.", fit=0.9),
        scored("A ceramic mug, 330 ml.", fit=0.9),
    ]
    picked = pick(drafts, 3)
    assert picked[0].draft.description == "A ceramic mug, 330 ml."
    assert len(picked) == 2


def test_of_two_alike_the_other_is_preferred():
    drafts = [scored("one two three", 0.9), scored("one two four", 0.85), scored("five six seven", 0.8)]
    assert [each.draft.description for each in pick(drafts, 2)] == ["one two three", "five six seven"]
    assert [each.draft.description for each in pick(drafts, 2, difference=0.0)] == [
        "one two three",
        "one two four",
    ]


@given(
    st.lists(st.tuples(st.text("ab ", min_size=1, max_size=8), st.floats(0, 1)), max_size=12),
    st.integers(0, 5),
)
def test_picking_never_invents_and_never_exceeds(drafts, n):
    candidates = [scored(text, fit) for text, fit in drafts]
    picked = pick(candidates, n)
    assert len(picked) <= n
    assert all(each in candidates for each in picked)
    assert len({each.draft.description for each in picked}) == len(picked)


def test_what_is_near_the_product_fits(encode):
    near, far = fits(
        ["ceramic mug for tea", "car on a road"], "Zenith ceramic mug", ["A mug for tea."], encode
    )
    assert near > far


def test_each_text_is_encoded_once(encode):
    calls = []

    def counting(texts):
        calls.append(list(texts))
        return encode(texts)

    remembered = remembering(counting)
    first = remembered(["a", "b", "a"])
    again = remembered(["b", "c"])
    assert calls == [["a", "b"], ["c"]]
    np.testing.assert_array_equal(first[1], again[0])
