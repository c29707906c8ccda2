"""Outliers: what lies far out in the tails of one detector or the other."""

import numpy as np
from session_worlds import sessions

from adcli.statistics.outliers import Distance, OutlierDetector, Tails


def test_the_two_detectors_together_beat_each_alone_and_an_isolation_forest():
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import roc_auc_score

    features, is_bot = sessions()
    together = roc_auc_score(is_bot, OutlierDetector.fit(features).scores(features))
    forest = -IsolationForest(random_state=0).fit(features).score_samples(features)
    assert together > roc_auc_score(is_bot, Tails.fit(features).scores(features))
    assert together > roc_auc_score(is_bot, Distance.fit(features).scores(features))
    assert together > roc_auc_score(is_bot, forest) + 0.02
    assert together > 0.93


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
