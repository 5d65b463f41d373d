"""`otelml baseline` and `otelml check`, as a user and as a script call them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import accuracy_score

from otelml.cli import cli
from otelml.wire import file
from tests.offline.test_outcomes import written

RNG = np.random.default_rng(0)


def frame(rows: int, *, drift: bool = False) -> pd.DataFrame:
    jobs = ["nurse", "cook", "clerk"]
    return pd.DataFrame(
        {
            "age": RNG.normal(40 + 6 * drift, 10, rows),
            "income": RNG.lognormal(10, 0.5, rows),
            "job": RNG.choice(jobs, rows, p=[0.6, 0.3, 0.1] if not drift else [0.2, 0.3, 0.5]),
            "member": RNG.random(rows) < 0.3,
            "since": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(RNG.integers(0, 86400, rows), "s"),
            "label": RNG.choice(["yes", "no"], rows),
            "p": RNG.random(rows),
            "id": np.arange(rows),
        }
    )


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in arguments])


@pytest.fixture(params=["csv", "parquet", "arrow"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    """A reference, the same again, and a drifted one, in one of the formats."""
    made = {}
    for name, data in {
        "reference": frame(5000),
        "same": frame(3000),
        "drifted": frame(3000, drift=True),
    }.items():
        made[name] = written(data, tmp_path / f"{name}.{request.param}")
    return made


def build(files: dict[str, Path], *more: object) -> Path:
    output = files["reference"].with_name("baseline.json")
    roles = ("--prediction", "label", "--score", "p", "--exclude", "id")
    done = call(
        "baseline", "build", files["reference"], "-o", output, "--model", "fraud", *roles, *more
    )
    assert 0 == done.exit_code, done.output
    return output


def findings(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_quiet_data_exits_0_and_drifted_data_1(files: dict[str, Path]) -> None:
    baseline = build(files)
    assert 0 == call("check", baseline, files["same"]).exit_code
    drifted = call("check", baseline, files["drifted"], "--json")
    assert 1 == drifted.exit_code
    alarms = {f["feature"] for f in findings(drifted) if f["verdict"] == "alarm"}
    assert {"age", "job"} == alarms


def test_a_finding_has_the_documented_shape(files: dict[str, Path]) -> None:
    found = findings(call("check", build(files), files["same"], "--json"))
    assert {
        "model", "model_version", "role", "feature", "check", "value", "p_value",
        "p_value_adjusted", "effect", "limits", "reference", "verdict", "samples",
        "baseline_samples", "window",
    } == set(found[0])  # fmt: skip
    ks = next(f for f in found if f["check"] == "kolmogorov_smirnov" and f["feature"] == "age")
    assert ("fraud", None, "feature", "ok", 3000, 5000) == (
        ks["model"],
        ks["model_version"],
        ks["role"],
        ks["verdict"],
        ks["samples"],
        ks["baseline_samples"],
    )
    assert {"warn", "alarm", "null"} == set(ks["limits"])


def test_a_table_that_is_piped_has_every_column_whole(tmp_path: Path) -> None:
    """As in the log of a CI: a long name took the place of checks and numbers."""
    name = "what_goes_on_and_on_" * 5
    data = tmp_path / f"{name}.csv"
    pd.DataFrame({name: RNG.normal(0, 1, 500)}).to_csv(data, index=False)
    moved = tmp_path / "moved.csv"
    pd.DataFrame({name: RNG.normal(2, 1, 500)}).to_csv(moved, index=False)
    built = call("baseline", "build", data, "-o", tmp_path / f"{name}.json", "--model", "m")
    assert f"{name}.json: 1 columns, 500 rows, " in built.stderr
    told = call("check", tmp_path / f"{name}.json", moved).stdout
    head, *_ = told.splitlines()
    assert ["verdict", "role", "column", "check", "value", "effect", "limit", "p"] == head.split()
    assert f" {name} " in told
    assert " kolmogorov_smirnov " in told


def test_roles_come_from_the_baseline(files: dict[str, Path]) -> None:
    found = findings(call("check", build(files), files["same"], "--json"))
    assert {"feature", "prediction", "score", "predictions"} == {f["role"] for f in found}
    assert "extra_feature" not in {f["check"] for f in found}


@pytest.mark.parametrize(
    ("lacking", "roles", "measured"),
    [
        (["truth"], {"prediction", "score"}, set()),
        (["label", "p"], set(), set()),
        (["label", "p", "truth", "member"], set(), set()),
        (["p"], {"prediction"}, {"accuracy"}),
        (["label", "member"], {"score"}, {"roc_auc"}),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_data_may_lack_what_the_baseline_has(
    tmp_path: Path, kind: str, lacking: list[str], roles: set[str], measured: set[str]
) -> None:
    reference, today = (frame(3000).assign(truth=lambda x: x["label"]) for _ in range(2))
    reference.to_parquet(tmp_path / "reference.parquet")
    columns = ("--prediction", "label", "--score", "p", "--target", "truth", "--exclude", "id")
    baseline = tmp_path / "baseline.json"
    built = call(
        *("baseline", "build", tmp_path / "reference.parquet", "-o", baseline, "--model", "fraud"),
        *(*columns, "--segment", "member"),
    )
    assert 0 == built.exit_code, built.output
    path = written(today.drop(columns=lacking), tmp_path / f"today.{kind}")
    done = call("check", baseline, path, "--json")
    assert done.exit_code == int("member" in lacking), done.output
    found = findings(done)
    assert roles == {f["role"] for f in found} & {"prediction", "score"}
    assert measured <= {f["check"] for f in found}
    assert {"age", "income", "job", "since"} <= {f["feature"] for f in found}
    alarms = {(f["check"], f["feature"]) for f in found if f["verdict"] == "alarm"}
    assert alarms == {("missing_feature", "member")} & {
        ("missing_feature", name) for name in lacking
    }


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_scores_that_are_no_numbers_any_more_are_told(tmp_path: Path, kind: str) -> None:
    reference = frame(1000).assign(truth=lambda rows: rows["label"])
    roles = ("--prediction", "label", "--score", "p", "--target", "truth")
    baseline = tmp_path / "baseline.json"
    built = ("baseline", "build", written(reference, tmp_path / f"a.{kind}"), "-o", baseline)
    assert 0 == call(*built, "--model", "m", *roles).exit_code
    today = written(reference.assign(p="50%"), tmp_path / f"b.{kind}")
    done = call("check", baseline, today)
    assert 2 == done.exit_code
    assert "column 'p' holds no numbers: " in " ".join(done.output.split())
    assert "'50%'" in done.output


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("column", "today", "alarm"),
    [
        ("p", lambda rows: 100 * rows["p"], ("score", "type_mismatch")),
        ("p", lambda _: np.nan, ("score", "missing")),
        ("label", lambda _: None, ("prediction", "missing")),
        ("cost", lambda _: np.nan, ("prediction", "missing")),
        ("cost", lambda _: np.inf, ("prediction", "non_finite")),
        ("cost", lambda _: "none", ("prediction", "type_mismatch")),
        ("truth", lambda _: None, None),
    ],
)
def test_scores_and_predictions_that_are_none_alarm(
    tmp_path: Path, kind: str, column: str, today: Any, alarm: tuple[str, str] | None
) -> None:
    """Truths come late, and may be missing."""
    rows = frame(1000).assign(truth=lambda rows: rows["label"], cost=lambda rows: rows["income"])
    regression = ("--prediction", "cost", "--exclude", "label,p,truth")
    classes = ("--prediction", "label", "--score", "p", "--target", "truth", "--exclude", "cost")
    roles = regression if column == "cost" else classes
    baseline = tmp_path / "baseline.json"
    built = ("baseline", "build", written(rows, tmp_path / f"a.{kind}"), "-o", baseline)
    assert 0 == call(*built, "--model", "m", *roles).exit_code
    changed = written(rows.assign(**{column: today}), tmp_path / f"b.{kind}")
    done = call("check", baseline, changed, "--json")
    found = {(f["role"], f["check"]) for f in findings(done) if f["verdict"] == "alarm"}
    assert found == ({alarm} if alarm else set())
    assert done.exit_code == int(bool(alarm))


def test_one_baseline_checks_another(files: dict[str, Path]) -> None:
    baseline = build(files)
    assert 0 == call("check", baseline, baseline).exit_code


def test_show_tells_what_is_in_it(files: dict[str, Path]) -> None:
    baseline = build(files, "--model-version", "7")
    about = json.loads(call("baseline", "show", baseline, "--json").stdout)
    assert ("fraud", "7", 5000) == (about["model"], about["version"], about["rows"])
    assert "category" == about["schema"]["feature:job"]
    assert "number" == about["schema"]["feature:since"]
    text = call("baseline", "show", baseline).stdout
    assert "feature:age" in text


def test_show_tells_how_good_the_model_was(tmp_path: Path) -> None:
    data = frame(2000)
    data["truth"] = np.where(RNG.random(2000) < 0.8, data.label, "no")
    data.to_csv(tmp_path / "rows.csv", index=False)
    output = tmp_path / "b.json"
    roles = ("--prediction", "label", "--target", "truth")
    built = call("baseline", "build", tmp_path / "rows.csv", "-o", output, "--model", "m", *roles)
    assert 0 == built.exit_code
    told = json.loads(call("baseline", "show", output, "--json").stdout)["performance"]
    right = accuracy_score(data.truth, data.label)
    assert {"measure": "accuracy", "average": None, "value": right} in told
    assert f"{right:.4g}" in call("baseline", "show", output).stdout


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f+00:00"])
def test_stray_text_among_moments_is_a_type_mismatch(tmp_path: Path, form: str) -> None:
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(RNG.integers(0, 300, 2000), "D")
    moments = pd.DataFrame({"since": days.strftime(form), "age": RNG.normal(40, 10, 2000)})
    reference, data, output = (tmp_path / name for name in ("a.csv", "b.csv", "o.json"))
    moments.to_csv(reference, index=False)
    moments.loc[::1000, "since"] = "0000-00-00"
    moments.to_csv(data, index=False)
    assert 0 == call("baseline", "build", reference, "-o", output, "--model", "m").exit_code
    found = call("check", output, data, "--json")
    told = {f["check"]: f for f in findings(found) if f["feature"] == "since"}
    assert (0, 0.001) == (found.exit_code, told["type_mismatch"]["value"])
    assert told["kolmogorov_smirnov"]["value"] < 0.01


def test_stray_text_in_a_number_is_a_type_mismatch(tmp_path: Path) -> None:
    reference, current = tmp_path / "a.csv", tmp_path / "b.csv"
    frame(2000)[["age", "income"]].to_csv(reference, index=False)
    spoiled = frame(2000)[["age", "income"]].astype(object)
    spoiled.loc[1500:1599, "age"] = "unknown"
    spoiled.to_csv(current, index=False)
    output = tmp_path / "o.json"
    assert 0 == call("baseline", "build", reference, "-o", output, "--model", "m").exit_code
    found = findings(call("check", output, current, "--json"))
    told = {(f["check"], f["feature"]): f for f in found}
    assert "alarm" == told["type_mismatch", "age"]["verdict"]
    assert 0.05 == told["type_mismatch", "age"]["value"]
    assert "ok" == told["mean_shift", "age"]["verdict"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["baseline", "build", "{nix}.csv", "-o", "o.json", "--model", "m"], "No such file"),
        (["baseline", "build", "{a}.xlsx", "-o", "o.json", "--model", "m"], "of kind .xlsx"),
        (["baseline", "build", "{a}.csv", "-o", "o", "--model", "m", "--score", "ag"], "'age'"),
        (["baseline", "build", "{empty}.csv", "-o", "o.json", "--model", "m"], "empty"),
        (["baseline", "build", "{a}.csv", "-o", "o", "--model", ""], "--model is empty; give"),
        (["baseline", "build", "{a}.csv", "-o", "o", "--model", "m", "--target", ""], "column ''"),
        (
            ["baseline", "build", "{a}.csv", "-o", "o", "--model", "m", "--exclude", "age"],
            "no column is left to build from; --exclude fewer",
        ),
        (["check", "{a}.csv", "{a}.csv"], "baseline build"),
        (["check", "{torn}.json", "{a}.csv"], "not JSON"),
        (["baseline", "show", "{nix}.json"], "No such file"),
    ],
)
def test_bad_input_exits_2_and_says_what_to_do(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    frame(10)[["age"]].to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "a.xlsx").touch()
    (tmp_path / "torn.json").write_text('{"otelml": ')
    names = {name: tmp_path / name for name in ("a", "nix", "empty", "torn")}
    done = call(*(word.format(**names) for word in arguments))
    assert 2 == done.exit_code
    assert message in done.output
    assert "" == done.stdout


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name="pyarrow")

    monkeypatch.setattr(importlib, "import_module", missing)
    done = call("check", "a", "b")
    assert 2 == done.exit_code
    assert "pip install 'otelml[processor]'" in done.output


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_slices_are_compared_with_themselves(tmp_path: Path, kind: str) -> None:
    def written(name: str, *, moved: bool) -> Path:
        rows = frame(12_000).drop(columns=["label", "p"])
        rows["region"] = RNG.choice(["north", "south"], len(rows), p=[0.8, 0.2])
        rows.loc[rows.region == "south", "age"] += 30 + 6 * moved
        rows["truth"] = RNG.random(len(rows)) < 0.5
        wrong = RNG.random(len(rows)) < np.where(rows.region == "south", 0.3 + 0.2 * moved, 0.1)
        rows["said"] = rows.truth ^ wrong
        path = tmp_path / f"{name}.{kind}"
        rows.to_csv(path, index=False) if kind == "csv" else rows.to_parquet(path)
        return path

    output = tmp_path / "o.json"
    roles = ("--prediction", "said", "--target", "truth", "--segment", "region", "--exclude", "id")
    before = written("before", moved=False)
    built = call("baseline", "build", before, "-o", output, "--model", "m", *roles)
    assert 0 == built.exit_code, built.output
    assert 0 == call("check", output, written("same", moved=False)).exit_code
    found = findings(call("check", output, written("moved", moved=True), "--json"))
    alarmed = {
        (f["feature"], f["segment"]["value"] if "segment" in f else None)
        for f in found
        if f["verdict"] == "alarm" and f["check"] in ("kolmogorov_smirnov", "accuracy")
    }
    assert {("age", "south"), (None, "south")} == alarmed


@pytest.mark.parametrize("kind", ["int64", "float64", "Int8"])
def test_booleans_that_are_numbers_in_another_file_are_the_same(tmp_path: Path, kind: Any) -> None:
    """pandas makes numbers of booleans among which one is missing."""
    reference = pd.DataFrame({"b": RNG.random(2000) < 0.3, "x": RNG.normal(0, 1, 2000)})
    held = written(reference, tmp_path / "a.parquet")
    day = written(reference.assign(b=reference["b"].astype(kind)), tmp_path / "b.parquet")
    baseline = tmp_path / "b.json"
    built = call("baseline", "build", held, "-o", baseline, "--model", "m", "--segment", "b")
    assert 0 == built.exit_code
    assert 0 == call("check", baseline, day).exit_code


def test_booleans_are_the_same_however_a_file_spells_them(tmp_path: Path) -> None:
    spellings = {
        "a": ("true", "false", "1", "0", "TRUE", "False"),
        "b": ("TRUE", "FALSE"),
        "c": ("1", "0"),
    }
    for name, spelled in spellings.items():
        truths, shares = len(spelled) // 2, [0.7, 0.3]
        values = RNG.choice(spelled, 3000, p=np.array(shares * truths) / truths)
        pd.DataFrame({"member": values}).to_csv(tmp_path / f"{name}.csv", index=False)
    output = tmp_path / "o.json"
    build = ("baseline", "build", tmp_path / "a.csv", "-o", output, "--model", "m")
    assert 0 == call(*build, "--segment", "member").exit_code
    for name in spellings:
        assert 0 == call("check", output, tmp_path / f"{name}.csv").exit_code


def test_names_with_commas_and_blanks_are_given_in_quotes(tmp_path: Path) -> None:
    odd = ["price, net", ' "x"', "line\nbreak", "plan, old "]
    rows = pd.DataFrame({name: np.arange(600) % 3 for name in ("id", "n", *odd)})
    path = written(rows, tmp_path / "a.parquet")
    output = tmp_path / "o.json"
    done = call(
        *("baseline", "build", path, "-o", output, "--model", "m", "--exclude", "id , n"),
        *("--exclude", '"price, net"," ""x"""', "--categorical", '"line\nbreak"'),
        *("--segment", '"plan, old "'),
    )
    assert 0 == done.exit_code, done.output
    held = file.read(output)
    assert {"feature:line\nbreak", "feature:plan, old "} == held.schema.keys()
    assert "category" == held.schema["feature:line\nbreak"]
    checked = call("check", output, path, "--json")
    assert {"line\nbreak", "plan, old "} == {f["feature"] for f in findings(checked)} - {None}
    assert "plan, old " in {f["segment"]["name"] for f in findings(checked) if "segment" in f}


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    rows = pd.DataFrame({"[/red]": RNG.choice(["[bold]x", f"y {'z' * 900}"], 3000)})
    rows.to_csv(tmp_path / "a.csv", index=False)
    output = tmp_path / "o.json"
    build = ("baseline", "build", tmp_path / "a.csv", "-o", output, "--model", "[/m]")
    assert 0 == call(*build).exit_code
    shown = call("baseline", "show", output).stdout
    assert all(text in shown for text in ("[/m]", "feature:[/red]", "[bold]x"))
    assert "z" * 30 not in shown


def checked(tmp_path: Path, before: pd.DataFrame, now: pd.DataFrame, *roles: str) -> list[Any]:
    files = [written(data, tmp_path / f"{i}.parquet") for i, data in enumerate((before, now))]
    output = tmp_path / "baseline.json"
    done = call("baseline", "build", files[0], "-o", output, "--model", "m", *roles)
    assert 0 == done.exit_code, done.output
    found: list[Any] = json.loads(call("check", output, files[1], "--json").stdout)
    return found


@pytest.mark.parametrize("name", ["target", "prediction", "score"])
def test_a_feature_may_be_called_like_a_role(tmp_path: Path, name: str) -> None:
    def rows(mean: float) -> pd.DataFrame:
        classes = {role: RNG.choice(["u", "v"], 2000) for role in ("p", "y")}
        return pd.DataFrame({name: RNG.normal(mean, 1, 2000)} | classes)

    found = checked(tmp_path, rows(0), rows(3), "--prediction", "p", "--target", "y")
    alarmed = {(one["role"], one["feature"]) for one in found if one["verdict"] == "alarm"}
    assert {("feature", name)} == alarmed


def test_classes_that_are_fractions_in_a_file_are_compared_as_classes(tmp_path: Path) -> None:
    def rows(share: float) -> pd.DataFrame:
        return pd.DataFrame({"label": (RNG.random(2000) < share).astype(float), "a": 1.0})

    found = checked(
        tmp_path, rows(0.5), rows(1.0), "--prediction", "label", "--categorical", "label"
    )
    alarmed = {(one["role"], one["check"]) for one in found if one["verdict"] == "alarm"}
    assert ("prediction", "total_variation") in alarmed


