"""A disk that is really full: all is refused for a time, nothing that was acknowledged is lost."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from otelml.data import Key, Model, Role, Sketch, Window
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.wire.proto import window_metrics
from tests.e2e.conftest import BIN, Neighbours, end, until
from tests.e2e.serving import Serving
from tests.processor.test_service import SECOND
from tests.sink import Sink, http_sink, told

ROOM, BALLAST = 4 << 20, 3 << 20
BASE = 1_700_000_000 * SECOND
MODEL = Model("fraud")
RULES = {
    "windows": {"length": "1s", "lateness": "300s"},
    "labels": {"expire_after": "40000d"},
    "repeat": "500ms",
}
PROTOBUF = {"content-type": "application/x-protobuf"}


class Cramped(Serving):
    """A processor whose store is on a small file system of its own, which only it sees."""

    def __init__(self, neighbours: Neighbours, sink: str) -> None:
        self._folder = neighbours.folder / "small"
        self._folder.mkdir()
        super().__init__(neighbours, f"sqlite:///{self._folder / 'a.db'}", sink, RULES)
        self._pid = 0

    def start(self) -> Any:
        script = f'mount -t tmpfs -o size={ROOM} tmpfs "$1" && exec "$2" serve --config "$3"'
        inside = ["sh", "-c", script, "sh", self._folder, BIN / "otelml", self._config]
        apart = ["unshare", "--map-root-user", "--mount"]
        child = self._neighbours.start("processor-001", *apart, *inside)
        self._pid = child.pid
        return child

    def fill(self) -> None:
        """Take up most of the room."""
        self._within("fallocate", "--length", str(BALLAST), self._folder / "ballast")

    def clear(self) -> None:
        """Give it back."""
        self._within("rm", self._folder / "ballast")

    def _within(self, *command: str | Path) -> None:
        apart = ["nsenter", f"--target={self._pid}", "--user", "--preserve-credentials", "--mount"]
        subprocess.run([*apart, *command], check=True)


def metrics(number: int, rows: int) -> bytes:
    """One window of twenty features."""
    random = np.random.default_rng(number)
    sketches: dict[Key, Sketch] = {
        Key(MODEL, Role.FEATURE, f"f{i}"): Numeric.of(random.normal(i, 1, rows)) for i in range(20)
    }
    sketches[Key(MODEL, Role.PREDICTIONS, "predict")] = Count(rows)
    start = BASE + number * SECOND
    window = Window(MODEL, start, start + SECOND, sketches, rows)
    return window_metrics(window).SerializeToString()


def labels(number: int) -> list[dict[str, Any]]:
    return [{"id": f"{number}-{i}-{'x' * 150}", "label": "yes"} for i in range(50)]


def counted(sink: Sink, name: str) -> Iterator[tuple[dict[str, Any], Any]]:
    for resource in (r for request in list(sink.requests) for r in request.resource_metrics):
        for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
            if metric.name == name:
                yield from ((told(point), point) for point in metric.sum.data_points)


def windows(sink: Sink) -> dict[int, set[int]]:
    """Rows of the windows that were judged, by the number of the window."""
    found: dict[int, set[int]] = {}
    for _, point in counted(sink, "ml.monitor.window.sample.count"):
        if point.time_unix_nano < BASE + 10_000 * SECOND:  # else it is a repetition
            number = (point.time_unix_nano - BASE) // SECOND - 1
            found.setdefault(number, set()).add(point.as_int)
    return found


def refused(sink: Sink) -> int:
    """Items that were refused for want of room."""
    return max(
        (
            point.as_int
            for attributes, point in counted(sink, "ml.monitor.item.dropped")
            if attributes["error.type"] == "store_error"
        ),
        default=0,
    )


MOUNTS = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False)


@pytest.mark.skipif(
    "CI" not in os.environ and 0 != MOUNTS.returncode,
    reason="this machine allows no mounts of one's own",
)
async def test_a_full_disk_loses_nothing(neighbours: Neighbours) -> None:
    acknowledged: list[int] = []
    with http_sink() as sink:
        serving = Cramped(neighbours, sink.endpoint)
        child = serving.start()
        await serving.ready(child)
        serving.fill()
        async with httpx.AsyncClient(base_url=serving.url, timeout=30) as http:

            async def told(number: int) -> bool:
                """Whether metrics and labels of a number were both taken; each may come again."""
                answers = [
                    await http.post(
                        "/v1/metrics", content=metrics(number, 100 + number), headers=PROTOBUF
                    ),
                    await http.post("/v1/labels", json=labels(number)),
                ]
                for answer in answers:
                    assert answer.status_code in (200, 503), answer.text
                    assert answer.is_success or int(answer.headers["retry-after"]) > 0
                    assert answer.is_success or "full" in answer.text
                return all(answer.is_success for answer in answers)

            number = refusals = 0
            deadline = time.monotonic() + 120
            while refusals < 20:
                assert time.monotonic() < deadline, "it never was full"
                if await told(number):
                    acknowledged.append(number)
                else:
                    refusals += 1
                number += 1
            await asyncio.to_thread(until, lambda: refused(sink) > 0)
            assert child.poll() is None
            serving.clear()
            for left in sorted({*range(number)} - {*acknowledged}):
                while not await told(left):  # noqa: ASYNC110 - another process's state
                    await asyncio.sleep(0.1)
            assert await told(1000)  # later than all, so that their windows close
        wanted = {n: {100 + n} for n in range(number)}
        await asyncio.to_thread(until, lambda: len(windows(sink)) >= len(wanted))
        end(child)
        assert 0 == child.returncode
        assert wanted == {n: rows for n, rows in windows(sink).items() if n < 1000}
    assert "Traceback" not in serving.logs()
