"""Outliers: what lies far out in the tails of one detector or the other."""

import numpy as np
from session_worlds import sessions

from adcli.statistics.outliers import Distance, OutlierDetector, Tails


def test_robots_are_found_better_than_by_an_isolation_forest():
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import roc_auc_score

    features, is_bot = sessions()
    together = roc_auc_score(is_bot, OutlierDetector.fit(features).scores(features))
    forest = -IsolationForest(random_state=0).fit(features).score_samples(features)
    assert together > roc_auc_score(is_bot, Distance.fit(features).scores(features))
    assert together > roc_auc_score(is_bot, forest) + 0.02
    assert together > 0.95


def test_an_unusual_combination_of_ordinary_values_is_found():
    rng = np.random.default_rng(0)
    one = rng.normal(size=2000)
    values = np.column_stack([one, one + rng.normal(scale=0.1, size=2000)])
    values[7] = [1.2, -1.2]
    assert Tails.fit(values).scores(values).argsort()[-200:].tolist().count(7) == 0
    assert 7 in OutlierDetector.fit(values).scores(values).argsort()[-100:]


def test_a_sample_scores_the_rest_as_well_as_itself():
    from sklearn.metrics import roc_auc_score

    features, is_bot = sessions()
    sample = np.random.default_rng(0).permutation(len(features))[:5000]
    whole = roc_auc_score(is_bot, OutlierDetector.fit(features).scores(features))
    assert roc_auc_score(is_bot, OutlierDetector.fit(features[sample]).scores(features)) > whole - 0.005


def test_scores_do_not_depend_on_the_order_of_rows():
    features, _ = sessions(500, 30)
    order = np.random.default_rng(1).permutation(len(features))
    for kind in (Tails, Distance):
        own = kind.fit(features).scores(features)[order]
        np.testing.assert_allclose(own, kind.fit(features[order]).scores(features[order]), rtol=1e-6)
