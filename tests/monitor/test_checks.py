"""Checks against independent oracles, and what they say of windows with a known truth."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from otelml.data import Finding, Model, Sketch, Verdict
from otelml.monitor.check import Checks
from otelml.monitor.comparison import Comparison
from otelml.monitor.registry import DEFAULT, DRIFT, NAMES, run
from otelml.sketch.array import Floats
from otelml.sketch.categories import Categories
from otelml.sketch.numeric import Numeric
from tests.monitor.data import drawn, feature, table, window

CHECKS = {check.name: check for check in DRIFT}
RNG = np.random.default_rng(0)
A, B = RNG.normal(10, 2, 20_000), RNG.normal(10.6, 2.2, 8_000)


class Measure(NamedTuple):
    value: float
    effect: float
    p_value: float


def measured(name: str, one: Floats, other: Floats) -> Measure:
    return told(name, Numeric.of(one), Numeric.of(other))


def told(name: str, one: Sketch, other: Sketch) -> Measure:
    found = CHECKS[name].measure(Comparison([one], [other]))
    assert found.known is None or found.known.all()
    return Measure(*(array.item() for array in (found.value, found.effect, found.p_value)))


def exact_bins(bins: int) -> tuple[Floats, Floats]:
    edges = np.quantile(A, np.arange(1, bins) / bins)
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=bins) for x in (A, B))
    return p.astype(float), q.astype(float)


def hellinger(p: Floats, q: Floats) -> float:
    return float(np.sqrt(1 - np.sqrt(p * q).sum()))


def test_kolmogorov_smirnov_is_scipys() -> None:
    found, exact = measured("kolmogorov_smirnov", A, B), stats.ks_2samp(A, B, method="asymp")
    assert exact.statistic == pytest.approx(found.value, abs=0.0025)
    assert exact.pvalue == pytest.approx(found.p_value, rel=0.5)


def test_wasserstein_is_scipys_over_the_deviation() -> None:
    exact = stats.wasserstein_distance(A, B) / A.std()
    assert exact == pytest.approx(measured("wasserstein", A, B).value, abs=0.01)


def test_jensen_shannon_is_scipys_in_base_two() -> None:
    p, q = exact_bins(30)
    exact = jensenshannon(p, q, base=2)
    assert exact == pytest.approx(measured("jensen_shannon", A, B).value, abs=0.005)


def test_hellinger_and_total_variation_follow_their_definitions() -> None:
    p, q = (x / x.sum() for x in exact_bins(30))
    assert hellinger(p, q) == pytest.approx(measured("hellinger", A, B).value, abs=0.005)
    variation = np.abs(p - q).sum() / 2
    assert variation == pytest.approx(measured("total_variation", A, B).value, abs=0.005)


def test_psi_follows_its_definition() -> None:
    p, q = ((x + 0.5) / (x.sum() + 5) for x in exact_bins(10))
    exact = float(((q - p) * np.log(q / p)).sum())
    assert exact == pytest.approx(measured("psi", A, B).value, abs=0.01)


def test_subnormal_values_are_compared_as_others_are() -> None:
    for name in CHECKS.keys() - {"wasserstein", "mean_shift", "variance_ratio"}:
        exact, found = (measured(name, A * by, B * by).value for by in (1.0, 1e-310))
        assert exact == pytest.approx(found, rel=0.01, abs=0.005), name


def test_values_that_underflow_are_no_drift() -> None:
    rng = np.random.default_rng(8)
    before, now = (Numeric.of(10 ** rng.uniform(-323, 0, 5000)) for _ in range(2))
    found = run(DEFAULT, window({"x": before.condensed()}, 5000), window({"x": now}, 5000))
    assert {Verdict.OK, Verdict.NOT_APPLICABLE} == {f.verdict for f in found}


def test_chi_squared_is_scipys_on_categories() -> None:
    rng = np.random.default_rng(3)
    one, other = drawn(rng, 5, 3000), drawn(rng, 5, 900, drift=True)
    names = sorted(one.counts)
    exact = stats.chi2_contingency(
        [[s.counts.get(n, 0) for n in names] for s in (one, other)], correction=False
    )
    found = told("chi_squared", one, other)
    assert (exact.statistic, exact.pvalue) == pytest.approx((found.value, found.p_value))


def test_mean_shift_is_welchs_t() -> None:
    found, exact = measured("mean_shift", A, B), stats.ttest_ind(B, A, equal_var=False)
    assert exact.statistic == pytest.approx(found.value, rel=1e-9)
    assert exact.pvalue == pytest.approx(found.p_value, rel=1e-6)
    assert abs(B.mean() - A.mean()) / A.std() == pytest.approx(found.effect, rel=1e-9)


@pytest.mark.parametrize("sparse", [0, 1])
def test_a_column_with_a_single_value_among_missing_ones_is_judged(sparse: int) -> None:
    sides = [np.arange(300.0), np.arange(300.0)]
    sides[sparse][1:] = np.nan
    before, now = (window({"x": Numeric.of(values)}, 300) for values in sides)
    told = {f.check: f.verdict for f in run(DEFAULT, before, now)}
    assert Verdict.NOT_APPLICABLE is told["mean_shift"]


def test_variance_ratio_and_median_shift_are_those_of_the_rows() -> None:
    assert B.var() / A.var() == pytest.approx(measured("variance_ratio", A, B).value, rel=1e-9)
    low, high = np.quantile(A, [0.25, 0.75])
    exact = (np.median(B) - np.median(A)) / (high - low)
    assert exact == pytest.approx(measured("median_shift", A, B).value, abs=0.01)


@pytest.mark.parametrize(("before", "now"), [(1000, 250), (20_000, 250), (300, 300), (250, 5000)])
def test_a_code_that_few_rows_have_is_no_change_of_the_variance(before: int, now: int) -> None:
    rng = np.random.default_rng(4)

    def drawn(rows: int) -> Numeric:
        return Numeric.of(np.where(rng.random(rows) < 0.003, 9999.0, rng.normal(50, 10, rows)))

    found = [changed(drawn(before), drawn(now)) for _ in range(200)]
    assert Verdict.ALARM not in {f.verdict for f in found}
    assert all(f.limits.null is not None and np.isfinite(f.limits.null) for f in found)


@pytest.mark.parametrize("rows", [500, 2000])
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_a_wider_feature_has_another_variance(law: str, rows: int) -> None:
    drawn = getattr(np.random.default_rng(5), law)
    before, now = (Numeric.of(drawn(size=n) * by) for n, by in ((20_000, 1), (rows, 3)))
    assert Verdict.ALARM is changed(before, now).verdict
    assert Verdict.ALARM is changed(now, before).verdict


def changed(before: Numeric, now: Numeric) -> Finding:
    """What `variance_ratio` finds on a column alone."""
    reference, current = (window({"x": sketch}, sketch.observations) for sketch in (before, now))
    return next(f for f in run(DEFAULT, reference, current) if f.check == "variance_ratio")


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(300, 3000), st.floats(-3, 3))
def test_every_check_is_quiet_on_a_twin_and_finite_on_anything(
    seed: int, rows: int, shift: float
) -> None:
    values = np.random.default_rng(seed).gamma(2, 2, rows)
    one, moved = Numeric.of(values), Numeric.of(values + shift)
    for name in CHECKS:
        same, other = told(name, one, Numeric.of(values)), told(name, one, moved)
        assert 0 == pytest.approx(same.effect, abs=1e-6)
        assert np.isfinite([other.value, other.effect]).all()
        assert other.p_value is not None
        assert 0 <= other.p_value <= 1


def test_columns_judged_at_once_measure_what_each_does_alone() -> None:
    before, now = table(0, 3000), table(1, 700, drift=True)
    together = {(f.feature, f.check): f for f in run(DEFAULT, before, now)}
    for key, sketch in now.sketches.items():
        reference = window({key.name: before.sketches[key]}, 3000)
        for f in run(DEFAULT, reference, window({key.name: sketch}, 700)):
            of_all = together[f.feature, f.check] if f.feature else f
            alone = (f.value, f.effect, f.p_value, f.reference)
            measured = (of_all.value, of_all.effect, of_all.p_value, of_all.reference)
            for ours, theirs in zip(alone, measured, strict=True):
                assert ours == (theirs if theirs is None else pytest.approx(theirs, rel=1e-9))


@pytest.mark.parametrize("share", [0.45, 0.5, 0.55, 0.6, 0.75])
@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_a_value_that_half_of_the_rows_have_moves_no_median(share: float, rows: int) -> None:
    rng = np.random.default_rng(round(100 * share))
    for _ in range(10):
        sides = np.where(rng.random((2, rows)) < share, 3.7, rng.normal(3.7, 1, (2, rows)))
        columns = Comparison(*([Numeric.of(side)] for side in sides))
        with np.errstate(all="ignore"):
            found = CHECKS["median_shift"].measure(columns)
        assert found.known is not None
        assert found.p_value[0] > 1e-3 or not found.known[0]


@pytest.mark.parametrize("name", ["jensen_shannon", "hellinger"])
def test_noise_that_buckets_hide_is_told(name: str) -> None:
    rng = np.random.default_rng(8)
    gaps = []
    for _ in range(60):
        a, b = rng.standard_t(3, (2, 4000))
        edges = np.quantile(a, np.arange(1, 30) / 30)
        p, q = (np.bincount(np.searchsorted(edges, x), minlength=30) / 4000 for x in (a, b))
        exact = jensenshannon(p, q, base=2) if name == "jensen_shannon" else hellinger(p, q)
        gaps.append(float(measured(name, a, b).value - exact))
    assert abs(np.mean(gaps)) < 0.001  # lines through buckets alone: -0.006


def alarms(findings: list[Finding]) -> set[str | None]:
    return {f.feature for f in findings if f.verdict is Verdict.ALARM}


@pytest.mark.parametrize("rows", [2000, 10_000, 100_000])
def test_the_planted_shifts_are_caught_and_nothing_else(rows: int) -> None:
    findings = run(DEFAULT, table(0, 50_000), table(1, rows, drift=True))
    assert {"n00", "n10", "c2"} == alarms(findings)
    assert not {f.feature for f in findings if f.verdict is Verdict.WARN} - {"n00", "n10", "c2"}


def test_thin_data_is_a_verdict_of_its_own() -> None:
    findings = run(DEFAULT, table(0, 5000), table(1, 150, drift=True))
    compared = {f.verdict for f in findings if f.check in CHECKS}
    assert {Verdict.TOO_LITTLE_DATA} == compared


def test_no_baseline_is_a_verdict_too() -> None:
    (finding,) = run(DEFAULT, None, table(0, 300))
    assert Verdict.NO_BASELINE is finding.verdict


def quality(before: Numeric | Categories, now: Numeric | Categories) -> dict[str, Verdict]:
    findings = run(
        DEFAULT, window({"x": before}, before.observations), window({"x": now}, now.observations)
    )
    return {f.check: f.verdict for f in findings}


VALUES = np.random.default_rng(5).normal(0, 1, 5000)


def with_some(value: float, share: float) -> Numeric:
    values = np.random.default_rng(6).permutation(VALUES)
    values[: int(share * values.size)] = value
    return Numeric.of(values)


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("missing", lambda share: with_some(np.nan, share)),
        ("non_finite", lambda share: with_some(np.inf, share)),
        ("out_of_range", lambda share: with_some(50.0, share / 4)),
    ],
)
def test_bad_values_warn_and_alarm(check: str, spoil: Callable[[float], Numeric]) -> None:
    reference = Numeric.of(VALUES)
    assert Verdict.OK is quality(reference, spoil(0.0))[check]
    assert Verdict.WARN is quality(reference, spoil(0.07))[check]
    assert Verdict.ALARM is quality(reference, spoil(0.15))[check]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("edge", [1, 2, 64])
def test_values_at_the_baselines_extremes_are_inside_on_either_side_of_zero(
    sign: int, edge: int
) -> None:
    """Days before an event, most often the last one: powers of two are the bounds of buckets."""
    near = np.full(1000, float(edge))
    before, now, out = (
        sign * np.append(near, edge * np.array(ends)) for ends in ([8.0], [9.0], [9.0, 0.5])
    )
    reference = window({"x": Numeric.of(before)}, before.size)
    for values, outside in ((now, 1), (out, 2)):
        found = run(DEFAULT, reference, window({"x": Numeric.of(values)}, values.size))
        assert [outside / values.size] == [f.value for f in found if f.check == "out_of_range"]


def test_values_of_another_type_alarm() -> None:
    reference = Numeric.of(VALUES)
    assert Verdict.ALARM is quality(reference, Numeric.of(VALUES, mismatched=200))["type_mismatch"]


def test_text_in_a_column_of_numbers_is_of_another_type() -> None:
    text = Categories.of(["a", "b"] * 500)
    told = quality(Numeric.of(VALUES), text)
    assert Verdict.ALARM is told.pop("type_mismatch")
    assert Verdict.ALARM not in told.values()
    codes = quality(text, Numeric.of(VALUES))  # the file's options know them, and the app does not
    assert Verdict.ALARM not in codes.values()


def test_unseen_categories_alarm_unless_the_baseline_overflowed() -> None:
    reference = Categories.of(["a", "b"] * 2000)
    now = Categories.of(["a", "b"] * 500 + ["new"] * 60)
    assert Verdict.ALARM is quality(reference, now)["unseen_category"]
    assert Verdict.NOT_APPLICABLE is quality(reference.capped(1), now)["unseen_category"]


def test_a_constant_window_alarms_only_where_the_baseline_varied() -> None:
    constant = Numeric.of(np.full(1000, 7.0))
    assert Verdict.ALARM is quality(Numeric.of(VALUES), constant)["constant"]
    assert Verdict.NOT_APPLICABLE is quality(constant, constant)["constant"]


def test_missing_and_extra_features_are_told() -> None:
    x = Numeric.of(VALUES)
    findings = run(DEFAULT, window({"a": x, "b": x}, 5000), window({"a": x, "c": x}, 5000))
    told = {(f.check, f.feature): f.verdict for f in findings}
    assert Verdict.ALARM is told["missing_feature", "b"]
    assert Verdict.OK is told["missing_feature", "a"]
    assert Verdict.WARN is told["extra_feature", "c"]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [(1000, Verdict.OK), (450, Verdict.WARN), (90, Verdict.ALARM), (11_000, Verdict.ALARM)],
)
def test_volume_is_compared_with_previous_windows(rows: int, verdict: Verdict) -> None:
    x = {"a": Numeric.of(VALUES)}
    findings = run(DEFAULT, window(x, 10), window(x, rows), [window(x, 1000)] * 3)
    assert [verdict] == [f.verdict for f in findings if f.check == "volume"]


def test_limits_and_exclusions_are_the_users() -> None:
    checks = Checks(DEFAULT.all, frozenset({"psi"}), {"mean_shift": {"alarm": 5.0}})
    findings = run(checks, table(0, 5000), table(1, 5000, drift=True))
    assert "psi" not in {f.check for f in findings}
    assert ("n00", "mean_shift") not in {
        (f.feature, f.check) for f in findings if f.verdict is Verdict.ALARM
    }
    with pytest.raises(ValueError, match="unknown check 'spi': choose among"):
        Checks(DEFAULT.all, frozenset({"spi"}))


def test_findings_are_strict_json() -> None:
    import json

    for finding in run(DEFAULT, table(0, 500), table(1, 500, drift=True)):
        assert finding.check in NAMES
        json.dumps(finding.json(), allow_nan=False)


def test_merging_parts_gives_the_findings_of_the_whole() -> None:
    key = feature("x")
    parts = Numeric.empty()
    for start in range(0, B.size, 500):
        parts = parts.merge(Numeric.of(B[start : start + 500]))
    reference = window({"x": Numeric.of(A)}, A.size)
    whole, merged = (
        {f.check: f for f in run(DEFAULT, reference, window({"x": s}, B.size))}
        for s in (Numeric.of(B), parts)
    )
    for name in CHECKS:
        assert whole[name].effect == pytest.approx(merged[name].effect, abs=0.005), (key, name)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("sizes", [(300, 300), (250, 5000), (2000, 20_000), (20_000, 2000)])
def test_rare_categories_are_no_drift(exponent: float, sizes: tuple[int, int]) -> None:
    """Ids, and cities: each sample has some that the other one has not."""
    rng = np.random.default_rng(7)
    weights = np.arange(1, 5001) ** -exponent
    for _ in range(10):
        counts = (rng.multinomial(rows, weights / weights.sum()) for rows in sizes)
        sides = (
            Categories.counted({f"v{i}": int(n) for i, n in enumerate(c) if n}) for c in counts
        )
        before, now = (window({"c": s}, n) for s, n in zip(sides, sizes, strict=True))
        assert Verdict.ALARM not in {f.verdict for f in run(DEFAULT, before, now)}


@pytest.mark.parametrize("new", [["new"] * 100, [f"new {i}" for i in range(100)]])
def test_a_tenth_in_categories_that_are_new_is_drift(new: list[str]) -> None:
    known = [f"v{i % 7}" for i in range(4000)]
    before, now = Categories.of(known), Categories.of([*known[:900], *new])
    found = run(DEFAULT, window({"c": before}, 4000), window({"c": now}, 1000))
    alarms = {f.check for f in found if f.verdict is Verdict.ALARM}
    assert {"chi_squared", "jensen_shannon", "hellinger", "unseen_category"} <= alarms


def test_a_baseline_of_every_version_is_compared_with_each() -> None:
    baseline = window({"a": Numeric.of(A), "b": Numeric.of(A)}, 20_000)
    drifted = window({"a": Numeric.of(A), "b": Numeric.of(B)}, 8_000)
    of_version = run(DEFAULT, baseline, drifted.of(Model("m", "7")))
    assert {"7"} == {finding.model_version for finding in of_version}
    assert [f._replace(model_version=None) for f in of_version] == run(DEFAULT, baseline, drifted)
