"""F1: harmonic mean of precision and recall, 2 hits / (true + predicted) (van Rijsbergen, 1979).

Its interval is exact in form: F / (2 − F) is a proportion, of which F1 is a rising function.
"""

from otelml.monitor.performance._rates import Rate, Sums, harmonic, measure
from otelml.monitor.performance.check import Better, Metric, Of

_RATE = Rate(Sums(hits=2), Sums(true=1, predicted=1))
METRIC = Metric("f1", "1", Better.HIGHER, Of.AVERAGES, lambda case: measure(_RATE, case, harmonic))
