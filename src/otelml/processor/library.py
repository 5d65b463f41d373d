"""Baselines: a directory of files that is looked at again and again, and windows that were kept."""

from dataclasses import replace
from pathlib import Path
from stat import S_ISREG
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from otelml.data import Baseline, Key, Model, Owner, Role, Sketch, Window
from otelml.monitor.baseline import Baselines
from otelml.monitor.performance.summaries import Summaries
from otelml.processor.reference import Reference
from otelml.sketch.categories import Categories
from otelml.wire import file

if TYPE_CHECKING:
    from collections.abc import Mapping


class Library:
    """The baselines in a directory; what cannot be read is none, and is told once."""

    def __init__(self, directory: str | None) -> None:
        self._directory = None if directory is None else Path(directory)
        self._seen: dict[Path, tuple[int, int, int]] | None = None
        self._read: dict[Path, Baseline | file.BaselineError] = {}
        self._baselines = Baselines()
        self._references: dict[str, Reference] = {}

    def find(self, model: Model) -> Baseline | None:
        """The baseline of a model."""
        return self._baselines.find(model)

    @property
    def models(self) -> list[str]:
        """The names of the models that have baselines."""
        return sorted({b.model.name for b in self._read.values() if isinstance(b, Baseline)})

    def reference(self, model: Model) -> Reference | None:
        """What a model's baseline says of performance, if it does."""
        baseline = self.find(model)
        if baseline is None or baseline.outcomes is None:
            return None
        return self._references[baseline.id]

    def classes(self, owner: Owner) -> frozenset[str] | None:
        """The classes that a model may be right with, where its baseline knows all of them."""
        baseline = self.find(Model(owner.model, owner.version))
        if baseline is None:
            return None
        for key, sketch in baseline.window.sketches.items():
            if key.role is not Role.TARGET or key.segment:
                continue
            if isinstance(sketch, Categories) and not sketch.other:
                return frozenset(sketch.counts)
        return None

    def refresh(self) -> list[str]:
        """Read what changed; each line says what is new, or wrong."""
        if self._directory is None:
            return []
        found = self._stamps()
        if found == self._seen:
            return []
        first, before = self._seen is None, self._seen or {}
        self._seen = found
        told = [f"{path}: removed" for path in before.keys() - found.keys()]
        self._read = {path: known for path, known in self._read.items() if path in found}
        for path in sorted(found):
            if before.get(path) == found[path] and path in self._read:
                continue
            known = self._read[path] = self._known(path)
            if isinstance(known, Baseline):
                told.append(f"{path}: baseline {known.id} of {known.model.name}")
            else:
                told.append(str(known))
        if first and not found:
            told.append(f"{self._directory}: no baselines (*.json) yet")
        held = [known for known in self._read.values() if isinstance(known, Baseline)]
        self._baselines = Baselines(held)
        ids = {baseline.id for baseline in held}
        self._references = {name: one for name, one in self._references.items() if name in ids}
        return told

    def _known(self, path: Path) -> Baseline | file.BaselineError:
        """The baseline in a file, or what is wrong with it."""
        try:
            baseline = file.read(path)
            self._refer(path, baseline)
        except file.BaselineError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one bad file must not hold up the others
            return file.BaselineError(f"{path}: it cannot be read ({error!r}); {file.REMEDY}")
        return baseline

    def _refer(self, path: Path, baseline: Baseline) -> None:
        """Read what a baseline says of performance.

        Raises:
            BaselineError: it cannot be read.

        """
        if baseline.outcomes is None:
            return
        try:
            summaries = Summaries.load(baseline.outcomes)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise file.BaselineError(
                f"{path}: its outcomes cannot be read ({error!r}); {file.REMEDY}"
            ) from error
        self._references[baseline.id] = Reference(baseline, summaries)

    def _stamps(self) -> dict[Path, tuple[int, int, int]]:
        stamps = {}
        assert self._directory is not None
        try:
            paths = [p for p in self._directory.glob("*.json") if not p.name.startswith(".")]
        except OSError:
            return {}
        for path in paths:
            try:
                stat = path.stat()
            except OSError:
                continue
            if S_ISREG(stat.st_mode):  # to open a pipe would wait for a writer
                stamps[path] = stat.st_ctime_ns, stat.st_size, stat.st_ino  # chmod counts, too
        return stamps


class _Learnt(NamedTuple):
    """The baseline of so many windows, and its text, which is asked for at every evaluation."""

    windows: int
    baseline: Baseline
    text: str


class Learner:
    """Makes a baseline of the first windows of each model."""

    def __init__(self, windows: int | None, fewest: int) -> None:
        self._windows, self._fewest = windows, fewest
        self._kept: dict[Model, _Learnt] = {}

    def find(self, model: Model) -> Baseline | None:
        """The baseline of a model, once it has seen enough windows."""
        if self._windows is None or model not in self._kept:
            return None
        learnt = self._kept[model]
        return learnt.baseline if learnt.windows >= self._windows else None

    def learn(self, window: Window) -> bool:
        """Add a window, if more are needed; True when the baseline is complete by it."""
        if self._windows is None or window.rows < self._fewest or self.find(window.model):
            return False
        known = self._kept.get(window.model)
        count = 1 if known is None else known.windows + 1
        whole = window if known is None else merged(known.baseline.window, window)
        source = f"first {self._windows} windows"
        baseline = file.baseline(whole, source=source, created=window.end)
        self._kept[window.model] = _Learnt(count, baseline, file.dumps(baseline))
        return count == self._windows

    def forget(self, model: Model) -> None:
        """Forget a model."""
        self._kept.pop(model, None)

    def dump(self) -> list[Any]:
        """Its state, for JSON."""
        return [[learnt.windows, learnt.text] for learnt in self._kept.values()]

    def load(self, state: list[Any]) -> None:
        """Take the state that `dump` described."""
        for count, text in state:
            baseline = file.loads(text)
            self._kept[baseline.model] = _Learnt(count, baseline, text)


def merged(one: Window, other: Window) -> Window:
    """Both windows as one."""
    sketches: dict[Key, Sketch] = dict(one.sketches)
    for key, sketch in other.sketches.items():
        known = sketches.get(key)
        if known is None:
            sketches[key] = sketch
        elif type(known) is type(sketch):
            sketches[key] = known.merge(sketch)  # type: ignore[arg-type]  # they are of one type
    frozen: Mapping[Key, Sketch] = MappingProxyType(sketches)
    return replace(
        one,
        start=min(one.start, other.start),
        end=max(one.end, other.end),
        sketches=frozen,
        rows=one.rows + other.rows,
    )