def test_a_day_without_positives_is_read_as_the_baseline_was(tmp_path: Path) -> None:
    def rows(number: int) -> pd.DataFrame:
        score = np.clip(RNG.beta(1, 30, number), 1e-4, 1)
        truth = (RNG.random(number) < score).astype(int)
        return pd.DataFrame({"p": (score > 0.5).astype(int), "s": score, "y": truth})

    now = rows(1000).query("y == 0 and p == 0")
    roles = ("--prediction", "p", "--score", "s", "--target", "y")
    found = {one["check"]: one for one in checked(tmp_path, rows(20_000), now, *roles)}
    assert (now.s**2).mean() == pytest.approx(found["brier_score"]["value"], rel=1e-9)
    assert "alarm" not in (found["brier_score"]["verdict"], found["log_loss"]["verdict"])


def table(tmp_path: Path, **columns: Any) -> Path:
    rows = pd.DataFrame({"x": RNG.normal(size=300)} | columns)
    return written(rows, tmp_path / "rows.parquet")


def built(data: Path, *more: object) -> Result:
    output = data.with_name("baseline.json")
    return call("baseline", "build", data, "-o", output, "--model", "m", *more)


def refused(done: Result, *words: str) -> None:
    assert 2 == done.exit_code, done.output
    assert [] == [word for word in words if word not in done.output]


