"""Pseudonyms: the same for the same value, and nothing else."""

import hashlib
import re
from base64 import urlsafe_b64encode

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from adcli.privacy import pseudonyms as module
from adcli.privacy.keys import Key
from adcli.privacy.pseudonyms import PSEUDONYM, Pseudonyms, pseudonyms_of

KEY = Key(1, b"k" * 32)


@given(st.lists(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5))))
def test_a_value_has_one_pseudonym_however_the_rows_are_cut(parts):
    whole, cut = Pseudonyms(KEY, "user_id"), Pseudonyms(KEY, "user_id")
    values = [value for part in parts for value in part]
    found = [made for part in parts for made in cut(pl.Series(part, dtype=pl.String)).to_list()]
    assert found == whole(pl.Series(values, dtype=pl.String)).to_list()
    assert found == [None if value is None else whole.of([value])[0] for value in values]
    assert len(set(found)) == len(set(values))


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 10)
    made = Pseudonyms(KEY, "user_id")
    for start in range(0, 100, 7):
        values = [str(number % 31) for number in range(start, start + 7)]
        assert made(pl.Series(values)).to_list() == made.of(values)


def test_columns_and_keys_have_pseudonyms_of_their_own():
    of_user = Pseudonyms(KEY, "user_id").of(["7"])[0]
    own = hashlib.blake2b(b"user_id", key=b"k" * 32, digest_size=32).digest()
    assert (
        of_user == "p1_" + urlsafe_b64encode(hashlib.blake2b(b"7", key=own, digest_size=12).digest()).decode()
    )
    assert Pseudonyms(KEY, "item_id").of(["7"])[0] != of_user
    assert Pseudonyms(KEY, "unit_id").of(["7"])[0] == of_user
    later = Pseudonyms(Key(2, b"l" * 32), "user_id").of(["7"])[0]
    assert later.startswith("p2_")
    assert later[3:] != of_user[3:]
    assert pseudonyms_of(["7"], [KEY, Key(2, b"l" * 32)], "user_id") == {of_user, later}


def test_a_number_is_its_text_and_a_pseudonym_stays_one():
    made = Pseudonyms(KEY, "user_id")
    assert made(pl.Series([7, None])).to_list() == made(pl.Series(["7", None])).to_list()
    once = made(pl.Series(["a", "b", None]))
    assert re.match(PSEUDONYM, once[0])
    assert made(once).to_list() == once.to_list()
    assert made.already == 2


def test_each_value_has_one_pseudonym_however_many_there_are():
    made = Pseudonyms(KEY, "user_id")
    values = pl.Series([f"customer-{number % 60_000}" for number in range(200_000)])
    found = pl.concat([made(part.to_frame().to_series()) for part in (values[:70_000], values[70_000:])])
    assert found.n_unique() == 60_000
    assert found.to_list() == made.of(values.to_list())


def test_values_of_one_hash_have_pseudonyms_of_their_own(monkeypatch):
    monkeypatch.setattr(pl.Series, "hash", lambda self, seed: pl.Series([7] * len(self), dtype=pl.UInt64))
    made = Pseudonyms(KEY, "user_id")
    for _ in range(2):
        assert made(pl.Series(["a", "b", None, "a"])).to_list()[:2] == made.of(["a", "b"])
