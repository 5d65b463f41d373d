"""Cut into pieces, sent in any order, put together: the same sketch."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelml.data import Key, Model, Role, Sketch
from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.sketch.parts import Assembly, Piece, explode
from otelml.sketch.probability import Probability
from otelml.wire.points import address, locate

NUMBERS = Numeric.of(np.r_[np.random.default_rng(0).normal(1000, 1, 2000), 1.0, np.nan, np.inf])
SKETCHES = [
    NUMBERS,
    Categories.of(["a", "b", "a", None], mismatched=2),
    Probability.of(np.array([0.0, 0.5, 1.0, 1e-7, np.nan])),
    Count(7),
]


def assembled(pieces: Sequence[Piece]) -> Sketch:
    assembly = Assembly()
    for piece in pieces:
        assembly.add(piece)
    return assembly.sketch()


def like(sketch: Sketch) -> object:
    """What must survive the way: all but the last digits of the moments."""
    if not isinstance(sketch, Numeric):
        return sketch
    moments = pytest.approx((sketch.mean, sketch.variance), rel=1e-9)
    return sketch.body, sketch.tail, sketch.missing, sketch.non_finite, moments


def told(sketch: Sketch) -> object:
    if not isinstance(sketch, Numeric):
        return sketch
    moments = sketch.mean, sketch.variance
    return sketch.body, sketch.tail, sketch.missing, sketch.non_finite, moments


@pytest.mark.parametrize("sketch", SKETCHES)
@given(st.randoms(use_true_random=False))
def test_pieces_in_any_order_make_the_sketch(sketch: Sketch, random: object) -> None:
    pieces = explode(sketch, 1000.0)
    random.shuffle(pieces)  # type: ignore[attr-defined]
    assert like(sketch) == told(assembled(pieces))


@pytest.mark.parametrize("sketch", SKETCHES)
def test_state_survives_json(sketch: Sketch) -> None:
    assembly = Assembly()
    for piece in explode(sketch, 1000.0):
        assembly.add(piece)
    state = json.loads(json.dumps(assembly.dump()))
    assert like(sketch) == told(Assembly.load(state).sketch())


def test_different_pivots_are_merged_by_arithmetic() -> None:
    one, other = np.random.default_rng(0).normal(1e6, 1, (2, 500))
    pieces = explode(Numeric.of(one), 1e6) + explode(Numeric.of(other), 1e6 + 3)
    sketch = assembled(pieces)
    assert isinstance(sketch, Numeric)
    assert np.var(np.r_[one, other]) == pytest.approx(sketch.variance, rel=1e-9)


@pytest.mark.parametrize("role", [role for role in Role if role.is_column])
@pytest.mark.parametrize("sketch", SKETCHES[:3])
def test_every_address_leads_back(role: Role, sketch: Sketch) -> None:
    key = Key(Model("fraud", "3"), role, "x")
    for piece in explode(sketch, 2.5):
        found = address(key, piece.part, piece.label)
        if found is not None:
            back = locate(found.metric, found.attributes)
            assert back is not None
            assert (key, piece.part, piece.label) == (back.key, back.part, back.label)


@pytest.mark.parametrize(
    "role", [role for role in Role if not role.is_column and role is not Role.DROPPED]
)
def test_calls_have_addresses_too(role: Role) -> None:
    labels = (("error.type", "ValueError"), ("ml.system.name", "sklearn"))
    name = "" if role in (Role.LOAD_DURATION, Role.AGREEMENT) else "predict"
    key = Key(Model("fraud"), role, name, labels)
    counted = (Role.ACTIVE, Role.PREDICTIONS, Role.AGREEMENT)
    part = explode(Count(1) if role in counted else NUMBERS)[0].part
    found = address(key, part)
    assert found is not None
    back = locate(found.metric, found.attributes)
    assert back is not None
    assert key == back.key


def test_what_is_not_ours_has_no_location() -> None:
    assert locate("http.server.request.duration", {}) is None
    assert locate("ml.feature.value", {"ml.feature.name": "age"}) is None
    assert locate("ml.feature.value", {"ml.model.name": "m", "ml.role": "nonsense"}) is None
