"""Robots among sessions: the ensemble beside an isolation forest, on five seeds, in the same run."""

import time

import numpy as np
import pytest
from session_worlds import sessions

from adcli.clean.anomalies import FITTED_ROWS, LabelScorer
from adcli.statistics.outliers import OutlierDetector

pytestmark = pytest.mark.benchmark
LABELLED = 100


def timed(score):
    """Scores and CPU seconds."""
    begin = time.process_time()
    found = score()
    return found, time.process_time() - begin


def test_robots_are_found_better_and_sooner_than_by_an_isolation_forest():
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import average_precision_score, roc_auc_score

    figures = []
    for seed in range(5):
        features, is_bot = sessions(100_000, 2_000, seed)
        rng = np.random.default_rng(seed)
        sample = rng.permutation(len(features))[:FITTED_ROWS]
        known = [rng.choice(np.flatnonzero(is_bot == kind), LABELLED // 2, replace=False) for kind in (0, 1)]
        labelled = np.concatenate(known)
        detector = OutlierDetector.fit(features[sample])
        ours, seconds = timed(lambda s=sample, f=features: OutlierDetector.fit(f[s]).scores(f))
        forest, of_forest = timed(
            lambda f=features, s=seed: -IsolationForest(random_state=s).fit(f).score_samples(f)
        )
        by_labels = LabelScorer(detector, features[labelled], is_bot[labelled]).scores(features)
        rest = np.setdiff1d(np.arange(len(features)), labelled)
        figures.append(
            [
                *(
                    measure(is_bot, one)
                    for one in (ours, forest)
                    for measure in (roc_auc_score, average_precision_score)
                ),
                average_precision_score(is_bot[rest], by_labels[rest]),
                of_forest / seconds,
            ]
        )
        print(
            "\nAUC {:.3f} AP {:.3f}, forest {:.3f} {:.3f}, with labels AP {:.3f}, {:.1f} x its rows a second".format(
                *figures[-1]
            ),
            end="",
        )
    auc, ap, auc_forest, ap_forest, ap_labels, speed = np.mean(figures, axis=0)
    print(
        f"\nmean: AUC {auc:.3f} AP {ap:.3f}, forest {auc_forest:.3f} {ap_forest:.3f}, labels {ap_labels:.3f}, {speed:.1f} x"
    )
    assert auc > auc_forest + 0.02
    assert ap > ap_forest + 0.04
    assert ap_labels > ap + 0.1
    assert speed > 2


def test_robots_are_found_as_well_as_by_any_detector_of_pyod():
    pytest.importorskip("pyod")
    import detectors

    found, failed = detectors.figures(seeds=5, seconds=20)
    print(
        "", *(f"{name}: AUC {auc:.3f} AP {ap:.3f}" for name, (auc, ap, _) in found.items()), *failed, sep="\n"
    )
    auc, ap, _ = found.pop(detectors.OURS)
    assert max(other[0] for other in found.values()) < auc + 0.002
    assert max(other[1] for other in found.values()) < ap
