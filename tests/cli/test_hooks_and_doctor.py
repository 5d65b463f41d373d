"""`otelml hooks` and `otelml doctor`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from otelml.cli import cli
from otelml.hooks.sklearn import SklearnInstrumentor
from tests.sink import http_sink


def listed() -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["hooks", "--json"])
    assert 0 == done.exit_code
    return {row["hook"]: row for row in json.loads(done.stdout)}


def test_what_is_installed_and_what_is_not() -> None:
    rows = listed()
    assert "ready" == rows["otelml-sklearn"]["state"]
    assert "sklearn.base" in rows["otelml-sklearn"]["modules"]
    assert {row["state"] for row in rows.values()} <= {"ready", "not installed"}
    assert "scikit-learn" in CliRunner().invoke(cli, ["hooks"]).stdout


def test_why_a_hook_would_not_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "otelml-sklearn")
    assert "disabled" in listed()["otelml-sklearn"]["state"]
    monkeypatch.delenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    monkeypatch.setattr(SklearnInstrumentor, "supported", "<1")
    assert "is not supported, only <1" in listed()["otelml-sklearn"]["state"]


def examined(**environment: str) -> tuple[int, dict[str, Any]]:
    bin_ = Path(sys.executable).parent
    done = subprocess.run(
        [bin_ / "opentelemetry-instrument", bin_ / "otelml", "doctor", "--json"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, {row["check"]: row for row in json.loads(done.stdout)}


def test_all_is_well_where_somebody_listens() -> None:
    with http_sink() as sink:
        status, rows = examined(
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
        )
    assert 0 == status, rows
    assert "configured in this process" == rows["SDK"]["detail"]
    assert "otlp_proto_http" == rows["metrics exporter"]["detail"]


def test_what_is_wrong_is_named() -> None:
    status, rows = examined(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_METRICS_EXPORTER="none",
    )
    assert 1 == status
    assert "127.0.0.1:9 does not answer" in rows["traces to http://127.0.0.1:9"]["detail"]
    assert "OTEL_METRICS_EXPORTER is none" == rows["metrics exporter"]["detail"]


def test_every_exporter_of_a_list_is_looked_for() -> None:
    with http_sink() as sink:
        _, rows = examined(
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
            OTEL_TRACES_EXPORTER="otlp_proto_http, console",
            OTEL_LOGS_EXPORTER="console,none",
        )
    assert rows["traces exporter"]["ok"]
    assert rows[f"traces to {sink.endpoint}"]["ok"]
    assert "none is not installed" in rows["logs exporter"]["detail"]


def test_an_sdk_that_is_not_configured() -> None:
    done = CliRunner().invoke(cli, ["doctor"])
    assert 1 == done.exit_code
    assert "opentelemetry-instrument otelml doctor" in done.stdout
