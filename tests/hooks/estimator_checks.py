"""scikit-learn's own `check_estimator`, with the hooks and without: the results must be the same.

    python tests/hooks/estimator_checks.py [--third]

Runs every check of every estimator (or of a fast third of them) twice, in two processes; prints
the counts, and fails if any check differs.
"""

import json
import os
import subprocess
import sys
import warnings
from collections import Counter
from typing import Any

SLOW = {
    "GradientBoosting",
    "HistGradientBoosting",
    "SequentialFeatureSelector",
    "RFECV",
    "SelfTraining",
    "Stacking",
    "MLP",
    "DictionaryLearning",
    "SparsePCA",
    "GaussianProcess",
    "RidgeClassifierCV",
    "Halving",
    "TSNE",
    "SpectralClustering",
    "NuSVC",
}


def estimators() -> list[Any]:
    """The estimators to check, one of a class."""
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances

    chosen = []
    for number, (name, cls) in enumerate(all_estimators()):
        if "--third" in sys.argv and (number % 3 or any(slow in name for slow in SLOW)):
            continue
        try:
            chosen.append(next(iter(_construct_instances(cls))))
        except Exception:  # noqa: BLE001 - abstract, or needs what is not there
            continue
    return chosen


def check(*, hooked: bool) -> None:
    """Run the checks in this process; print their results as JSON."""
    warnings.simplefilter("ignore")
    calls = 0
    if hooked:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        from otelml.hooks.sklearn import SklearnInstrumentor

        reader = InMemoryMetricReader()
        meters = MeterProvider([reader], shutdown_on_exit=False)
        SklearnInstrumentor().instrument(meter_provider=meters)
    from sklearn.utils.estimator_checks import check_estimator

    results = {}
    for estimator in estimators():
        for found in check_estimator(estimator, on_fail=None, on_skip=None):
            key = f"{type(estimator).__name__}:{found['check_name']}"
            results[key] = found["status"]
    if hooked:
        data = reader.get_metrics_data()
        calls = sum(
            getattr(point, "count", 0)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "ml.inference.duration"
            for point in metric.data.data_points
        )
    print(json.dumps([results, calls]))


def main() -> int:
    """Compare; 0 if all is the same."""
    found = []
    for mode in ("bare", "hooked"):
        done = subprocess.run(
            [sys.executable, __file__, mode, *sys.argv[1:]],
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        results, calls = json.loads(done.stdout.splitlines()[-1])
        found.append(results)
        print(
            f"{mode}: {len(results)} checks, {dict(Counter(results.values()))}, {calls} inferences"
        )
    differing = {key for key in {*found[0], *found[1]} if found[0].get(key) != found[1].get(key)}
    for key in sorted(differing):
        print(f"differs: {key}: {found[0].get(key)} without hooks, {found[1].get(key)} with them")
    return int(bool(differing))


if __name__ == "__main__":
    if "bare" in sys.argv or "hooked" in sys.argv:
        check(hooked="hooked" in sys.argv)
    else:
        sys.exit(main())
