"""Sessions unlike the others are told with their reason, and a few labels say which of them matter."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from adcli.clean.anomalies import SessionScores, session_features

START = datetime(2024, 1, 1, 12, tzinfo=UTC)


def visit(user, seconds, items):
    return pl.DataFrame(
        {
            "user_id": user,
            "session_id": f"{user}.1",
            "event_time": [START + timedelta(seconds=float(second)) for second in seconds],
            "event_type": "view",
            "item_id": [str(item) for item in items],
        },
        schema_overrides={"event_time": pl.Datetime("us", "UTC")},
    )


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    people = [
        visit(f"person {n}", np.cumsum(rng.exponential(40, count)), rng.integers(0, 30, count))
        for n, count in enumerate(rng.integers(1, 25, 300))
    ]
    robots = [
        visit(f"robot {n}", np.arange(150) * 1.5 + rng.normal(0, 0.01, 150), range(150)) for n in range(4)
    ]
    fans = [visit(f"fan {n}", np.cumsum(rng.exponential(40, 90)), [7] * 90) for n in range(4)]
    return session_features(pl.concat([*people, *robots, *fans]))


def found(features, **options):
    fitted = SessionScores.fit(features, **{"contamination": 0.03, "labels": None, "seed": 0, **options})
    return fitted.score(features).filter("is_anomaly")


def test_what_is_far_out_is_flagged_and_it_is_said_why(features):
    flagged = found(features)
    users = set(flagged["user_id"])
    assert {f"robot {n}" for n in range(4)} <= users
    assert len(users) <= 0.03 * features.height + 1
    reasons = flagged.filter(pl.col("user_id") == "robot 0")["anomaly_why"].item()
    assert "many events (150)" in reasons or "at even intervals" in reasons
    assert flagged["anomaly_why"].null_count() == 0


def test_a_few_labels_say_which_are_meant(features):
    labelled = {"robot 0": 1, "robot 1": 1, "fan 0": 0, "fan 1": 0, **{f"person {n}": 0 for n in range(20)}}
    labels = pl.DataFrame({"user_id": list(labelled), "is_anomaly": list(labelled.values())})
    flagged = found(features, labels=labels)
    assert set(flagged["user_id"]) == {f"robot {n}" for n in range(4)}
    assert flagged["anomaly_score"].is_between(0.5, 1).all()


def test_the_rest_is_scored_as_the_sample_was(features):
    fitted = SessionScores.fit(features, contamination=0.03, labels=None, seed=0)
    parts = pl.concat([fitted.score(part) for part in features.iter_slices(50)])
    assert parts.equals(fitted.score(features))
