"""KSWIN's test is scipy's."""

import numpy as np
import pytest
from scipy import stats

from otelml.monitor.concept import KSWIN

WINDOW, RECENT, ALPHA = 90, 30, 0.01


@pytest.mark.parametrize("digits", [1, 9])
def test_it_differs_where_scipy_says_so(digits: int) -> None:
    rng = np.random.default_rng(digits)
    found = []
    for shift in np.linspace(0, 1.5, 200):
        values = rng.normal(size=WINDOW)
        values[-RECENT:] += shift
        values = values.round(digits)
        older, recent = values[:-RECENT], values[-RECENT:]
        p_value = stats.ks_2samp(older, recent, method="asymp").pvalue
        # scipy takes a law for finite sizes, we take the limit: they agree but near α itself.
        if not 0.005 < p_value < 0.02:
            drifts = KSWIN(alpha=ALPHA, window=WINDOW, recent=RECENT, clock=1).update(values).drifts
            assert ([WINDOW - 1] if p_value < ALPHA else []) == drifts
            found.append(bool(drifts))
    assert 20 < sum(found) < len(found) - 20


def test_the_newest_values_remain_after_a_drift() -> None:
    values = np.concatenate([np.zeros(WINDOW - RECENT), np.ones(RECENT)]) + np.arange(WINDOW) / 1e3
    one = KSWIN(alpha=ALPHA, window=WINDOW, recent=RECENT, clock=WINDOW)
    assert [WINDOW - 1] == one.update(values).drifts
    assert values[-RECENT:].tolist() == one.concept.values
