"""What a serving framework tells the model calls that it makes.

A model call within a serving framework's is recorded by the model library's own hook, which knows
the features best; the server adds its name, the model's name there, and the requests it serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry import context
from opentelemetry.trace import Link

from otelml.data import Model
from otelml.hooks._patch import process
from otelml.record.naming import REGISTRY

SERVING: Final = context.create_key("otelml-serving")


@dataclass(slots=True)
class Serving:
    """A request, or a batch of them, that a serving framework works on.

    `model` is what the server calls the model that it asks; it is given to the first model that is
    called, and later ones keep names of their own. `links` are the requests of a batch.
    """

    system: str | None = None
    model: Model | None = None
    links: Sequence[Link] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    first: int | None = None

    def take(self, instance: Any, model: Model, library: str) -> tuple[str, Model]:
        """System and name of a model call within this request."""
        if self.first is None:
            self.first = id(instance)
        ours = self.model is not None and self.first == id(instance)
        if ours and not REGISTRY.is_given(instance, process().settings):
            model = self.model or model
        return self.system or library, model
