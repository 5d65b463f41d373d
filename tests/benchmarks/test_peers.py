"""What `benchmarks/peers.py` prints is measured, and is said to be missing where it is not."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import _peer, peers


def test_ours_and_scipy_find_the_planted_columns() -> None:
    rng = np.random.default_rng(0)
    before = peers.drawn(rng, 5000, shifted=False)
    now = peers.drawn(rng, 5000, shifted=True)
    for name in ("otelml", "scipy"):
        figures = _peer.measured(name, before, now)
        assert peers.PLANTED == set(figures["found"]), name
        assert ("otelml" == name) is bool(figures["bytes"])
        assert "| 3 of 3 |" in peers.line(name, figures)


def test_what_was_missed_or_made_up_is_told() -> None:
    assert "1 of 3, not c2, n10, and wrongly n03" == peers.told({"n00", "n03"})


def test_a_peer_that_fails_has_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "REFERENCE", 100)
    _, failed = peers.lines(tmp_path, [100], {"evidently": "false"})
    assert "| Evidently, DataDriftPreset | FAILED: status 1 |" == failed
