"""Users in segments that have names."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcli.behaviour.segments import SegmentCentres, segment_centres
from adcli.embed.segment_names import SegmentTerms, segment_names
from adcli.embed.segments import segment
from adcli.errors import UsageError

TASTES = {
    "Kitchen": ["Kupferhaus moka pot", "Nordic moka pot, steel", "chef's knife", "frying pan with lid"],
    "Outdoor": ["2-person tent", "sleeping bag, down", "headlamp for hikers", "sleeping bag for summer"],
    "Toys": ["wooden building blocks", "building blocks, maple", "plush hare", "marble run"],
}


def crowd(per_taste=30, seed=0):
    """People with one of three tastes: vectors, what they looked at, and which taste it is."""
    from scipy import sparse

    rng = np.random.default_rng(seed)
    titles = [title for named in TASTES.values() for title in named]
    categories = [category for category, named in TASTES.items() for _ in named]
    truth = np.repeat(np.arange(3), per_taste)
    vectors = np.eye(8)[truth] + rng.normal(scale=0.15, size=(len(truth), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = np.zeros((len(truth), len(titles)))
    for row, taste in enumerate(truth):
        weights[row, taste * 4 + rng.integers(0, 4, 3)] += 1
    terms = SegmentTerms(sparse.csr_array(weights), titles, categories, ["Kupferhaus", "Nordic"])
    return vectors.astype(np.float32), terms, truth


def test_people_of_one_taste_are_one_segment_named_by_it():
    vectors, terms, truth = crowd()
    found = segment(vectors, 3, terms, seed=0)
    for taste, category in enumerate(TASTES):
        labels = found.labels[truth == taste]
        assert (labels == labels[0]).all()
        name = found.names[labels[0]]
        assert name.startswith(category + " · ")
        assert 2 <= len(name.split(" · ")) <= 3
    joined = " ".join(found.names)
    assert "moka pot" in joined
    assert "building blocks" in joined
    assert "kupferhaus" not in joined.lower()
    frame = found.frame()
    assert frame.columns == ["segment_id", "segment_name"]
    assert frame["segment_id"].n_unique() == 3
    assert found.explained > 0.8


def test_a_re_run_gives_the_same_names_whatever_the_order_of_people():
    vectors, terms, _ = crowd()
    order = np.random.default_rng(1).permutation(len(vectors))
    shuffled = terms._replace(weights=terms.weights[order])
    first = segment(vectors, 3, terms, seed=0)
    again = segment(vectors[order], 3, shuffled, seed=0)
    assert sorted(first.names) == sorted(again.names)
    assert [first.ids[label] for label in first.labels[order]] == [again.ids[label] for label in again.labels]


def test_tomorrow_the_names_are_those_of_yesterday():
    vectors, _, truth = crowd()
    centres = np.array([vectors[truth == taste].mean(axis=0) for taste in (2, 0, 1)])
    yesterday = SegmentCentres(["t", "k", "o"], ["old toys", "old kitchen", "old outdoor"], centres)
    tomorrow, told_tomorrow, truth = crowd(seed=5)
    found = segment(tomorrow, 3, told_tomorrow, seed=0, earlier=yesterday)
    assert [found.ids[label] for label in found.labels[[0, 30, 60]]] == ["k", "o", "t"]
    assert set(found.frame()["segment_name"]) == {"old toys", "old kitchen", "old outdoor"}
    with pytest.raises(UsageError, match="the earlier profiles have 3 segments"):
        segment(tomorrow, 4, told_tomorrow, seed=0, earlier=yesterday)


def test_earlier_segments_are_read_from_profiles():
    vectors, terms, _ = crowd(4)
    found = segment(vectors, 3, terms, seed=0)
    profiles = pl.DataFrame(
        {"kind": ["user"] * 12, "embedding": pl.Series(vectors, dtype=pl.Array(pl.Float32, 8))}
    ).hstack(found.frame())
    read = segment_centres(profiles)
    assert sorted(read.ids) == sorted(found.ids)
    assert segment(vectors, 3, terms, seed=9, earlier=read).frame().equals(found.frame())
    assert segment_centres(profiles.drop("segment_id")) is None


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["tent", "tent pole", "mug", "", "的 帐篷", "12 cm"]), min_size=2, max_size=6),
    st.data(),
)
def test_no_two_segments_have_one_name(texts, data):
    from scipy import sparse

    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts))))
    terms = SegmentTerms(sparse.eye_array(len(texts)).tocsr(), texts, [""] * len(texts))
    names = segment_names(terms, labels, 3)
    assert len(set(names)) == 3
    assert all(names)


def test_a_word_that_all_segments_share_marks_none_of_them():
    from scipy import sparse

    texts = ["set of mugs", "set of bowls", "set of tents", "set of stoves"]
    terms = SegmentTerms(sparse.csr_array(np.kron(np.eye(2), np.ones((3, 2)))), texts, [""] * 4)
    names = segment_names(terms, np.repeat([0, 1], 3), 2)
    assert names == ["bowls · mugs", "stoves · tents"]
