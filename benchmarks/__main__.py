"""Every benchmark, one after the other: `python benchmarks`."""

import subprocess
import sys
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    print(f"\n# {script.stem}", flush=True)
    subprocess.run([sys.executable, str(script)], check=True)
