"""Robots among sessions: the ensemble beside an isolation forest, on five seeds, in the same run."""

import time

import numpy as np
import pytest
from session_worlds import sessions

from adcli.clean.anomalies import FITTED_ROWS, LabelScorer
from adcli.statistics.outliers import Distance, OutlierDetector, Tails

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


def labelled(seed):
    """Names, values and labels of real tables in which one class was made rare, as ADBench makes them."""
    from sklearn.datasets import load_breast_cancer, load_digits, load_wine

    for load, classes in ((load_breast_cancer, [0]), (load_wine, [0, 1, 2]), (load_digits, range(10))):
        values, kind = load(return_X_y=True)
        for rare in classes:
            usual = np.flatnonzero(kind != rare)
            some = np.random.default_rng(seed).permutation(np.flatnonzero(kind == rare))[
                : max(len(usual) // 20, 5)
            ]
            chosen = values[np.concatenate([usual, some])]
            yield load.__name__, chosen[:, chosen.std(axis=0) > 0], np.arange(len(chosen)) >= len(usual)


def test_rare_classes_of_real_tables_are_found_about_as_well_as_by_the_peers():
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import average_precision_score, roc_auc_score

    figures = {}
    for seed in range(3):
        for name, values, is_rare in labelled(seed):
            detectors = {
                "ours": OutlierDetector.fit(values).scores(values),
                "two-sided tails": Tails.fit(values).scores(values),
                "distance": Distance.fit(values).scores(values),
                "forest": -IsolationForest(random_state=seed).fit(values).score_samples(values),
            }
            for detector, scores in detectors.items():
                figure = roc_auc_score(is_rare, scores), average_precision_score(is_rare, scores)
                figures.setdefault((name, detector), []).append(figure)
    means = {key: np.mean(each, axis=0) for key, each in figures.items()}
    print(
        "",
        *(f"{name} {detector}: AUC {auc:.3f} AP {ap:.3f}" for (name, detector), (auc, ap) in means.items()),
        sep="\n",
    )
    for name in {name for name, _ in means}:
        assert means[name, "ours"][0] > min(
            means[name, one][0] for one in ("two-sided tails", "distance", "forest")
        )


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
