"""The layers of the package are executable."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_higher_layers_import_lower_ones_only() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout
