"""A quick share of the attacks; `python tests/fuzz/attacks.py 3000 300 300 100000` tries all."""

import attacks
import pytest


@pytest.mark.parametrize(("name", "amount"), list(zip(attacks.ATTACKS, (25, 30, 30, 150), strict=True)))
def test_nothing_gives_way(name, amount):
    assert attacks.tried(attacks.ATTACKS[name], amount) == []
