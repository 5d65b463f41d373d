"""What is kept of the outcomes of a window and of its slices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self, TypeAlias

from otelml.monitor.performance.summary import Summary

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Summaries:
    """The summary of all rows, and those of slices by their labels."""

    whole: Summary = field(default_factory=Summary.empty)
    slices: Mapping[Labels, Summary] = field(default_factory=dict)

    def of(self, labels: Labels) -> Summary:
        """What to compare a slice with: itself, or all rows if it is not known."""
        return self.slices.get(labels, self.whole)

    def dump(self) -> dict[str, Any]:
        """Its state, for JSON: that of the whole, and the slices in it."""
        slices = [[labels, summary.dump()] for labels, summary in self.slices.items()]
        return self.whole.dump() | ({"slices": slices} if slices else {})

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Self:
        """What `dump` described."""
        slices = {
            tuple((name, value) for name, value in labels): Summary.load(summary)
            for labels, summary in state.get("slices", ())
        }
        return cls(Summary.load(state), MappingProxyType(slices))
