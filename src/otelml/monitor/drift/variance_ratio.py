"""Ratio of the variances, window to baseline; the effect is its binary logarithm.

The sampling error of a variance goes with the kurtosis, which is taken from the histogram, so
that heavy tails do not pass for drift (Layard, 1973). Where few rows make up a variance, as codes
like 9999 do, a side may by chance have none of them: their number is Poisson's, and the test is of
its deviance, not of the ratio's logarithm. Both agree on small changes.
"""

import sys
from typing import Final

import numpy as np
from scipy import special

from otelml.monitor.check import Check, Measures
from otelml.monitor.comparison import Comparison
from otelml.sketch.array import Floats

_FLATTEST: Final = 0.1
"""Kurtosis, less 1, below which the histogram is not believed."""

_LEAST: Final = sys.float_info.min


def measure(pairs: Comparison) -> Measures:
    """The ratios; unknown where either side does not vary."""
    before, now = pairs.variances
    ratio = now / before
    kurtosis = pairs.of("kurtosis").max(axis=0)
    error = np.sqrt(np.maximum(kurtosis - 1, _FLATTEST) * pairs.noise)
    effect = np.abs(np.log2(ratio))
    return Measures(
        ratio,
        effect,
        2 * special.ndtr(-_deviation(effect) / error),
        lambda level: _effect(-special.ndtri(level / 2) * error),
        before,
        (np.minimum(before, now) > 0) & (np.maximum(before, now) < np.inf),
    )


def _deviation(effect: Floats) -> Floats:
    """√(2 (1 − r + r ln r)), the root of Poisson's deviance where a share r = 2^−effect is left."""
    share = np.exp2(-effect)
    deviance: Floats = 2 * (1 - share - share * effect * np.log(2))
    return np.sqrt(np.maximum(deviance, 0.0))


def _effect(deviation: Floats) -> Floats:
    """The effect of a deviation; the greatest that there is where nothing need be left."""
    left: Floats = (1 - deviation * deviation / 2).clip(_LEAST)
    effect: Floats = -(special.lambertw(-left / np.e, -1).real + 1) / np.log(2)
    return effect


CHECK = Check("variance_ratio", "{score}", warn=1.0, alarm=2.0, measure=measure, numbers_only=True)
