"""What `Joins` promises, as a plain dict keeps it, and a machine that compares the two."""

import asyncio
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from otelml.data import Outcomes, Owner, Prediction, Truth
from otelml.store.database import Database
from otelml.store.joins import Joins, Mark, State

SECOND = 1_000_000_000
EXPIRE_AFTER, MOST, HORIZON = 100, 11, 400
# No more labels may differ than MOST, so that they expire by age alone.
OWNERS = (
    Owner("shop", "", "prod", "fraud", None),
    Owner("shop", "", "prod", "fraud", "1"),
    Owner("shop", "", "prod", "risk\0", "1"),
)

IDS = st.sampled_from(["a", "b", "c", "d", "é\n", "nul\0", "a:1"])
CLASSES = st.sampled_from([None, "0", "1"])
NUMBERS = st.sampled_from([None, -1.5, 2.0, math.inf])
PREDICTIONS = st.builds(
    Prediction,
    IDS,
    st.integers(0, HORIZON - 1).map(lambda second: second * SECOND),
    CLASSES,
    NUMBERS,
    st.sampled_from([(), (("1", 0.25),), (("0", 0.75), ("1", 0.25)), (("1", math.nan),)]),
    st.sampled_from([None, (0.0, 3.0)]),
    st.sampled_from([(), (("region", "eu"),), (("region", "us"), ("tier", "ü"))]),
)
OF_ANY_MODEL = st.builds(
    Truth,
    IDS,
    st.integers(0, HORIZON).map(lambda second: second * SECOND),
    st.none(),
    st.sampled_from([0.0, 1.0, 2.5]),
    st.sampled_from([1.0, 0.5]),
    st.none(),
) | st.builds(
    Truth,
    IDS,
    st.just(7 * SECOND),
    st.sampled_from(["0", "1", "other"]),
    st.none(),
    st.just(1.0),
    st.none(),
)
OF_A_MODEL = st.builds(
    lambda truth, name, model: truth._replace(id=name, model=model),
    OF_ANY_MODEL,
    st.sampled_from(["a", "nul\0"]),
    st.sampled_from(["fraud", "risk\0"]),
)
DELIVERIES = st.tuples(
    st.lists(st.tuples(st.sampled_from(OWNERS), PREDICTIONS), max_size=5),
    st.lists(OF_ANY_MODEL | OF_A_MODEL, max_size=5),
)
Delivery = tuple[list[tuple[Owner, Prediction]], list[Truth]]
Window = tuple[Owner, int]
Scope = tuple[str, str | None]


