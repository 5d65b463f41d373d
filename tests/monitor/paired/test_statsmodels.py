"""Against statsmodels, in the environment that has it: `make frameworks GROUPS=libraries`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from otelml.monitor.paired.classes import Classes
from otelml.monitor.paired.discordance import Discordance
from otelml.monitor.share import Arm, katz, newcombe, shares_differ

rows = st.integers(1, 400)


@given(rows, rows, rows, rows)
def test_mcnemar(both: int, champion: int, challenger: int, neither: int) -> None:
    table = [[both, champion], [challenger, neither]]
    expected = mcnemar(table, exact=champion + challenger < 25, correction=True).pvalue
    # Where both alone are equally often right, theirs corrects 0 to -1 before squaring.
    if champion != challenger:
        found = Discordance(both, champion, challenger, neither).p_value
        assert expected == pytest.approx(found, rel=1e-9, abs=1e-300)


@given(st.lists(rows, min_size=9, max_size=9))
def test_kappa(cells: list[int]) -> None:
    names = "abc"
    found = Classes(
        {(a, b): cells[3 * i + j] for i, a in enumerate(names) for j, b in enumerate(names)}
    )
    expected = cohens_kappa([cells[:3], cells[3:6], cells[6:]])
    interval = found.kappa_interval(0.05)
    assert expected.kappa == pytest.approx(found.kappa, abs=1e-12)
    assert (expected.kappa_low, expected.kappa_upp) == pytest.approx(interval, abs=1e-12)


@given(st.integers(60, 5000), st.integers(60, 5000), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_shares(n: int, m: int, p: float, q: float) -> None:
    hits, others = max(round(n * p), 1), max(round(m * q), 1)
    one, other = Arm("", hits / n, n, 0.0), Arm("", others / m, m, 0.0)
    of = hits, n, others, m
    expected = confint_proportions_2indep(*of, method="newcomb", compare="diff", correction=False)
    assert tuple(expected) == pytest.approx(newcombe(one, other, 0.05), abs=1e-12)
    ratio = confint_proportions_2indep(*of, method="log", compare="ratio", correction=False)
    assert tuple(ratio) == pytest.approx(katz(one, other, 0.05), rel=1e-9)
    pooled = (hits + others) / (n + m)
    if min(n, m) * min(pooled, 1 - pooled) >= 20:
        _, expected_p = proportions_ztest([hits, others], [n, m])
        assert expected_p == pytest.approx(shares_differ(one, other), rel=1e-6, abs=1e-300)
