"""What a hook adds to a call of each framework, beside the call's own time.

Frameworks are measured in the environments of `make frameworks`, as far as these are there.
"""

import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.hooks.frameworks import BACKENDS, CONFORMANCE, GROUPS  # noqa: E402

CALLS = 200


def micros(work: Callable[[], object]) -> float:
    """Median microseconds a call of several runs."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) / CALLS * 1e6)
    return statistics.median(times)


def measured() -> None:
    """Every case of the conformance suite that this environment has, bare and hooked in turn."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
    from tests.hooks.conftest import HOOKS  # noqa: PLC0415
    from tests.hooks.test_conformance import CASES, HERE  # noqa: PLC0415

    logging.disable()
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    for name in HERE:
        with tempfile.TemporaryDirectory() as directory:
            for hook in HOOKS:
                hook().uninstrument()
            case = CASES[name][1](Path(directory))

            def work(works: object = case.works) -> None:
                for _ in range(CALLS):
                    works()  # type: ignore[operator]

            work()
            bare = micros(work)
            for hook in HOOKS:
                hook().instrument(meter_provider=meters)
            with suppress_instrumentation():
                work()

            def drained() -> None:
                work()
                reader.get_metrics_data()  # the drain is part of the cost

            drained()
            hooked = micros(drained)
            print(f"{name}: {bare:.0f} µs, with the hook +{hooked - bare:.0f} µs", flush=True)


def main() -> None:
    if "--here" in sys.argv:
        measured()
        return
    for group, files in GROUPS.items():
        python = ROOT / ".venvs" / group / "bin" / "python"
        if CONFORMANCE in files and python.exists():
            backend = {"KERAS_BACKEND": BACKENDS[group]} if group in BACKENDS else {}
            environment = os.environ | {"OTELML_TORCH_MODULES": "Scorer"} | backend
            subprocess.run([python, __file__, "--here"], env=environment, check=True)


if __name__ == "__main__":
    main()
