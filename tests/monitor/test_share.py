"""Tests and intervals of two shares against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from otelml.monitor.share import Arm, katz, newcombe, shares_differ, wilson


def arm(hits: int, rows: int) -> Arm:
    return Arm("", hits / rows, rows, 0.0)


@given(st.integers(50, 500), st.integers(50, 500), st.data())
def test_few_rows_are_tested_exactly(n: int, m: int, data: st.DataObject) -> None:
    hits, others = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 4))
    table = np.array([[hits, n - hits], [others, m - others]])
    tails = [stats.fisher_exact(table, side).pvalue for side in ("less", "greater")]
    expected = min(2 * min(tails), 1.0)
    assert expected == pytest.approx(shares_differ(arm(hits, n), arm(others, m)), rel=1e-8)


@given(st.integers(100, 5000), st.integers(100, 5000), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_many_rows_are_tested_by_the_normal_law(n: int, m: int, p: float, q: float) -> None:
    hits, others = round(n * p), round(m * q)
    table = [[hits, n - hits], [others, m - others]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    found = shares_differ(arm(hits, n), arm(others, m))
    assert expected == pytest.approx(found, rel=1e-6, abs=1e-300)


@given(st.integers(1, 500), st.data())
def test_wilsons_interval_is_scipys(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))
    expected = stats.binomtest(hits, rows).proportion_ci(0.95, "wilson")
    assert tuple(expected) == pytest.approx(wilson(hits / rows, rows, 0.05), abs=1e-12)


def test_newcombes_interval_is_the_published_one() -> None:
    """Table II of his paper, method 10: (a), (d), (g)."""
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (10, 10, 0, 10): (0.6075, 1.0),
    }
    for (a, n, b, m), expected in published.items():
        assert expected == pytest.approx(newcombe(arm(a, n), arm(b, m), 0.05), abs=5e-5)


def test_the_interval_of_a_ratio_is_that_of_relative_risk() -> None:
    risk = stats.contingency.relative_risk(56, 70, 48, 80)
    expected = tuple(risk.confidence_interval(0.95))
    assert expected == pytest.approx(katz(arm(56, 70), arm(48, 80), 0.05), rel=1e-9)
    assert katz(arm(0, 70), arm(48, 80), 0.05) is None