@pytest.mark.parametrize(
    ("reference", "today"),
    [
        (("01", "02"), ("01", "02")),
        (("1", "0"), ("1.0", "0.0")),  # as pandas writes them beside a missing value
        (("01", "A2"), ("01", "A2")),
        (("1", "0"), (" 1", "-0")),
        (("12:00", "09:30"), ("12:00", "09:30")),
    ],
)
def test_classes_of_csv_are_the_baselines_however_a_day_spells_them(
    tmp_path: Path, reference: tuple[str, str], today: tuple[str, str]
) -> None:
    first, wrong = RNG.random((2, 1000)) < [[0.5], [0.1]]
    for name, classes in {"a": reference, "b": today}.items():
        said, right = (np.where(chosen, *classes) for chosen in (first, first ^ wrong))
        rows = pd.DataFrame({"said": said, "right": right, "plan": said})
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    roles = ("--prediction", "said", "--target", "right", "--categorical", "plan")
    assert 0 == built(tmp_path / "a.csv", *roles).exit_code
    done = call("check", tmp_path / "baseline.json", tmp_path / "b.csv", "--json")
    assert 0 == done.exit_code, done.output
    (accuracy,) = (f["value"] for f in findings(done) if f["check"] == "accuracy")
    assert 1 - wrong.mean() == pytest.approx(accuracy)


