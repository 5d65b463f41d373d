"""Configurations read like a Collector's, and every mistake in them is told at once."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from otelml.cli.serve import serve
from otelml.cli.validate import validate
from otelml.monitor.registry import OF_WINDOWS
from otelml.processor.config import Config, GrpcExporter
from otelml.processor.document import ConfigError, load, parse

GOOD = """
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}, http: }}
processors:
  otelml:
    windows: {length: 5m, lateness: 1m, min_samples: 200}
    baselines: {directory: "${env:BASELINES:-./baselines}"}
    alerts: {open_after: "2 of 3", resolve_after: 2}
    checks: {exclude: [variance_ratio, volume], limits: {psi: {warn: 0.1, alarm: 0.25}}}
    forward: true
exporters:
  otlp_grpc: {endpoint: "127.0.0.1:${env:PORT}", tls: {insecure: true}, compression: gzip}
  otlp_http/other: {endpoint: "http://127.0.0.1:14318", headers: {x-key: "${env:KEY}"}}
extensions:
  storage: {url: "sqlite:///otelml.db"}
  health: {endpoint: 127.0.0.1:13133}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [otelml], exporters: [otlp_grpc]}
    logs: {receivers: [otlp], processors: [otelml], exporters: [otlp_grpc]}
    traces: {receivers: [otlp], exporters: [otlp_http/other]}
"""
BAD = """
receivers:
  otlp: {protocols: {grpc: {endpoint: nowhere}}}
  kafka: {protocols: {grpc: {}}}
processors:
  otelml:
    windows: {min_samples: many, length: soon, min_samples: -3}
    baselines: {directory: a, first_windows: 3}
    alerts: {open_after: "4 of 3"}
    checks: {exclude: [psy]}
    colour: blue
exporters:
  otlp_grpc: {endpoint: "${env:UNSET_ENDPOINT}"}
  otlp_http: {endpoint: 127.0.0.1:4318, compression: lzma}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [nothing], exporters: [otlp_grpc, absent]}
