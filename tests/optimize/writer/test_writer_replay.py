"""A writer's directory keeps a bounded sample of its ads, of which a stated share is learned again."""

import pytest

from adcli.errors import DataError
from adcli.optimize.writer.replay import SAMPLE, Replay, read_replay, replayed, write_replay

ADS = [(f"prompt {n}", f"ad {n}") for n in range(1_000)]


def test_at_most_500_ads_are_kept_and_read_back(tmp_path):
    write_replay(tmp_path, Replay(ADS[:900], ADS[900:]), seed=1)
    kept = read_replay(tmp_path)
    assert len(kept.learned) == 400
    assert len(kept.held_out) == 100
    assert set(kept.learned) <= set(ADS[:900])
    assert set(kept.held_out) <= set(ADS[900:])
    assert read_replay(tmp_path / "nowhere") == Replay([], [])


@pytest.mark.parametrize(("new", "share"), [(80, 0.2), (30, 0.5), (4_000, 0.2), (80, 0.0)])
def test_what_is_replayed_is_the_share_asked_for(new, share):
    again = replayed(Replay(ADS[:50], []), new, share, seed=1)
    assert len(again) / (len(again) + new) == pytest.approx(share, abs=0.01)
    assert len(set(again)) == min(len(again), 50)


def test_a_sample_that_is_none_is_said(tmp_path):
    (tmp_path / SAMPLE).write_text('{"prompt": 1\n')
    with pytest.raises(DataError, match="can not be read"):
        read_replay(tmp_path)