def test_numerals_among_classes_stay_text_on_a_day_without_others(tmp_path: Path) -> None:
    rows = pd.DataFrame({"right": RNG.choice(["01", "01b", "02"], 1000)})
    rows["p"] = 0.8 * (rows["right"] == "02") + 0.1
    rows.to_csv(tmp_path / "a.csv", index=False)
    rows[rows["right"] != "01b"].to_csv(tmp_path / "b.csv", index=False)
    assert 0 == built(tmp_path / "a.csv", "--score", "p", "--target", "right").exit_code
    done = call("check", tmp_path / "baseline.json", tmp_path / "b.csv", "--json")
    (brier,) = (f["value"] for f in findings(done) if f["check"] == "brier_score")
    assert 0.01 == pytest.approx(brier)


def test_slices_of_csv_have_one_name(tmp_path: Path) -> None:
    """So performance is that of the slice whose drift is told."""
    rows = pd.DataFrame({"zip": RNG.choice(["01234", "98765"], 2000), "x": RNG.random(2000)})
    rows.assign(said="a", right="a").to_csv(tmp_path / "a.csv", index=False)
    roles = ("--prediction", "said", "--target", "right", "--segment", "zip")
    assert 0 == built(tmp_path / "a.csv", *roles, "--categorical", "zip").exit_code
    done = call("check", tmp_path / "baseline.json", tmp_path / "a.csv", "--json")
    assert 0 == done.exit_code, done.output
    told = {f["segment"]["value"] for f in findings(done) if "segment" in f}
    assert {"01234", "98765"} == told