"""


def mistakes(text: str) -> list[str]:
    """What is wrong with a configuration."""
    try:
        parse(text, "c", {"PORT": "1", "KEY": "k"})
    except ConfigError as error:
        return error.mistakes
    return []


def test_a_good_configuration_is_read() -> None:
    config = parse(GOOD, "c.yaml", {"PORT": "14317", "KEY": "s3cret"})
    rules = config.processors["otelml"]
    assert (300.0, 60.0, 200) == (
        rules.windows.length,
        rules.windows.lateness,
        rules.windows.min_samples,
    )
    assert "./baselines" == rules.baselines.directory
    assert (2, 3) == rules.alerts.opening
    http = config.receivers["otlp"].protocols.http
    assert http is not None
    assert "127.0.0.1:4318" == http.endpoint
    exporter = config.exporters["otlp_grpc"]
    assert isinstance(exporter, GrpcExporter)
    assert "127.0.0.1:14317" == exporter.endpoint
    assert {"x-key": "s3cret"} == config.exporters["otlp_http/other"].headers


def test_the_shipped_file_has_every_option() -> None:
    text = (Path(__file__).parents[2] / "collector-config" / "processor.yaml").read_text()
    parse(text, "processor.yaml", {})
    absent = {name for name in _options(Config) if not re.search(rf"\b{name}\b", text)}
    assert set() == absent - {"metrics", "logs", "traces"}


def _options(section: type[BaseModel]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield name
        for inner in _sections(field.annotation):
            yield from _options(inner)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("forward: true", ["processors.otelml.forward: is given again in line 10"]),
        ("repeat: 1m\n    repeat: 1m", ["processors.otelml.repeat: is given again in line 10"]),
        (
            "shadows: [{champion: a, challenger: b, champion: c}]",
            ["processors.otelml.shadows.0.champion: is given again in line 9"],
        ),
        ("windows: {<<: &a {length: 1m}, <<: {lateness: 1s}, length: 1m}", []),
        ("performance: &a {window: 1h, window: 2h}\n    segments: *a", ["performance.window"]),
    ],
)
def test_a_key_that_is_given_twice_is_a_mistake(text: str, told: list[str]) -> None:
    given = re.sub(r"    windows: .*\n", "", GOOD).replace(
        "forward: true", f"{text}\n    forward: true"
    )
    twice = [mistake for mistake in mistakes(given) if "is given again" in mistake]
    assert len(told) == len(twice)
    assert all(part in mistake for part, mistake in zip(told, twice, strict=True))


def test_two_processors_are_one_too_many() -> None:
    text = GOOD.replace("processors:\n", "processors:\n  otelml/lax: {}\n", 1)
    with pytest.raises(ConfigError, match=r"processors: otelml/lax, otelml: .* leave one"):
        parse(text, "c.yaml", {"PORT": "1", "KEY": ""})


def test_every_mistake_is_told_with_its_path() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(BAD, "c.yaml", {})
    told = str(caught.value)
    for path in (
        "receivers.otlp.protocols.grpc.endpoint: 'nowhere' is no address",
        "receivers.kafka: unknown: choose among otlp",
        "processors.otelml.windows.length: 'soon' is no duration",
        "processors.otelml.windows.min_samples: is given again in line 7: leave one",
        "processors.otelml.windows.min_samples: Input should be greater than 0, not -3",
        "processors.otelml.baselines: give directory or first_windows",
        "processors.otelml.alerts.open_after: '4 of 3' is not of the form '2 of 3'",
        "processors.otelml.checks.exclude.0: unknown check 'psy': choose among chi_squared",
        "processors.otelml.colour: unknown: choose among alerts, baselines, checks",
        "exporters.otlp_grpc.endpoint: environment variable UNSET_ENDPOINT is not set",
        "exporters.otlp_http.endpoint: '127.0.0.1:4318' is no URL",
        "exporters.otlp_http.compression: Input should be 'gzip' or 'none'",
        "service.pipelines.metrics.processors: 'nothing' is not defined",
        "service.pipelines.metrics.exporters: 'absent' is not defined",
    ):
        assert f"c.yaml: {path}" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("windows: {lenght: 1m}", "windows.lenght: unknown: choose among lateness, length, max_s"),
        ("checks: {limits: {psi: {alert: 1}}}", "limits.psi.alert: unknown: choose among alarm, w"),
        ("shadows: [{champ: a}]", "shadows.0.champ: unknown: choose among challenger, champion"),
        ("retraining: {webhook: {uri: a}}", "webhook.uri: unknown: choose among secret, timeout"),
    ],
)
def test_an_unknown_key_is_told_with_those_that_are_known(given: str, told: str) -> None:
    text = re.sub(r"    windows: .*\n", "", GOOD).replace("forward: true", given)
    assert any(told in mistake for mistake in mistakes(text))


def test_an_unknown_key_of_an_exporter_or_a_receiver_is_told_with_those_that_are_known() -> None:
    text = GOOD.replace("endpoint:", "endpiont:")
    told = [mistake for mistake in mistakes(text) if "unknown: choose among" in mistake]
    assert text.count("endpiont:") == len(told)


@pytest.mark.parametrize("given", ["1", "[2, 3]", "null"])
def test_what_opens_an_alert_is_told_by_its_form(given: str) -> None:
    text = GOOD.replace("forward: true", f"forward: true\n    alerts: {{open_after: {given}}}")
    assert any("open_after: " in m and "is not of the form '2 of 3'" in m for m in mistakes(text))


@pytest.mark.parametrize("secret", ["123456", "0123", "null", "~", "#hash", "yes", "[x]", "1e5"])
def test_what_a_variable_holds_stays_what_it_is(secret: str) -> None:
    """YAML would read null in some of them, and then the labels were open to all."""
    text = GOOD.replace(
        "    baselines:",
        """    labels: {token: "${env:KEY}"}
    retraining: {when: [{checks: [mae], above: "${env:LIMIT}"}]}
    repeat: "${env:REPEAT}"
    baselines:""",
    ).replace("forward: true", 'forward: "${env:FORWARD}"')
    given = {"PORT": "1", "KEY": secret, "FORWARD": "false", "REPEAT": "30", "LIMIT": "800"}
    config = parse(text, "c", given)
    rules = config.processors["otelml"]
    assert secret == rules.labels.token
    assert {"x-key": secret} == config.exporters["otlp_http/other"].headers
    assert (False, 30.0, 800.0) == (rules.forward, rules.repeat, rules.retraining.when[0]["above"])


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("${KEY}", "${env:KEY}"),
        ("Bearer ${env:KEY}${TOKEN}", "${env:TOKEN}"),
        ("${USER}:${TOKEN}", "${env:USER}, ${env:TOKEN}"),
        ("${file:/etc/s3cret}", "${env:NAME}"),
        ("${env:UNSET:-${env:KEY}}", "${env:NAME}"),
        ("${env:KEY", "${env:NAME}"),
        ("${}", "${env:NAME}"),
    ],
)
def test_what_stands_for_no_variable_is_a_mistake(text: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(GOOD.replace("${env:KEY}", text), "c", {"PORT": "1", "KEY": "k"})
    told = "exporters.otlp_http/other.headers.x-key: has a ${…} that stands for nothing: write "
    assert [told + remedy] == caught.value.mistakes


def test_what_a_variable_holds_is_not_replaced() -> None:
    config = parse(GOOD, "c", {"PORT": "1", "KEY": "a${PORT}b$$"})
    assert {"x-key": "a${PORT}b$$"} == config.exporters["otlp_http/other"].headers


@pytest.mark.parametrize(
    ("kind", "limits", "told"),
    [
        ("checks", "psi: {warn: 0.3, alarm: 0.2}", "psi: warn 0.3 is beyond alarm 0.2"),
        ("checks", "psi: {warn: 0.3}", "psi: warn 0.3 is beyond alarm 0.25, its default"),
        (
            "checks",
            "psi: {warn: 2, alarm: 1}, hellinger: {warn: 1, alarm: 0.5}",
            "psi: warn 2 is beyond alarm 1; hellinger: warn 1 is beyond alarm 0.5",
        ),
        ("performance", "mae: {warn: 0.2}", "mae: warn 0.2 is beyond alarm 0.1, its default"),
        (
            "performance",
            "mae: {warn_at: 3, alarm_at: 2}, accuracy: {warn_at: 0.8, alarm_at: 0.9}",
            "mae: warn_at 3 is beyond alarm_at 2; accuracy: warn_at 0.8 is beyond alarm_at 0.9",
        ),
        ("checks", "psi: {alarm: 0.05}, hellinger: {warn: 0.2}, constant: {alarm: 2}", None),
        ("performance", "mae: {alarm: 0.01}, accuracy: {warn_at: 0.9, alarm_at: 0.8}", None),
        ("performance", "mae: {warn_at: 2, alarm_at: 3}, accuracy: {alarm_at: 0.8}", None),
    ],
)
def test_what_would_warn_after_it_alarms_is_a_mistake(
    kind: str, limits: str, told: str | None
) -> None:
    given = re.sub(r"    checks: .*\n", "", GOOD)
    given = given.replace("    baselines:", f"    {kind}: {{limits: {{{limits}}}}}\n    baselines:")
    assert ([f"processors.otelml.{kind}.limits: {told}"] if told else []) == mistakes(given)


@pytest.mark.parametrize("check", OF_WINDOWS)
def test_checks_of_whole_windows_have_no_limits(check: str) -> None:
    """A processor that was given some did not start."""
    given = GOOD.replace("limits: {psi:", f"limits: {{{check}:")
    with pytest.raises(ConfigError, match=f"'{check}' has no limits: choose among chi_squared"):
        parse(given, "c", {"PORT": "1", "KEY": ""})


@pytest.mark.parametrize("kind", ["warn", "alarm"])
def test_what_nothing_is_beyond_is_no_limit(kind: str) -> None:
    given = GOOD.replace("{warn: 0.1, alarm: 0.25}", f"{{{kind}: .nan}}")
    (told,) = mistakes(given)
    assert told.startswith(f"processors.otelml.checks.limits.psi.{kind}: nan is no limit")


def test_an_empty_token_is_refused() -> None:
    text = GOOD.replace("    baselines:", '    labels: {token: "${env:KEY}"}\n    baselines:')
    with pytest.raises(ConfigError, match=r"labels\.token: String should have at least 1"):
        parse(text, "c", {"PORT": "1", "KEY": ""})


@pytest.mark.parametrize("text", ["", "[]", "a: [", "a: &a [*a]", "just words", "receivers: 3"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        parse(text, "c.yaml", {})


@pytest.mark.parametrize("text", ["x: 2024-99-99", "x: !!int abc", "receivers: [{otlp: null}]"])
def test_odd_yaml_is_a_mistake(text: str) -> None:
    pipelines = "service: {pipelines: {metrics: {receivers: [[otlp]], exporters: [{a: b}]}}}"
    with pytest.raises(ConfigError, match=r"c\.yaml"):
        parse(f"{text}\n{pipelines}", "c.yaml", {})


@pytest.mark.parametrize("length", [".inf", "1e-12", "0.0001", "999999999999d", ".nan"])
def test_no_window_is_endless_or_empty(length: str) -> None:
    text = GOOD.replace("    windows: {length: 5m", f"    windows: {{length: {length}")
    assert text != GOOD
    with pytest.raises(ConfigError, match=r"windows\.length"):
        parse(text, "c.yaml", {"PORT": "1", "KEY": ""})


@pytest.mark.parametrize("key", ["Bearer abc\n", "\u00e9"])
def test_a_header_that_cannot_be_sent_is_a_mistake_and_not_told(key: str) -> None:
    with pytest.raises(ConfigError, match=r"headers\.x-key: is no content of a header") as caught:
        parse(GOOD, "c.yaml", {"PORT": "1", "KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://h:99999", "http://h:abc", "http://[::1", "http://me@", "http://xn--/", "http://h h"],
)
def test_a_url_that_cannot_be_sent_to_is_a_mistake(url: str) -> None:
    """Nothing for it would ever be sent."""
    where = "exporters.otlp_http/other.endpoint"
    told = [f"{where}: {url!r} is no URL: write http://host:port"]
    assert told == mistakes(GOOD.replace("http://127.0.0.1:14318", url))


@pytest.mark.parametrize("url", ["http://[::1]:4318", "https://h\u00f6st/otlp/", "http://a_b"])
def test_odd_urls_are_none_the_worse(url: str) -> None:
    assert [] == mistakes(GOOD.replace("http://127.0.0.1:14318", url))


@pytest.mark.parametrize("old", ["grpc: {endpoint: 127.0.0.1:4317}", "health: {endpoint: 127"])
def test_an_address_to_listen_on_is_no_url(old: str) -> None:
    new = old.replace("127", "http://127")
    (told,) = mistakes(GOOD.replace(old, new))
    assert "endpoint: 'http://127.0.0.1:" in told
    assert told.endswith("write host:port")


@pytest.mark.parametrize("port", ["127.0.0.1:4317", "localhost:4317", "0.0.0.0:4317", "[::]:4317"])
def test_one_address_is_not_for_two(port: str) -> None:
    told = mistakes(GOOD.replace("127.0.0.1:13133", f'"{port}"'))
    grpc = "receivers.otlp.protocols.grpc.endpoint"
    where = f"extensions.health.endpoint: {port!r} is taken by {grpc}"
    assert [f"{where}: give each a port of its own"] == told


def test_what_would_send_to_itself_is_a_mistake() -> None:
    """Each request would come back for ever."""
    text = GOOD.replace("127.0.0.1:${env:PORT}", "http://localhost:4317")
    told = mistakes(text.replace("http://127.0.0.1:14318", "http://127.0.0.1:4318/otlp"))
    assert [
        f"exporters.{name}.endpoint: {endpoint!r} is receivers.otlp.protocols.{kind}.endpoint"
        for name, endpoint, kind in (
            ("otlp_grpc", "http://localhost:4317", "grpc"),
            ("otlp_http/other", "http://127.0.0.1:4318/otlp", "http"),
        )
    ] == [one.partition(": it would send to itself; ")[0] for one in told]


@pytest.mark.parametrize("url", ["http://[::1]:4317", "http://127.0.0.2:4317", "https://[::1]"])
def test_the_same_port_of_another_host_is_another_address(url: str) -> None:
    assert [] == mistakes(GOOD.replace("http://127.0.0.1:14318", url))


def test_any_free_port_is_taken_by_none() -> None:
    assert [] == mistakes(GOOD.replace(":4317", ":0").replace(":13133", ":0"))


def test_no_pipeline_at_all_is_a_mistake() -> None:
    text = re.sub(r"(?m)^    (metrics|logs|traces): .*\n", "", GOOD).replace(
        "pipelines:", "pipelines: {}"
    )
    assert ["service.pipelines: there are none: give metrics, logs or traces"] == mistakes(text)


@pytest.mark.parametrize("name", ["x y", "x-bin", "x:"])
def test_a_header_needs_a_name(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a header"):
        parse(GOOD.replace("x-key:", f'"{name}":'), "c.yaml", {"PORT": "1", "KEY": "k"})


def test_telemetry_alone_binds_to_the_loopback() -> None:
    config = parse(GOOD.replace("{endpoint: 127.0.0.1:4317}", ""), "c", {"PORT": "1", "KEY": ""})
    grpc = config.receivers["otlp"].protocols.grpc
    assert grpc is not None
    assert "127.0.0.1:4317" == grpc.endpoint


def test_validate_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "14317")
    monkeypatch.setenv("KEY", "k")
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD)
    bad.write_text(BAD)
    passed = CliRunner().invoke(validate, [str(good)])
    assert (0, f"{good}: valid\n") == (passed.exit_code, passed.stdout)
    for command, arguments in ((validate, [str(bad)]), (serve, ["--config", str(bad)])):
        failed = CliRunner().invoke(command, arguments)
        assert (2, "") == (failed.exit_code, failed.stdout)
        assert len(failed.stderr.splitlines()) >= 12


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: No such file"):
        load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("postgresql://me:s3cret@db/otelml", "postgresql+psycopg://me:s3cret@db/otelml"),
        ("postgresql+psycopg://me@db:5433/o?sslmode=require",) * 2,
    ],
)
def test_state_is_kept_in_sqlite_or_postgresql(given: str, served: str) -> None:
    environment = {"PORT": "1", "KEY": "", "STORE": given}
    text = GOOD.replace("sqlite:///otelml.db", "${env:STORE}")
    assert served == parse(text, "c", environment).extensions.storage.url


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("mysql://me:s3cret@db/otelml", "'mysql' is not served: write sqlite:///file.db or"),
        ("postgresql+psycopg2://me:s3cret@db/o", "'postgresql+psycopg2' is not served"),
        ("me:s3cret@db/otelml", "is no URL of a database: write sqlite:///file.db or postgresql"),
        ("postgresql://me:s3cret@db:port/otelml", "is no URL of a database"),
        ("postgresql://me:pass@s3cret@db/otelml", "has an @ in its password: write %40"),
        ("@s3cret", "is no URL of a database"),
        ("sqlite://otelml.db", "takes 'otelml.db' for a host: write sqlite:///file.db"),
    ],
)
def test_other_storage_is_refused_without_its_password(
    tmp_path: Path, given: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PORT": "1", "KEY": "", "STORE": given}.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "c.yaml"
    file.write_text(GOOD.replace("sqlite:///otelml.db", "${env:STORE}"))
    failed = CliRunner().invoke(validate, [str(file)])
    assert 2 == failed.exit_code
    assert f"{file}: extensions.storage.url: {told}" in failed.stderr
    assert "s3cret" not in failed.stderr


def test_what_yaml_cannot_read_is_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml: line 2, column") as caught:
        parse("a: 1\nurl: 's3cret' 's3cret'\n", "c.yaml", {})
    assert "s3cret" not in str(caught.value)
