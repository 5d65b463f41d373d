"""Which baseline holds for which model and version."""

from collections.abc import Iterable

from otelml.data import Baseline, Model


class Baselines:
    """Baselines by model; the latest of a model and version holds."""

    def __init__(self, baselines: Iterable[Baseline] = ()) -> None:
        self._held: dict[Model, Baseline] = {}
        for baseline in baselines:
            self.put(baseline)

    def put(self, baseline: Baseline) -> None:
        """Take one in, unless there is a later one."""
        held = self._held.get(baseline.model)
        if held is None or held.created <= baseline.created:
            self._held[baseline.model] = baseline

    def find(self, model: Model) -> Baseline | None:
        """The baseline of this version, or else the one that is for any version."""
        return self._held.get(model) or self._held.get(Model(model.name))

    def all(self) -> list[Baseline]:
        """Every baseline that holds for something."""
        return [*self._held.values()]
