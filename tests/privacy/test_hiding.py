"""What is hidden in a column is hidden in the columns made of it, and nowhere shown in silence."""

import polars as pl
import pytest

from adcli.errors import UsageError
from adcli.privacy.hiding import Hiding, require_once


def stars(values):
    return values.str.replace_all(".", "*")


def test_visits_and_reasons_are_hidden_with_what_they_are_made_of():
    frame = pl.DataFrame(
        {
            "user_id": ["a.b", "c", None],
            "session_id": ["a.b.170", "own", None],
            "user_agent": ["Bot of Anna"] * 3,
            "bot_reason": ["user agent of a robot: Bot of Anna", "events within a minute: 200", None],
        }
    )
    (out,) = Hiding({"user_id": ("--x", stars), "user_agent": ("--x", stars)})([frame])
    assert out["session_id"].to_list() == ["***.170", "own", None]
    assert out["bot_reason"].to_list() == ["user agent of a robot", "events within a minute: 200", None]


def test_a_column_that_shows_what_another_hides_is_named():
    frame = pl.DataFrame({"user_id": ["1.2.3.4", "5"], "ip": ["1.2.3.4", "9.9.9.9"], "city": ["x", "y"]})
    hiding = Hiding({"user_id": ("--x", stars)})
    list(hiding([frame]))
    assert hiding.showing() == [("user_id", "ip")]


def test_what_cannot_be_hidden_is_an_error_that_names_the_option():
    frame = pl.DataFrame({"price": [1.5], "item_id": [7]})
    with pytest.raises(UsageError, match=r"--x price: holds no texts"):
        list(Hiding({"price": ("--x", stars)})([frame]))
    with pytest.raises(UsageError, match=r"--x itm_id: .* Did you mean 'item_id'"):
        list(Hiding({"itm_id": ("--x", stars)})([frame]))
    assert Hiding({"item_id": ("--x", stars)}).hidden(frame)["item_id"].to_list() == ["*"]
    with pytest.raises(UsageError, match="a is named by --x and by --y"):
        require_once({"--x": ["a"], "--y": ["a"]})
