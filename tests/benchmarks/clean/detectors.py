"""Robots among sessions by the ensemble and by each detector of PyOD that is done within its time.

    python tests/benchmarks/clean/detectors.py [--seeds 5] [--seconds 60]

All are fitted on the same sessions, as PyOD has them by default, and score the same others.
"""

import argparse
import importlib
import pkgutil
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from session_worlds import sessions

from adcli.statistics.outliers import OutlierDetector

FITTED, SCORED = 5_000, 10_000
OURS = "tails + Mahalanobis"
SETTINGS = {"AutoEncoder": {"verbose": 0}, "VAE": {"verbose": 0}, "DeepSVDD": {"n_features": 8, "verbose": 0}}


class OutOfTimeError(Exception):
    """A detector took too long."""


def pyod_detectors():
    """The classes of PyOD that need no labels, graphs, series or texts, by name."""
    import pyod.models
    from pyod.models.base import BaseDetector

    left_out = (
        "base",
        "combination",
        "devnet",
        "embedding",
        "audio",
        "ts_",
        "_ts",
        "pyg",
        "_pyg",
        "xgbod",
        "cd",
        "thresholds",
        "sklearn",
    )
    found = {}
    for module in pkgutil.iter_modules(pyod.models.__path__):
        if module.name.startswith(left_out) or module.name.endswith("base"):
            continue
        try:
            there = vars(importlib.import_module(f"pyod.models.{module.name}"))
        except ImportError:
            continue
        for name, one in there.items():
            is_own = getattr(one, "__module__", "") == f"pyod.models.{module.name}"
            if is_own and isinstance(one, type) and issubclass(one, BaseDetector):
                found[name] = one
    return found


def scored(name, detector, fitted, others, seconds):
    """Scores of the others, CPU seconds and why there are none."""

    def stop(*_):
        raise OutOfTimeError(f"not done in {seconds} CPU-s")

    signal.signal(signal.SIGPROF, stop)  # of the processor's time, whoever else needs it
    signal.setitimer(signal.ITIMER_PROF, seconds)
    begin = time.process_time()
    try:
        if detector is None:
            scores = OutlierDetector.fit(fitted).scores(others)
        else:
            scores = detector(**SETTINGS.get(name, {})).fit(fitted).decision_function(others)
        return np.nan_to_num(np.asarray(scores)), time.process_time() - begin, ""
    except Exception as error:  # noqa: BLE001 - some need what is not there
        return None, 0.0, f"{type(error).__name__}: {str(error)[:80]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def figures(seeds, seconds):
    """By detector: AUC, AP and CPU seconds of each seed; and why others have none."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    found, failed = {}, {}
    detectors = {OURS: None, **pyod_detectors()}
    for seed in range(seeds):
        features, is_bot = sessions(FITTED + SCORED, (FITTED + SCORED) // 50, seed)
        order = np.random.default_rng(seed).permutation(len(features))
        fitted, others = features[order[:FITTED]], features[order[FITTED:]]
        truth = is_bot[order[FITTED:]]
        for name, detector in detectors.items():
            if name in failed:
                continue
            scores, spent, why = scored(name, detector, fitted, others, seconds)
            if scores is None:
                failed[name] = why
                continue
            figure = roc_auc_score(truth, scores), average_precision_score(truth, scores), spent
            found.setdefault(name, []).append(figure)
            print(f"{seed} {name:22} AUC {figure[0]:.3f} AP {figure[1]:.3f} {spent:6.2f} CPU-s", flush=True)
    return {name: np.mean(each, axis=0) for name, each in found.items() if len(each) == seeds}, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found, failed = figures(given.seeds, given.seconds)
    print("\n| detector | AUC | AP | CPU-s |\n|---|---|---|---|")
    for name, (auc, ap, spent) in sorted(found.items(), key=lambda one: -one[1][1]):
        print(f"| {name} | {auc:.3f} | {ap:.3f} | {spent:.2f} |")
    for name, why in failed.items():
        print(f"{name}: {why}")


if __name__ == "__main__":
    main()
