"""`adcli optimize policy --from` as a user runs it."""

import json

import polars as pl
from logged_world import LoggedWorld


def test_a_policy_is_learned_on_from_its_directory_and_says_what_that_gained(adcli, tmp_path):
    for name, seed in (("old", 1), ("new", 2)):
        world = LoggedWorld(seed=seed, rate=0.15, taste=1.0, items=5, placements=1)
        log = world.log(2_000, seed=seed).with_columns(season=pl.lit(name))
        log.write_parquet(tmp_path / f"{name}.parquet")
    first = adcli("optimize", "policy", "old.parquet", "-o", "first")
    assert first.returncode == 0, first.said
    done = adcli("optimize", "policy", "new.parquet", "--from", "first", "-o", "second")
    assert done.returncode == 0, done.said
    said = json.loads((tmp_path / "second" / "policy.json").read_text())["learned_on"]
    assert set(said) == {"gained", "forgotten"}
    assert said["gained"]["low"] < said["gained"]["difference"] < said["gained"]["high"]
    assert "gained: " in done.said
    assert "forgotten: " in done.said
    (tmp_path / "first" / "replay.parquet").unlink()
    refused = adcli("optimize", "policy", "new.parquet", "--from", "first", "-o", "third", "--no-verify")
    assert refused.returncode == 3
    assert "replay.parquet, the impressions to replay, is missing" in refused.said