def test_data_is_not_overwritten(tmp_path: Path) -> None:
    data, link = table(tmp_path), tmp_path / "link.json"
    link.symlink_to(data)
    before = data.read_bytes()
    for output in (data, link):
        refused(call("baseline", "build", data, "-o", output, "--model", "m"), str(output), "DATA")
    assert before == data.read_bytes()


@pytest.mark.parametrize("output", ["", "x" * 300])
def test_an_output_that_is_no_file_is_refused(tmp_path: Path, output: str) -> None:
    done = call("baseline", "build", table(tmp_path), "-o", output, "--model", "m")
    refused(done, "choose another --output")


@pytest.mark.parametrize(
    "options",
    [
        ("--prediction", "--score"),
        ("--prediction", "--target"),
        ("--score", "--target"),
        ("--target", "--exclude"),
        ("--score", "--categorical"),
    ],
    ids=" ".join,
)
def test_a_column_plays_one_part(tmp_path: Path, options: tuple[str, str]) -> None:
    data = table(tmp_path, y=RNG.random(300), p=RNG.random(300))
    others = ["--prediction", "p"] if "--prediction" not in options else []
    done = built(data, options[0], "y", options[1], "y", *others)
    refused(done, "'y'", *options)


def test_targets_whose_powers_overflow_are_refused(tmp_path: Path) -> None:
    truth = RNG.normal(size=300)
    roles = ("--prediction", "p", "--target", "y")
    data = table(tmp_path, p=truth, y=truth)
    assert 0 == built(data, *roles).exit_code
    truth[7] = 1e200
    table(tmp_path, p=0.0, y=truth)
    refused(call("check", tmp_path / "baseline.json", data), "'y'", "1e+200", "--target")
    refused(built(data, *roles), "'y'", "1e+200", "--target")


def test_scores_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    percent = np.linspace(0, 100, 300)
    share = f"{np.count_nonzero(percent > 1)} of 300 values"
    refused(built(table(tmp_path, p=percent), "--score", "p"), "'p'", share, "by 100")
    refused(built(table(tmp_path, p="high"), "--score", "p"), "'p'", "no numbers", "--score")
    assert 0 == built(table(tmp_path, p=percent / 100), "--score", "p").exit_code


@pytest.mark.parametrize("outcomes", [{}, [], 5])
def test_outcomes_that_cannot_be_read_are_told(tmp_path: Path, outcomes: Any) -> None:
    data, damaged = table(tmp_path), tmp_path / "damaged.json"
    assert 0 == built(data).exit_code
    known = file.read(tmp_path / "baseline.json")
    file.write(damaged, file.baseline(known.window, source="", created=0, outcomes=outcomes))
    for arguments in (("check", damaged, data), ("baseline", "show", damaged)):
        refused(call(*arguments), "its outcomes cannot be read", "otelml baseline build")
    refused(call("check", tmp_path / "baseline.json", damaged), "its outcomes cannot be read")
