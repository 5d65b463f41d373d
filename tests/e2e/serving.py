"""`otelml serve` as its users start it, with a store and a far end of the test's choice."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.e2e.conftest import BIN, Neighbours
from tests.ports import free_port


class Serving:
    """One configuration, and the processes that run it one after another."""

    def __init__(
        self,
        neighbours: Neighbours,
        store: str,
        sink: str,
        processor: dict[str, Any],
        name: str = "processor",
    ) -> None:
        self._neighbours, self._starts, self._name = neighbours, 0, name
        port, health = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._health = f"http://127.0.0.1:{health}"
        self._config = neighbours.folder / f"{name}.yaml"
        way = {"receivers": ["otlp"], "processors": ["otelml"], "exporters": ["otlp_http"]}
        whole = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
            "processors": {"otelml": processor},
            "exporters": {"otlp_http": {"endpoint": sink}},
            "extensions": {
                "storage": {"url": store},
                "health": {"endpoint": f"127.0.0.1:{health}"},
            },
            "service": {"pipelines": {"metrics": way, "logs": way}},
        }
        self._config.write_text(yaml.safe_dump(whole))

    def start(self) -> Any:
        """Start a process; it may not be ready yet."""
        self._starts += 1
        name = f"{self._name}-{self._starts:03}"
        return self._neighbours.start(name, BIN / "otelml", "serve", "--config", self._config)

    async def ready(self, child: Any, seconds: float = 60.0) -> None:
        """Wait until the process takes requests."""
        async with asyncio.timeout(seconds), httpx.AsyncClient() as client:
            while True:
                assert child.poll() is None, "the processor ended"
                try:
                    if (await client.get(self._health)).is_success:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

    def logs(self) -> str:
        """What the processes said."""
        return "".join(log.read_text() for log in self._logs())

    def _logs(self) -> list[Path]:
        return sorted(self._neighbours.folder.glob(f"{self._name}-*.log"))
