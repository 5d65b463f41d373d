"""Every framework's tests against the framework itself, in environments below `.venvs`.

`python -m tests.hooks.frameworks [GROUP…]`; a group is a dependency group of pyproject.toml. What
cannot be installed or does not pass fails the run, and nothing is skipped. Environments are kept
for the next run, except where `CI` is set.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFORMANCE = "test_conformance.py"
EXAMPLES = "test_examples.py"
GROUPS = {
    "libraries": (
        "test_sklearn_more.py",
        "test_xgboost.py",
        "test_lightgbm.py",
        "test_catboost.py",
        "test_onnxruntime.py",
        "test_statsmodels.py",
        CONFORMANCE,
    ),
    "torch": ("test_torch.py", "test_transformers.py", "test_torchserve.py", CONFORMANCE),
    "tensorflow": ("test_keras.py", "test_tensorflow.py", CONFORMANCE),
    "pycaret": ("test_pycaret.py",),
    "mlflow": ("test_mlflow.py", CONFORMANCE),
    "litserve": ("test_litserve.py",),
    "mlserver": ("test_mlserver.py", "test_tritonclient.py"),
    "kserve": ("test_kserve.py", CONFORMANCE),
    "bentoml": ("test_bentoml.py",),
    "ray": ("test_ray_serve.py",),
    "sagemaker": ("test_sagemaker.py",),
    "nannyml": (),
}
ORACLES = {
    "libraries": ("tests/monitor/paired/test_statsmodels.py",),
    "nannyml": ("tests/monitor/performance/test_nannyml.py",),
}
BACKENDS = {"torch": "torch", "tensorflow": "tensorflow"}


def environment(group: str) -> Path:
    """The interpreter of a group's environment, made if it is not there or is out of date."""
    home = ROOT / ".venvs" / group
    python, ready = home / "bin" / "python", home / ".ready"
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    if not ready.is_file() or ready.read_text("utf-8") != project:
        venv.create(home, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "--editable", ".", "--group", group], cwd=ROOT, check=True)
        ready.write_text(project, "utf-8")
    return python


LOGS = {"PYCARET_CUSTOM_LOGGING_PATH": os.devnull}
"""PyCaret writes a file wherever it is imported."""


def run(group: str) -> bool:
    """Whether a group's tests pass."""
    started = time.monotonic()
    print(f"\n-- {group}", flush=True)
    try:
        python = environment(group)
    except subprocess.CalledProcessError as error:
        print(f"{group}: cannot be installed: {error}", flush=True)
        return False
    backend = {"KERAS_BACKEND": BACKENDS[group]} if group in BACKENDS else {}
    hooks = GROUPS[group]
    files = [f"tests/hooks/{name}" for name in (*hooks, EXAMPLES)] if hooks else []
    files += ORACLES.get(group, ())
    # The frameworks' own warnings are theirs.
    options = ["-q", "--no-header", "-o", "filterwarnings=default", "--disable-warnings"]
    done = subprocess.run(
        [str(python), "-m", "pytest", *options, *files],
        cwd=ROOT,
        env=os.environ | {"OTELML_FRAMEWORKS": "1"} | LOGS | backend,
        check=False,
    )
    print(f"{group}: {time.monotonic() - started:.0f} s", flush=True)
    if "CI" in os.environ:  # all of them together take 18 GB
        shutil.rmtree(ROOT / ".venvs" / group)
    return done.returncode == 0


def main() -> None:
    asked = sys.argv[1:] or [*GROUPS]
    failed = [group for group in asked if not run(group)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
