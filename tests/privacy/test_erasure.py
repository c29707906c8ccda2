"""Rows of users who asked to be erased are found, whatever they are called in the table."""

import polars as pl
import pytest

from adcli.errors import DataError, UsageError
from adcli.privacy.erasure import Erasure, user_column
from adcli.privacy.keys import Key
from adcli.privacy.pseudonyms import Pseudonyms

KEYS = [Key(1, b"k" * 32), Key(2, b"l" * 32)]


@pytest.fixture
def wanted(tmp_path):
    path = tmp_path / "erase.txt"
    path.write_text("﻿anna\r\n\n  7 \nanna\n", encoding="utf-8")
    return path


def test_users_are_found_by_id_by_pseudonym_and_in_vectors(wanted):
    erasure = Erasure(wanted, KEYS)
    users = [
        "anna",
        "bo",
        Pseudonyms(KEYS[0], "user_id").of(["anna"])[0],
        Pseudonyms(KEYS[1], "user_id").of(["7"])[0],
        None,
    ]
    assert erasure.users == 2
    assert erasure.find(pl.DataFrame({"user_id": users}), "a").to_list() == [True, False, True, True, False]
    assert erasure.find(pl.DataFrame({"user_id": [7, 8]}), "b").to_list() == [True, False]
    vectors = pl.DataFrame({"id": ["7", "7", "anna"], "kind": ["product", "user", "user_interest"]})
    assert erasure.find(vectors, "b").to_list() == [False, True, True]
    assert erasure.find(pl.DataFrame({"user_id": ["bo"]}), "c") is None
    assert erasure.find(pl.DataFrame({"item_id": ["7"]}), "c") is None
    assert dict(erasure.rows) == {"a": 3, "b": 3, "c": 0}
    assert user_column(["item_id", "id"]) is None


def test_users_do_not_hide_behind_pseudonyms_of_a_key_that_is_not_there(wanted):
    frame = pl.DataFrame({"user_id": [Pseudonyms(KEYS[1], "user_id").of(["anna"])[0]]})
    with pytest.raises(UsageError, match=r"p2_.*only their key.*line 2"):
        Erasure(wanted, KEYS[:1]).find(frame, "log.csv")


def test_a_list_that_names_nobody_is_an_error(tmp_path):
    (tmp_path / "none").write_text("\n\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("none", "bytes"):
        with pytest.raises(DataError, match="--erase"):
            Erasure(tmp_path / name, [])
