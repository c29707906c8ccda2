"""Which columns of a log are context, and how they become numbers."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_bandit_log import open_bandit_log

from adcli.errors import DataError
from adcli.policies.context import choose_context, fit_context, read_encoder


def log(n=100, **columns):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    base = {
        "event_time": [start + timedelta(hours=5 * i) for i in range(n)],
        "item_id": [f"i{i % 3}" for i in range(n)],
        "user_id": [f"u{i}" for i in range(n)],
        "click": [i % 2 for i in range(n)],
        "propensity": [0.5] * n,
    }
    return pl.DataFrame(base | columns)


class TestChoice:
    def test_outcomes_identifiers_and_the_action_are_not_context(self):
        frame = log(segment=["a", "b"] * 50, revenue=[1.0] * 100, session_id=["s"] * 100)
        assert choose_context(frame, action=["item_id"]).columns == ["segment", "event_time"]

    def test_row_numbers_and_free_text_are_left_out_with_a_word_about_it(self):
        frame = log(row=list(range(100)), note=[f"text {i}" for i in range(100)], age=["3.5", "4.25"] * 50)
        chosen = choose_context(frame, action=["item_id"])
        assert chosen.columns == ["age", "event_time"]
        assert "'row' is not used" in chosen.notes[0]
        assert "'note' is not used" in chosen.notes[1]

    def test_the_users_list_wins(self):
        frame = log(segment=["a", "b"] * 50, age=[1.5] * 100)
        assert choose_context(frame, wanted=["age"]).columns == ["age"]

    def test_what_is_not_known_before_the_choice_is_refused(self):
        with pytest.raises(DataError, match="'click' is not known before"):
            choose_context(log(), wanted=["click"])
        with pytest.raises(DataError, match="no context column 'sgment'"):
            choose_context(log(segment=["a"] * 100), wanted=["sgment"])

    def test_the_open_bandit_logs_row_index_is_no_context(self, shared_data):
        chosen = choose_context(open_bandit_log(shared_data, "random_men"), action=["item_id"])
        assert "column_1" not in chosen.columns
        assert {"placement", "user_feature_0", "user-item_affinity_3", "event_time"} <= set(chosen.columns)


class TestEncoding:
    def encoder(self, frame, columns):
        return fit_context(frame, columns)

    def test_numbers_in_strings_are_numbers_and_codes_are_categories(self):
        frame = log(price_seen=["1.5", "2.5"] * 50, code=["001", "002"] * 50, level=["1", "2"] * 50)
        kinds = {f.column: f.kind for f in fit_context(frame, ["price_seen", "code", "level"]).features}
        assert kinds == {"price_seen": "number", "code": "category", "level": "category"}

    def test_numbers_are_standardised_cut_and_marked_where_missing(self):
        frame = log(age=[10.0, 20.0, None, 30.0] * 25)
        encoder = fit_context(frame, ["age"])
        encoded = encoder.encode(frame)
        assert encoder.names == ["age", "age is missing"]
        assert encoded[:, 0].mean() == pytest.approx(0, abs=1e-6)
        assert encoded[2].tolist() == [0, 1]
        assert encoder.encode(frame.with_columns(age=pl.lit(1e9)))[0, 0] == 5

    def test_rare_and_unseen_categories_share_a_bucket(self):
        frame = log(shop=["a"] * 60 + ["b"] * 38 + ["c", "d"])
        encoder = fit_context(frame, ["shop"])
        assert encoder.names == ["shop=a", "shop=b", "shop=any other"]
        assert encoder.encode(log(2, shop=["c", "never seen"])).tolist() == [[0, 0, 1], [0, 0, 1]]

    def test_hour_and_weekday_are_read_where_the_log_is_long_enough(self):
        assert {f.kind for f in fit_context(log(100), ["event_time"]).features} == {"hour", "weekday"}
        assert {f.kind for f in fit_context(log(20), ["event_time"]).features} == {"hour"}
        assert not fit_context(log(3), ["event_time"]).features

    def test_a_constant_column_says_nothing(self):
        assert not fit_context(log(one=["x"] * 100, two=[1.0] * 100), ["one", "two"]).features

    def test_vectors_are_reduced_to_their_directions(self):
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 24))
        frame = log(profile=pl.Series(rows.tolist(), dtype=pl.Array(pl.Float32, 24)))
        encoder = fit_context(frame, ["profile"])
        encoded = encoder.encode(frame)
        assert encoded.shape == (100, 2)
        assert encoded.std(axis=0) == pytest.approx([1, 1], rel=1e-3)

    def test_a_missing_column_is_named(self):
        encoder = fit_context(log(age=[1.0, 2.0] * 50), ["age"])
        with pytest.raises(DataError, match="context column 'age', which is not in this input"):
            encoder.encode(log())

    def test_reading_back_gives_the_same_numbers(self):
        rng = np.random.default_rng(0)
        profile = pl.Series(rng.normal(size=(100, 4)).tolist(), dtype=pl.Array(pl.Float32, 4))
        frame = log(age=[1.0, None] * 50, shop=["a", "b"] * 50, profile=profile)
        encoder = fit_context(frame, ["age", "shop", "profile", "event_time"])
        again = read_encoder(encoder.to_json(), encoder.tensors())
        assert np.array_equal(encoder.encode(frame), again.encode(frame))


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
            st.one_of(st.none(), st.text(max_size=5)),
        ),
        min_size=2,
        max_size=40,
    )
)
def test_whatever_a_column_holds_is_encoded_as_finite_numbers(rows):
    frame = pl.DataFrame(rows, schema={"number": pl.Float64, "word": pl.String}, orient="row")
    encoder = fit_context(frame, ["number", "word"])
    encoded = encoder.encode(frame)
    assert encoded.shape == (len(rows), len(encoder.names))
    assert np.isfinite(encoded).all()
