"""What is posted as labels, and what is refused of it."""

import json
from typing import Any

import pytest

from otelml.data import Model, Prediction, Truth
from otelml.processor.labels import LINES, posted
from otelml.processor.refusal import RefusalError
from otelml.wire.proto import Service

NOW = 1_700_000_000_000_000_000


def read(*given: Any) -> Any:
    return posted("application/json", json.dumps([*given]).encode(), NOW)


@pytest.mark.parametrize("shape", [lambda x: x, lambda x: [x], lambda x: {"labels": [x]}])
def test_one_label_in_every_shape(shape: Any) -> None:
    body = json.dumps(shape({"id": "a", "label": "yes"})).encode()
    assert [Truth("a", NOW, "yes")] == posted("application/json", body, NOW).truths


def test_null_is_as_if_it_were_not_said() -> None:
    nothing = dict.fromkeys(("time", "prediction", "score", "model", "model_version"))
    assert [Truth("a", NOW, "1", 1.0)] == read({"id": "a", "label": 1} | nothing).truths


def test_an_integer_beyond_all_numbers_is_a_name() -> None:
    (truth,) = read({"id": "a", "label": 10**400}).truths
    assert (str(10**400), None) == (truth.label, truth.value)


def test_what_a_label_may_say() -> None:
    found = read(
        {"id": "a", "label": 1, "row": 2, "time": "2023-11-14T22:13:20Z", "weight": 0.5},
        {"id": "b", "label": True, "time": 12.5},
        {"id": "c", "label": 2.5, "prediction": 3, "score": 0.25, "model": "m", "service": "s"},
    )
    assert [
        Truth("a:2", NOW, "1", 1.0, 0.5),
        Truth("b", 12_500_000_000, "True", 1.0),
        Truth("c", NOW, "2.5", 2.5, model="m"),
    ] == found.truths
    expected = Prediction("c", NOW, "3", 3.0, (("", 0.25),))
    assert [(Service("s"), Model("m"), expected)] == found.predictions
    assert [0, 1, 2] == found.places


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"label": 1}, "id: Field required"),
        ({"id": "", "label": 1}, "id"),
        ({"id": 5, "label": 1}, "id"),
        ({"id": "a"}, "label: Field required"),
        ({"id": "a", "label": None}, "label: is neither"),
        ({"id": "a", "label": ["yes"]}, "label: is neither"),
        ({"id": "a", "label": ""}, "label: must have"),
        ({"id": "a", "label": 1, "row": -1}, "row"),
        ({"id": "a", "label": 1, "weight": -1}, "weight"),
        ({"id": "a", "label": 1, "time": "yesterday"}, "'yesterday' is no time"),
        ({"id": "a", "label": 1, "prediction": "no"}, "needs the name of its model"),
        ({"id": "a", "label": 1, "lable": 2}, "lable"),
        ({"id": "a", "label": 1, "model": ""}, "model"),
        ({"id": "a", "label": 1, "row": 1 << 63}, "row"),
        (3, "label"),
    ],
)
def test_a_bad_label_is_refused_and_the_rest_kept(bad: Any, reason: str) -> None:
    found = read({"id": "a", "label": 1}, bad, {"id": "b", "label": 0})
    assert ["a", "b"] == [truth.id for truth in found.truths]
    assert [0, 2] == found.places
    ((place, told),) = found.refused
    assert 1 == place
    assert reason in told


def test_a_bad_line_is_refused_by_its_number() -> None:
    body = b'{"id": "a", "label": 1}\n\n{"id": \n{"id": "b", "label": NaN}\n{"id": "c", "label": 0}'
    found = posted(LINES, body, NOW)
    assert ["a", "c"] == [truth.id for truth in found.truths]
    assert [1, 2] == [place for place, _ in found.refused]
    assert "line 3" in found.refused[0].reason
    assert "line 4: NaN is not finite" == found.refused[1].reason


@pytest.mark.parametrize("body", [b"", b"{", b"3", b'"text"', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused_whole(body: bytes) -> None:
    with pytest.raises(RefusalError, match="body"):
        posted("application/json", body, NOW)
