"""A bidder's directory: it comes back as it was, and what is damaged is refused in a sentence."""

import json

import numpy as np
import pytest
from auction_world import auctions

from adcli.bidding.learned import KINDS, LearnedBidder, load_bidders, save_bidders
from adcli.bidding.market import market_of
from adcli.bidding.replay import replay
from adcli.errors import DataError


@pytest.mark.parametrize("kind", KINDS)
def test_a_bidder_read_back_bids_as_before(kind, tmp_path):
    log = auctions()
    one = LearnedBidder(kind, market_of(log), 700.0)
    save_bidders({"a": one}, tmp_path, {"value": "click"})
    back = load_bidders(tmp_path)
    assert list(back) == ["a"]
    before, after = (replay(made.bidder(), log) for made in (one, back["a"]))
    assert after.bid.tolist() == before.bid.tolist()
    assert (np.bincount(log.episode, after.paid) <= log.budget + 1e-9).all()


def test_what_is_no_bidder_is_said(tmp_path):
    with pytest.raises(DataError, match="is not a bidder"):
        load_bidders(tmp_path)
    save_bidders({"": LearnedBidder("pacer", market_of(auctions()))}, tmp_path, {})
    path = tmp_path / "bidder.json"
    whole = json.loads(path.read_text())
    for damage in ({"format": "bidder/9"}, {"campaigns": [{}]}, {"campaigns": 3}):
        path.write_text(json.dumps(whole | damage))
        with pytest.raises(DataError, match="does not hold a whole bidder"):
            load_bidders(tmp_path)
    path.write_text(json.dumps(whole)[:-9])
    with pytest.raises(DataError, match="does not hold a whole bidder"):
        load_bidders(tmp_path)
    path.write_text(json.dumps(whole))
    (tmp_path / "bidder.safetensors").unlink()
    with pytest.raises(DataError, match="does not hold a whole bidder"):
        load_bidders(tmp_path)
