"""Oracles that need an environment of their own: see `make frameworks`."""

import importlib.util
import os
from pathlib import Path

ORACLES = {"test_statsmodels.py": "statsmodels", "test_nannyml.py": "nannyml"}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Tests against an oracle belong to the environments that have it."""
    oracle = ORACLES.get(collection_path.name)
    if oracle is None or os.environ.get("OTELML_FRAMEWORKS"):
        return None
    return importlib.util.find_spec(oracle) is None or None
