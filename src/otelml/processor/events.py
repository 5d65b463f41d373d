"""Findings as OTLP log records: an event when a state changes."""

import json
import math
from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, SEVERITY_NUMBER_WARN

from otelml import names
from otelml.data import Baseline, Finding, Model, iso, segment_of
from otelml.monitor.retraining import Recommendation
from otelml.processor.family import Attributes, family_of
from otelml.processor.identity import model_attributes, resource
from otelml.processor.judged import Judged
from otelml.wire.encode import SCOPE, key_values
from otelml.wire.proto import Service

_EVIDENCE: Final = 3
"""Findings that an event shows; a webhook is told all of them."""


def events(
    service: Service, judged: Iterable[Judged], now: int, version: str
) -> ExportLogsServiceRequest | None:
    """An event for each state that changed; None if none did."""
    request = ExportLogsServiceRequest()
    whole = request.resource_logs.add(resource=resource(service))
    scope = whole.scope_logs.add(scope=InstrumentationScope(name=SCOPE, version=version))
    for one in judged:
        changes = [(f, True) for f in one.opened] + [(f, False) for f in one.resolved]
        for finding, opened in changes:
            family = family_of(finding)
            record = scope.log_records.add(
                time_unix_nano=finding.window[1],
                observed_time_unix_nano=now,
                severity_number=SEVERITY_NUMBER_WARN if opened else SEVERITY_NUMBER_INFO,
                event_name=family.opened if opened else family.resolved,
            )
            record.attributes.extend(key_values(_attributes(finding, one.baseline)))
            record.body.string_value = told(finding, opened)
        for told_of in one.recommended:
            record = scope.log_records.add(
                time_unix_nano=told_of.window[1],
                observed_time_unix_nano=now,
                severity_number=(
                    SEVERITY_NUMBER_WARN if told_of.recommended else SEVERITY_NUMBER_INFO
                ),
                event_name=event_of(told_of),
            )
            about = model_attributes(one.window.model) | {names.RETRAINING_RULE: str(told_of.rule)}
            if told_of.evidence:
                about[names.RETRAINING_EVIDENCE] = json.dumps(told_of.evidence[:_EVIDENCE])
            record.attributes.extend(key_values(about))
            record.body.string_value = str(told_of.rule)
    return request if scope.log_records else None


def event_of(recommendation: Recommendation) -> str:
    """The name of the event that tells of a recommendation."""
    if recommendation.recommended:
        return names.RETRAINING_RECOMMENDED_EVENT
    return names.RETRAINING_RESOLVED_EVENT


def told(finding: Finding, opened: bool) -> str:
    """The change in one line, for people."""
    what = finding.feature or str(finding.role)
    of = dict(segment_of(finding.labels))
    where = f" where {of[names.SEGMENT_NAME]} is {of[names.SEGMENT_VALUE]}" if of else ""
    return f"{finding.check} of {what}{where} {'opened' if opened else 'resolved'}"


def _attributes(finding: Finding, baseline: Baseline | None) -> Attributes:
    family = family_of(finding)
    attributes = model_attributes(Model(finding.model, finding.model_version))
    attributes |= family.attributes(finding) | family.subject(finding)
    attributes |= {
        names.WINDOW_START: iso(finding.window[0]),
        names.WINDOW_END: iso(finding.window[1]),
        names.WINDOW_SAMPLE_COUNT: finding.samples,
    }
    if baseline is not None:
        attributes[names.BASELINE_ID] = baseline.id
    for name, number in family.numbers(finding).items():
        if number is not None and math.isfinite(number):
            attributes[name] = float(number)
    return attributes
