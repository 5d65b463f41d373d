"""The frameworks' own tests, bare and under `opentelemetry-instrument`: counts must be the same.

`python -m tests.hooks.own_suites [SUITE…]`. scikit-learn ships its tests; those of LitServe and
MLServer come with their source distributions, where these carry them.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.hooks.frameworks import environment

ROOT = Path(__file__).parents[2]
SKLEARN = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.tests.test_pipeline")
SOURCES = {  # distribution, whose environment has its name -> those of its tests that need no more
    "litserve": [
        f"tests/unit/test_{name}.py"
        for name in (
            "loops",
            "request_handlers",
            "simple",
            "multiple_endpoints",
            "form",
            "pydantic",
            "callbacks",
            "specs",
            "transport",
        )
    ],
    "mlserver": ["tests"],
}
QUIET = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


def counted(command: list[str], cwd: Path, *, hooked: bool) -> dict[str, int]:
    """What pytest's closing line says, by outcome."""
    if hooked:
        command = [str(Path(command[0]).with_name("opentelemetry-instrument")), *command]
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | QUIET, capture_output=True, text=True, check=False
    )
    closing = done.stdout.rstrip().rpartition("\n")[2]
    told = {
        word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)", closing)
    }
    if not told:
        sys.exit(f"no tests were run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed = set(re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE))
    print(f"  {'with' if hooked else 'without'} hooks: {closing}", flush=True)
    return told | dict.fromkeys(failed, 1)


def suite(name: str) -> bool:
    """Whether a suite gives the same with the hooks as without."""
    print(f"\n-- {name}", flush=True)
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--color=no"]
    with tempfile.TemporaryDirectory() as directory:
        cwd = Path(directory)
        if name.startswith("sklearn"):
            command = [sys.executable, "-m", "pytest", *options, "--pyargs", name]
        else:
            python = str(environment(name))
            cwd = unpacked(name, python, cwd)
            if not (cwd / "tests").is_dir():
                print("  its source distribution carries no tests", flush=True)
                return True
            command = [python, "-m", "pytest", *options, *SOURCES[name]]
        without, with_ours = (counted(command, cwd, hooked=hooked) for hooked in (False, True))
    return without == with_ours


def unpacked(name: str, python: str, cwd: Path) -> Path:
    """The source distribution of the version that is installed."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    wanted = f"{name}=={done.stdout.strip()}"
    pip = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", str(cwd), wanted], check=True)
    for archive in cwd.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(cwd, filter="data")
    return next(path for path in cwd.iterdir() if path.is_dir())


def main() -> None:
    asked = sys.argv[1:] or [*SKLEARN, *SOURCES]
    changed = [name for name in asked if not suite(name)]
    if changed:
        sys.exit(f"not the same with the hooks: {', '.join(changed)}")


if __name__ == "__main__":
    main()
