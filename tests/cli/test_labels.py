"""`otelml labels push`: all rows arrive once, whatever comes between."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from otelml.cli import _push, cli
from tests.cli.labels_server import Labels, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Labels]:
    monkeypatch.setattr(_push, "_SHORTEST", 0.001)
    with serving(Labels()) as running:
        yield running


def push(server: Labels, path: Path, *more: object) -> Result:
    words = ["labels", "push", path, "--endpoint", server.endpoint, *more]
    return CliRunner().invoke(cli, [str(word) for word in words])


def lines(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["id,label", *rows, ""]))
    return path


def many(path: Path, rows: int) -> Path:
    return lines(path, *(f"a{i},{i % 2}" for i in range(rows)))


def side(path: Path) -> Path:
    return Path(f"{path}.otelml-progress")


def ids(server: Labels) -> list[str]:
    return [row["id"] for row in server.rows]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "arrow"])
def test_every_kind_of_file_says_the_same(server: Labels, tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame(
        {
            "inference": ["007", "a,b", 'q"q', "line\nbreak"],
            "y": [1.5, 2.0, -3.25, 1e-7],
            "seen": pd.to_datetime(["2026-01-02 03:04:05.5"] * 4),
            "w": [1.0, 0.5, None, 2.0],
            "p": [1, 2, 3, 4],
            "s": [0.1, 0.2, 0.3, 0.4],
            "at": [0, 1, 2, 3],
        }
    )
    path = tmp_path / f"labels.{kind}"
    match kind:
        case "csv" | "tsv":
            frame.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
        case "parquet":
            frame.to_parquet(path)
        case _:
            frame.to_feather(path, compression="uncompressed")
    names = {"id": "inference", "label": "y", "time": "seen", "weight": "w", "prediction": "p"}
    options = [w for n, c in (names | {"score": "s", "row": "at"}).items() for w in (f"--{n}", c)]
    done = push(server, path, *options)
    assert 0 == done.exit_code, done.output
    assert {
        "id": "007",
        "label": 1.5,
        "time": "2026-01-02T03:04:05.500000+00:00",
        "weight": 1.0,
        "prediction": 1,
        "score": 0.1,
        "row": 0,
    } == server.rows[0]
    assert ["007", "a,b", 'q"q', "line\nbreak"] == ids(server)
    assert "weight" not in server.rows[2]
    assert 1e-7 == server.rows[3]["label"]


def test_labels_of_one_model(server: Labels, tmp_path: Path) -> None:
    assert 0 == push(server, lines(tmp_path / "a.csv", "a,1"), "--model", "fraud").exit_code
    assert [{"id": "a", "label": 1, "model": "fraud"}] == server.rows


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "0"], [1, 0]),
        (["True", "false"], [True, False]),
        (["1.0", "2e3"], [1.0, 2000.0]),
        (["1e5", "2f7"], ["1e5", "2f7"]),
        (["007", "008"], ["007", "008"]),
        (["1", "yes"], ["1", "yes"]),
        (["é", "ß"], ["é", "ß"]),
    ],
)
def test_what_a_csv_files_labels_are(
    server: Labels, tmp_path: Path, texts: list[str], expected: list[Any]
) -> None:
    path = lines(tmp_path / "a.csv", *(f"{i},{text}" for i, text in enumerate(texts)))
    assert 0 == push(server, path).exit_code
    assert expected == [row["label"] for row in server.rows]
    assert [str] * 2 == [type(row["id"]) for row in server.rows]


def test_integer_ids_and_categories_of_a_frame(server: Labels, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"id": [12, 13], "label": pd.Categorical(["yes", "no"])})
    frame.to_parquet(path)
    assert 0 == push(server, path).exit_code
    assert [{"id": "12", "label": "yes"}, {"id": "13", "label": "no"}] == server.rows


def test_rows_go_in_batches_and_are_counted(server: Labels, tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv", 25)
    server.known = {"a1", "a2"}
    server.held = {"a3": 1, "a4": 1}
    done = push(server, path, "--batch", 10, "--json")
    assert (0, [10, 10, 5]) == (done.exit_code, server.sizes)
    assert {
        "rows": 25, "pushed": 25, "accepted": 25, "matched": 2, "waiting": 21, "duplicate": 1,
        "corrected": 1, "refused": 0, "reasons": {}, "first": {}, "error": None,
    } == json.loads(done.stdout)  # fmt: skip
    assert [path] == [*tmp_path.iterdir()]


def test_refused_rows_are_summed_up_and_exit_1(server: Labels, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.csv", "a,yes", "b,bad1", "c,bad2", "d,bad2", "e,bad2")
    done = push(server, path, "--batch", 2)
    assert 1 == done.exit_code
    assert "5 rows: 1 accepted (0 matched, 1 waiting" in done.stdout
    assert "3 refused, the first at line 4: unknown class?bad2" in done.stdout
    assert "1 refused, the first at line 3: unknown class?bad1" in done.stdout
    assert not side(path).exists()


def test_reasons_are_bounded(server: Labels, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.csv", *(f"{i},bad{i}" for i in range(100)))
    told = json.loads(push(server, path, "--json").stdout)
    assert (100, _push.REASONS + 1) == (told["refused"], len(told["reasons"]))
    assert 100 - _push.REASONS == told["reasons"]["other"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("a2", "1 values below 2 columns"),
        ("a2,1,", "3 values below 2 columns"),
        ("a2,", "no label"),
        (",1", "no id"),
        ('a2,"1"x', "',' expected after '\"'"),
        ("a2,\udcff", "not UTF-8"),
    ],
)
def test_a_malformed_row_stops_after_those_before_it(
    server: Labels, tmp_path: Path, bad: str, said: str
) -> None:
    path = tmp_path / "a.csv"
    text = f"id,label\na0,x\n\na1,x\n{bad}\na3,x\n"
    path.write_text(text, errors="surrogateescape")
    done = push(server, path)
    assert 2 == done.exit_code
    assert f"{path}: line 5: {said}" in done.output
    assert "2 rows are pushed: go on with the same command" in done.output
    assert ["a0", "a1"] == ids(server)
    path.write_text(text.replace(bad, "a2,x"), errors="surrogateescape")
    assert 0 == push(server, path).exit_code
    assert ["a0", "a1", "a2", "a3"] == ids(server)
    assert not side(path).exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("weight", "heavy", "weight 'heavy' is no number"),
        ("weight", "inf", "weight 'inf' is no number"),
        ("row", "-1", "row '-1' is no integer from 0 on"),
        ("time", "soon", "time 'soon' is neither ISO 8601 nor unix seconds"),
    ],
)
def test_a_malformed_field_is_told(
    server: Labels, tmp_path: Path, field: str, value: str, said: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,label,x\na,1,\nb,2,{value}\n")
    done = push(server, path, f"--{field}", "x")
    assert (2, ["a"]) == (done.exit_code, ids(server))
    assert f"line 3: {said}" in done.output


def test_a_frames_malformed_row_is_told_by_its_number(server: Labels, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"id": ["a", "b"], "label": [1.0, None]}).to_parquet(path)
    done = push(server, path, "--json")
    assert (2, ["a"]) == (done.exit_code, ids(server))
    assert (
        "row 2: no label"
        in json.loads(re.findall(r"^{.*}$", done.output, re.MULTILINE)[0])["error"]
    )
    pd.DataFrame({"id": [0.5], "label": [1.0]}).to_parquet(tmp_path / "b.parquet")
    assert "id 0.5 is neither" in push(server, tmp_path / "b.parquet").output


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_of_a_frame(server: Labels, tmp_path: Path, zone: str | None) -> None:
    path = tmp_path / "a.parquet"
    times = pd.to_datetime(["2026-07-01T12:00:00.123456789"]).tz_localize(zone)
    pd.DataFrame({"id": ["a"], "label": ["x"], "t": times}).to_parquet(path)
    push(server, path, "--time", "t")
    offset = "+00:00" if zone is None else "+02:00"
    assert f"2026-07-01T12:00:00.123456{offset}" == server.rows[0]["time"]


def test_unix_seconds_are_times(server: Labels, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,label,t\na,1,1700000000\nb,2,1700000000.25\nc,3,2026-01-01T00:00:00Z\n")
    push(server, path, "--time", "t")
    times = [row["time"] for row in server.rows]
    assert [1700000000, 1700000000.25, "2026-01-01T00:00:00+00:00"] == times


def test_a_push_that_was_cut_short_goes_on_where_it_was(server: Labels, tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv", 35)
    server.after = 2
    done = push(server, path, "--batch", 10)
    assert 2 == done.exit_code
    assert "line 23: " in done.output
    assert "refused it: no JSON\n20 rows are pushed: go on with the same command" in done.output
    assert 20 == json.loads(side(path).read_text())["rows"]
    server.after = None
    assert 0 == push(server, path, "--batch", 10).exit_code
    assert [f"a{i}" for i in range(35)] == ids(server)
    assert not side(path).exists()


def test_what_was_pushed_before_it_was_killed_is_not_pushed_again(
    server: Labels, tmp_path: Path
) -> None:
    path = many(tmp_path / "a.csv", 35)
    server.gate, server.free = threading.Event(), 2
    words = ["labels", "push", str(path), "--endpoint", server.endpoint, "--batch", "10"]
    running = subprocess.Popen([sys.executable, "-m", "otelml", *words])
    assert server.waiting.wait(60)
    running.kill()
    running.wait()
    server.gate.set()
    server.gate = None
    assert 0 == push(server, path, "--batch", 10).exit_code
    assert [f"a{i}" for i in range(35)] == [*dict.fromkeys(ids(server))]
    assert len(ids(server)) <= 45  # whether the third batch was taken, nobody could know
    assert not side(path).exists()


def test_progress_of_another_file_is_not_taken_for_this_ones(
    server: Labels, tmp_path: Path
) -> None:
    path = many(tmp_path / "a.csv", 30)
    server.after = 1
    push(server, path, "--batch", 10)
    server.after = None
    kept = side(path).read_bytes()
    for rows in (["b,1"] * 30, [f"a{i},{i % 2}" for i in range(5)]):
        lines(path, *rows)
        done = push(server, path)
        assert (2, 10) == (done.exit_code, len(server.rows))
        assert f"{side(path)} is of other rows" in done.output
    side(path).write_bytes(b"{")
    assert "is damaged" in push(server, path).output
    side(path).write_bytes(kept)
    with serving(Labels()) as other:
        assert 2 == push(other, many(path, 30)).exit_code


def test_one_may_say_where_to_go_on(server: Labels, tmp_path: Path) -> None:
    path = lines(tmp_path / "a.csv", "a0,1", "a1", "a2,1", "a3")
    done = push(server, path, "--resume-from", 2)
    assert 2 == done.exit_code
    assert "line 5: 1 values" in done.output
    lines(path, "a0,1", "a1", "a2,1", "a3,1")
    assert 0 == push(server, path).exit_code
    assert ["a2", "a3"] == ids(server)


def test_where_nothing_can_be_kept_it_says_how_to_go_on(server: Labels, tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv", 20)
    path.with_name(f"{path.name}.otelml-progress.new").mkdir()
    server.after = 1
    done = push(server, path, "--batch", 10)
    assert (2, 10) == (done.exit_code, len(server.rows))
    assert "10 rows are pushed: go on with --resume-from 10" in done.output


def test_it_waits_for_a_processor_that_is_busy(server: Labels, tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv", 5)
    server.answers = [(429, {"retry-after": "0"}), (503, {}), (502, {})]
    assert 0 == push(server, path).exit_code
    assert 5 == len(server.rows)
    assert [] == server.answers


def test_a_batch_that_is_too_large_is_halved(server: Labels, tmp_path: Path) -> None:
    path = many(tmp_path / "a.csv", 10)
    server.largest = 100
    assert 0 == push(server, path).exit_code
    assert [f"a{i}" for i in range(10)] == ids(server)
    assert max(server.sizes) < 10
    server.largest = 10
    done = push(server, path)
    assert 2 == done.exit_code
    assert "line 2: " in done.output
    assert "answered 413" in done.output


def test_tokens(server: Labels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = many(tmp_path / "a.csv", 1)
    server.token = "s3cret"
    without = push(server, path)
    assert 2 == without.exit_code
    assert "answered 401: name its token by --token-env" in without.output
    monkeypatch.setenv("TOKEN", "s3cret\n")
    assert 0 == push(server, path, "--token-env", "TOKEN").exit_code
    assert {None, "Bearer s3cret"} == server.authorizations
    for bad in ("", "a\ns3cret", "s3crét"):
        monkeypatch.setenv("TOKEN", bad)
        done = push(server, path, "--token-env", "TOKEN")
        assert 2 == done.exit_code
        assert "TOKEN of --token-env holds no token" in done.output
        assert "s3cr" not in done.output


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "gave no answer of a processor"),
        (200, b"[]", "gave no answer of a processor"),
        (200, b'{"accepted": 1}', "gave no answer of a processor"),
        (301, b"", "answered 301"),
        (404, b"", "is not served: give the --endpoint of a processor"),
        (400, b'{"error": "what\\u001b[31m?"}', "line 2: .* refused it: what.\\[31m"),
    ],
)
def test_what_is_no_processor_is_told(
    server: Labels, tmp_path: Path, status: int, body: bytes, said: str
) -> None:
    server.whole = status, body
    done = push(server, many(tmp_path / "a.csv", 1))
    assert 2 == done.exit_code
    assert "\x1b" not in done.output
    assert re.search(said, done.output)
    assert "0 rows are pushed" in done.output


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_push, "_SHORTEST", 0.001)
    done = push(Labels("http://127.0.0.1:1"), many(tmp_path / "a.csv", 1))
    assert 2 == done.exit_code
    assert "http://127.0.0.1:1/v1/labels: " in done.output
    assert "is a processor there?" in done.output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "id,lable\na,1\n", "no column 'label'; is it 'lable'?"),
        ("a.csv", "id,label\n", "no rows"),
        ("a.csv", "", "no rows"),
        ("a.txt", "id,label\n", "a file of kind .txt is not read"),
        ("a.parquet", "id,label\n", "a.parquet: "),
    ],
)
def test_bad_files(server: Labels, tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    done = push(server, path)
    assert 2 == done.exit_code
    assert said in done.output
    assert 2 == push(server, tmp_path / f"none-{name}").exit_code
    assert [] == server.rows
