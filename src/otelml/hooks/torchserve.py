"""TorchServe: the batches that a worker's service predicts.

TorchServe kills its workers when it stops, unasked: what they have not exported by then is lost, so
let them export often. Only where a supervisor sends SIGTERM to them, too, do they flush.
"""

import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from otelml.data import Model
from otelml.hooks._call import Call, Caller
from otelml.hooks._patch import Coverage, Instrumentor, Patches, guarded
from otelml.hooks._reader import Card, Column, Reader, named, version_of
from otelml.hooks._serving import Server, Serving
from otelml.hooks._shutdown import flush_at_sigterm


class _BatchReader(Reader):
    """Batches of handlers that call no model which a hook sees: bodies are the handler's own."""

    framework = "torchserve"
    system = "torchserve"
    parameter = "batch"

    def describe(self, instance: Any, data: Any) -> Card:
        version = version_of("ts")
        return Card(named(instance, "torchserve", None), self.framework, version)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        return ()

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        """None: a response's body is the handler's own, too."""
        return iter(())


class TorchserveInstrumentor(Instrumentor):
    """Hook of TorchServe's workers."""

    modules: ClassVar[tuple[str, ...]] = ("ts.service",)
    distribution: ClassVar[str] = "torchserve"
    supported: ClassVar[str] = ">=0.9"
    covers: ClassVar[Coverage] = Coverage(
        "batches of a handler", features=True, confidence=True, classes=True, context="in a worker"
    )
    reader: ClassVar[Reader] = _BatchReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap the service."""
        if any("model_service_worker" in word for word in sys.orig_argv):
            guarded(flush_at_sigterm)
        patches.wrap(module.Service, "predict", Server(_describe, Caller(self.reader)))


def _describe(instance: Any, _: tuple[Any, ...], __: dict[str, Any]) -> Serving:
    told = (instance.context.manifest or {}).get("model", {})
    name, version = told.get("modelName"), told.get("modelVersion")
    return Serving("torchserve", Model(str(name), version and str(version)) if name else None)