class Plain:
    """Predictions and labels in dicts, joined when somebody asks."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.predictions: dict[tuple[str, Owner], Prediction] = {}
        self.truths: dict[Scope, tuple[Truth, int]] = {}
        self.changed: dict[Window, int] = {}
        self._change = itertools.count()

    def window(self, owner: Owner, prediction: Prediction) -> Window:
        return owner, prediction.time - prediction.time % self.length

    def scope(self, name: str, owner: Owner) -> Scope | None:
        """Of two truths that of the very model."""
        scopes = (name, owner.model), (name, None)
        return next((scope for scope in scopes if scope in self.truths), None)

    def truth(self, name: str, owner: Owner) -> Truth | None:
        scope = self.scope(name, owner)
        return None if scope is None else self.truths[scope][0]

    def of(self, scope: Scope) -> list[tuple[Owner, Prediction]]:
        """Predictions that a truth counts for."""
        return [
            (o, p)
            for (name, o), p in self.predictions.items()
            if name == scope[0] and self.scope(name, o) == scope
        ]

    def accept(self, delivery: Delivery, now: int) -> tuple[list[State], int, int, list[float]]:
        released = repeated = 0
        delays = []
        for owner, prediction in delivery[0]:
            key = (prediction.id, owner)
            had = self.predictions.get(key)
            if had is None:
                scope = self.scope(prediction.id, owner)
                if scope is not None:
                    released += not self.of(scope)
                    truth = self.truths[scope][0]
                    delays.append((truth.time - prediction.time) / SECOND)
                self.predictions[key] = prediction
            else:
                fresh = {
                    field: value
                    for field, value in prediction._asdict().items()
                    if getattr(had, field) in {None, ()} and value not in {None, ()}
                }
                self.predictions[key] = had._replace(**fresh)
                if not fresh:
                    repeated += 1
                    continue
            self._mark([(owner, self.predictions[key])])
        states = [self._label(truth, now, delays) for truth in delivery[1]]
        return states, released, repeated, delays

    def _label(self, truth: Truth, now: int, delays: list[float]) -> State:
        scope, general = (truth.id, truth.model), (truth.id, None)
        known = self.truths.get(scope)
        if known and (known[0][2:] == truth[2:] or truth.time < known[0].time):
            if truth.time > known[0].time:
                self.truths[scope] = (truth, known[1])
            return State.DUPLICATE
        counted = general in self.truths and self.of(general)
        self.truths[scope] = (truth, now)
        if counted and not self.of(general):  # it waits anew
            self.truths[general] = (self.truths[general][0], now)
        predictions = self.of(scope)
        self._mark(predictions)
        if known:
            return State.CORRECTED
        delays += [(truth.time - p.time) / SECOND for _, p in predictions]
        return State.MATCHED if predictions else State.UNMATCHED

    def _mark(self, predictions: Sequence[tuple[Owner, Prediction]]) -> None:
        for owner, prediction in predictions:
            self.changed[self.window(owner, prediction)] = next(self._change)

    def expire(self, now: int) -> None:
        """Forget what is too old; what is too much depends on more than a dict says."""
        before = now - EXPIRE_AFTER * SECOND
        for (name, owner), p in list(self.predictions.items()):
            if self.window(owner, p)[1] + self.length <= before:
                self.forget(name, owner)
        for scope, (_, since) in list(self.truths.items()):
            if since < before and not self.of(scope):
                del self.truths[scope]

    def forget(self, name: str, owner: Owner) -> None:
        """A label goes with the last prediction that it counted for."""
        scope = self.scope(name, owner)
        window = self.window(owner, self.predictions.pop((name, owner)))
        if scope is not None and not self.of(scope):
            del self.truths[scope]
        if window not in {self.window(o, p) for (_, o), p in self.predictions.items()}:
            self.changed.pop(window, None)

    def outcomes(self, owner: Owner, start: int, end: int) -> list[str]:
        return sorted(
            repr(_told(p, truth))
            for (name, o), p in self.predictions.items()
            if o == owner and start <= p.time < end and (truth := self.truth(name, o))
        )

    def paired(self, one: Owner, two: Owner, start: int, end: int) -> list[str]:
        found = []
        for (name, owner), a in self.predictions.items():
            b, truth = self.predictions.get((name, two)), self.truth(name, one)
            if owner != one or b is None or truth is None:
                continue
            if start <= a.time < end and _classified(a) is _classified(b):
                found.append(repr((_told(a, truth), _told(b, truth))))
        return sorted(found)


class Told(NamedTuple):
    """One row of outcomes."""

    predicted: Any
    truth: Any
    weight: float
    scores: dict[str, float]
    interval: tuple[float, float] | None
    segments: dict[str, str]


def _classified(p: Prediction) -> bool:
    return p.label is not None or bool(p.scores)


def _told(p: Prediction, truth: Truth) -> Told:
    segments = dict(sorted(p.segments))
    if _classified(p):
        label = truth.label if truth.value is None else f"{truth.value:g}"
        scores = {name: score for name, score in sorted(p.scores) if not math.isnan(score)}
        return Told(p.label, label, truth.weight, scores, None, segments)
    value = truth.value
    if truth.label is not None:
        value = math.nan if truth.label == "other" else float(truth.label)
    predicted = math.nan if p.value is None else p.value
    return Told(predicted, value, truth.weight, {}, p.interval, segments)


def rows(outcomes: Outcomes) -> Iterator[Told]:
    """Outcomes, a row each."""
    for i in range(len(outcomes.truth)):
        scores = {}
        if outcomes.scores is not None:
            scores = dict(zip(outcomes.classes, map(float, outcomes.scores[i]), strict=True))
        interval = None
        if outcomes.low is not None and outcomes.high is not None:
            interval = (float(outcomes.low[i]), float(outcomes.high[i]))
        number = (lambda x: x) if outcomes.classifies else float
        yield Told(
            number(outcomes.predicted[i]),
            number(outcomes.truth[i]),
            float(outcomes.weight[i]),
            {name: score for name, score in sorted(scores.items()) if not math.isnan(score)},
            None if interval is None or np.isnan(interval).any() else interval,
            {n: v[i] for n, v in sorted(outcomes.segments.items()) if v[i] is not None},
        )


class JoinsMachine(RuleBasedStateMachine):
    """Any deliveries in any order, expiry and restarts, from an empty store on."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.runner = asyncio.Runner()
        self.plain = Plain(10 * SECOND)
        self.joins = self.opened(10)
        self.now = 0
        self.marks: list[tuple[Mark, int]] = []

    def opened(self, window_seconds: float) -> Joins:
        self.database = Database(self.url)
        return Joins(self.database, EXPIRE_AFTER, MOST, window_seconds)

    @rule(deliveries=st.lists(DELIVERIES, min_size=1, max_size=3))
    def deliver(self, deliveries: list[Delivery]) -> None:
        async def at_once() -> list[Any]:
            return await asyncio.gather(
                *(self.joins.accept(*delivery, self.now) for delivery in deliveries)
            )

        for delivery, got in zip(deliveries, self.runner.run(at_once()), strict=True):
            states, released, repeated, delays = self.plain.accept(delivery, self.now)
            assert states == list(got.states)
            assert (released, repeated) == (got.released, got.repeated)
            assert sorted(delays) == sorted(seconds for _, seconds in got.delays)

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule()
    def expire(self) -> None:
        had = len(self.plain.predictions), self.waiting()
        numbers = dict(self.joins._numbers)
        self.plain.expire(self.now)
        got = self.runner.run(self.joins.expire(self.now))
        self.drop_what_is_too_much(numbers)
        assert {owner for _, owner in self.plain.predictions} == {*self.joins.owners()}
        assert had[0] - len(self.plain.predictions) == got.predictions
        assert had[1] - self.waiting() == got.labels

    def waiting(self) -> int:
        return sum(not self.plain.of(scope) for scope in self.plain.truths)

    def drop_what_is_too_much(self, numbers: dict[Owner, int]) -> None:
        """The oldest windows first, in one the oldest, of two the one that came first."""
        oldest = sorted(
            (self.plain.window(o, p)[1], numbers[o], p.time, came, name, o)
            for came, ((name, o), p) in enumerate(self.plain.predictions.items())
        )
        for *_, name, owner in oldest[: max(len(oldest) - MOST, 0)]:
            self.plain.forget(name, owner)

    @rule(seconds=st.sampled_from([10, 10, 15]))
    def restart(self, seconds: int) -> None:
        self.database.close()
        if seconds * SECOND != self.plain.length:
            self.plain.length, self.marks, self.plain.changed = seconds * SECOND, [], {}
            self.plain._mark([(o, p) for (_, o), p in self.plain.predictions.items()])
        self.joins = self.opened(seconds)

    @rule()
    def look(self) -> None:
        marks = self.runner.run(self.joins.changed())
        self.marks = [(mark, self.plain.changed[mark.owner, mark.start]) for mark in marks]

    @rule()
    def clean(self) -> None:
        self.runner.run(self.joins.clean([mark for mark, _ in self.marks]))
        for mark, change in self.marks:
            if change == self.plain.changed.get((mark.owner, mark.start)):
                del self.plain.changed[mark.owner, mark.start]

    @invariant()
    def agrees(self) -> None:
        run, plain, joins = self.runner.run, self.plain, self.joins
        marks = run(joins.changed())
        assert plain.changed.keys() == {(mark.owner, mark.start) for mark in marks}
        assert sorted(mark.start for mark in marks) == [mark.start for mark in marks]
        waiting = run(joins.waiting())
        assert {owner for _, owner in plain.predictions} == waiting.keys()
        for owner in OWNERS:
            mine = [(name, p) for (name, o), p in plain.predictions.items() if o == owner]
            labelled = [name for name, _ in mine if plain.scope(name, owner)]
            assert len(mine) - len(labelled) == run(joins.pending(owner))
            assert len(mine) - len(labelled) == waiting.get(owner, 0)
            assert (len(mine), len(labelled)) == run(joins.population(owner, 0, HORIZON * SECOND))
            for start, end in ((0, HORIZON * SECOND), (37 * SECOND, 103 * SECOND)):
                got = [
                    repr(row) for some in joins.outcomes(owner, start, end) for row in rows(some)
                ]
                assert plain.outcomes(owner, start, end) == sorted(got)
        for one, two in itertools.permutations(OWNERS, 2):
            got = [
                repr(pair)
                for a, b in joins.paired(one, two, 0, 90 * SECOND)
                for pair in zip(rows(a), rows(b), strict=True)
            ]
            assert plain.paired(one, two, 0, 90 * SECOND) == sorted(got)

    def teardown(self) -> None:
        self.runner.close()
        self.database.close()
