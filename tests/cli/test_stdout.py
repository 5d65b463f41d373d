"""Exit statuses of the process, whatever becomes of its standard output."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

CHECK = (sys.executable, "-m", "otelml", "check")
SHOW = (sys.executable, "-m", "otelml", "baseline", "show")


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("stdout") / "rows.csv"
    pd.DataFrame({"é": np.random.default_rng(0).normal(size=300)}).to_csv(data, index=False)
    output = data.with_name("baseline.json")
    command = (sys.executable, "-m", "otelml", "baseline", "build", data, "-o", output)
    subprocess.run([*command, "--model", "m"], check=True, capture_output=True)
    return output


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command that ended; older versions of rich leave a blank line on its stderr."""
    words, errors = [str(word) for word in command], subprocess.PIPE
    return subprocess.run(words, stderr=errors, text=True, check=False, timeout=60, **options)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_left_changes_no_status(baseline: Path, more: tuple[str, ...]) -> None:
    drifted = baseline.with_name("drifted.csv")
    pd.DataFrame({"é": np.arange(300.0)}).to_csv(drifted, index=False)
    for data, status in ((baseline, 0), (drifted, 1)):
        read, write = os.pipe()
        os.close(read)
        done = run(*CHECK, baseline, data, *more, stdout=write)
        os.close(write)
        assert (status, "") == (done.returncode, done.stderr.strip())


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_full_device_is_told_and_is_no_alarm(
    baseline: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    full = tmp_path / "full"
    try:
        os.mknod(full, 0o600 | stat.S_IFCHR, Path("/dev/full").stat().st_rdev)
        device = full.open("wb")
    except OSError:
        pytest.skip("no device can be made here")
    with device:
        for command in ((*CHECK, baseline, baseline), (*SHOW, baseline)):
            done = run(*command, *more, stdout=device)
            assert 2 == done.returncode
            told = "Error: stdout: No space left on device; send it elsewhere"
            assert told == done.stderr.strip()


def test_an_encoding_that_lacks_characters_shows_others(baseline: Path) -> None:
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    for command in ((*SHOW, baseline), (*CHECK, baseline, baseline)):
        done = run(*command, stdout=subprocess.PIPE, env=ascii_only)
        assert (0, "") == (done.returncode, done.stderr.strip())
        assert done.stdout.isascii()
    assert "feature:?" in run(*SHOW, baseline, stdout=subprocess.PIPE, env=ascii_only).stdout


def test_an_interrupt_is_no_alarm(baseline: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # it waits for who writes the baseline
    os.mkfifo(pipe)
    process = subprocess.Popen([*CHECK, pipe, baseline], stderr=subprocess.PIPE, text=True)
    with pipe.open("w"):  # once it has it open
        for _ in range(60):  # Python loses one that comes while it tidies up
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
                break
        _, told = process.communicate(timeout=1)
    assert 130 == process.returncode
    assert "Traceback" not in told


def test_commands_keep_their_statuses(baseline: Path) -> None:
    torn = baseline.with_name("torn.json")
    torn.write_text("{")
    statuses = {("check", torn, baseline): 2, ("check", baseline): 2, ("--version",): 0, (): 2}
    found = {
        words: run(*CHECK[:-1], *words, stdout=subprocess.DEVNULL).returncode for words in statuses
    }
    assert statuses == found


def test_findings_come_whole(baseline: Path) -> None:
    done = run(*CHECK, baseline, baseline, "--json", stdout=subprocess.PIPE)
    assert 0 < len(json.loads(done.stdout))
