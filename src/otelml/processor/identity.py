"""Whose telemetry it is: the resource of a service, the attributes of a model."""

from collections.abc import Mapping

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otelml import names
from otelml.data import Model
from otelml.processor.family import Attributes
from otelml.wire.encode import key_values
from otelml.wire.proto import Service


def resource(service: Service, extra: Mapping[str, str] | None = None) -> Resource:
    """The monitored service, without the instance that sent the data."""
    given = {
        "service.name": service.name,
        "service.namespace": service.namespace,
        "deployment.environment.name": service.environment,
    } | dict(extra or {})
    return Resource(attributes=key_values({k: v for k, v in given.items() if v}))


def model_attributes(model: Model) -> Attributes:
    """The attributes that name a model."""
    attributes: Attributes = {names.MODEL_NAME: model.name}
    if model.version is not None:
        attributes[names.MODEL_VERSION] = model.version
    return attributes
