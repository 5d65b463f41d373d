"""What is kept of a champion and a challenger over a window: sums, so that windows merge."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Self

from otelml.data import Outcomes
from otelml.monitor.paired import mean
from otelml.monitor.paired.classes import Classes
from otelml.monitor.paired.discordance import Discordance
from otelml.monitor.paired.numbers import TOLERANCE, Numbers
from otelml.sketch.moments import Moments


@dataclass(frozen=True, slots=True)
class Summary:
    """Agreement, differences of scores by class, and who is right, or by how much, where known.

    Of classifiers `numbers`, `errors` and `champion_errors` are empty, of regressions the others.
    `errors` are of the challenger's absolute error less the champion's.
    """

    classes: Classes = field(default_factory=lambda: Classes({}))
    numbers: Numbers = field(default_factory=Numbers)
    scores: Mapping[str, Moments] = field(default_factory=dict)
    discordance: Discordance = field(default_factory=Discordance)
    errors: Moments = field(default_factory=Moments)
    champion_errors: Moments = field(default_factory=Moments)

    @classmethod
    def of(cls, champion: Outcomes, challenger: Outcomes, tolerance: float = TOLERANCE) -> Self:
        """Of the same rows in the same order; the truth is the champion's.

        Raises:
            ValueError: If one has other rows than the other, or numbers where it has classes.

        """
        one, other = len(champion.predicted), len(challenger.predicted)
        if one != other:
            raise ValueError(f"{one} rows of the champion, {other} of the challenger: give pairs")
        if champion.classifies != challenger.classifies:
            raise ValueError("one model classifies and the other does not: compare like with like")
        if champion.classifies:
            return cls(
                classes=Classes.of(champion, challenger),
                scores=mean.scores(champion, challenger),
                discordance=Discordance.of(champion, challenger),
            )
        errors, champion_errors = mean.errors(champion, challenger)
        numbers = Numbers.of(champion, challenger, tolerance)
        return cls(numbers=numbers, errors=errors, champion_errors=champion_errors)

    def merge(self, other: Self) -> Self:
        """Of both sets of rows."""
        none = Moments()
        return type(self)(
            self.classes.merge(other.classes),
            self.numbers.merge(other.numbers),
            {
                name: self.scores.get(name, none).merge(other.scores.get(name, none))
                for name in sorted({*self.scores, *other.scores})
            },
            self.discordance.merge(other.discordance),
            self.errors.merge(other.errors),
            self.champion_errors.merge(other.champion_errors),
        )

    def dump(self) -> dict[str, Any]:
        """The sums as JSON."""
        return {
            "classes": self.classes.dump(),
            "numbers": self.numbers.dump(),
            "scores": {name: astuple(moments) for name, moments in self.scores.items()},
            "discordance": self.discordance.dump(),
            "errors": astuple(self.errors),
            "champion_errors": astuple(self.champion_errors),
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` gave."""
        return cls(
            Classes.load(state["classes"]),
            Numbers.load(state["numbers"]),
            {name: Moments(*moments) for name, moments in state["scores"].items()},
            Discordance.load(state["discordance"]),
            Moments(*state["errors"]),
            Moments(*state["champion_errors"]),
        )
