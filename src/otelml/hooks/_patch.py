"""The base of every hook: patches that can be undone and pickled, and the one outermost call.

A hook says which modules it waits for and what to wrap in them; loading it imports no framework.
Nothing here raises into the app: a failure of ours is logged once a site and counted by nobody.
"""

import logging
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Final, NamedTuple

import wrapt
from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)
from packaging.specifiers import SpecifierSet

from otelml.hooks._wrapped import Method, On, Wrapper, patched
from otelml.recording.process import Process
from otelml.recording.settings import Settings

_logger = logging.getLogger("otelml")
CALL: Final = context.create_key("otelml-call")
GIVEN_IDS: Final = context.create_key("otelml-inference-ids")
_ABSENT: Final = object()
_PLAIN: Final = "suppress_instrumentation"
_SUPPRESSED: Final = (_PLAIN, getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", _PLAIN))
"""What `suppress_instrumentation` sets; asking it costs as much as all the rest of `outer`."""
_HELPERS: Final = (
    "resource_tracker",
    "joblib.externals.loky",
    "loky.backend",
    "ray/dashboard",
    "ray/_private/log_monitor",
    "ray/_private/runtime_env",
    "ray/autoscaler",
    "ts/metrics/metric_collector",
)


class _Silent:
    """Stands for a call in whose context none is recorded."""

    over: Final = False


SILENT: Final = _Silent()


class Patches:
    """What was patched; one table drives patching and undoing."""

    def __init__(self) -> None:
        self._table: dict[tuple[int, str], tuple[Any, str, Any, Any]] = {}
        self._lock = threading.Lock()
        self._on = On([True])  # wrapt asks for its truth at each call

    def wrap(
        self, owner: Any, name: str, wrapper: Wrapper | Method, *, inherited: bool = False
    ) -> None:
        """Wrap an attribute that `owner` itself defines, or else inherits, once."""
        with self._lock:
            places = owner.__mro__ if inherited else (owner,)
            original = next((vars(cls)[name] for cls in places if name in vars(cls)), None)
            if original is not None and (id(owner), name) not in self._table:
                self.replace(owner, name, patched(owner, name, original, wrapper, self._on))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put something else in the place of an attribute."""
        self._table[id(owner), name] = owner, name, vars(owner).get(name, _ABSENT), value
        setattr(owner, name, value)

    def undo(self) -> None:
        """Restore all, the latest first; what others wrapped or kept since then is ours no more."""
        self._on.clear()
        for owner, name, original, ours in reversed([*self._table.values()]):
            if vars(owner).get(name) is not ours:
                continue
            if original is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._table.clear()


class Coverage(NamedTuple):
    """What a hook records: a row of README's matrix, kept true by the hook's own test."""

    calls: str
    asynchronous: bool = False
    features: bool = False
    confidence: bool = False
    classes: bool = False
    names: bool = False
    load: str = ""
    context: str = ""


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Base of the hooks; `instrument()` and `uninstrument()` are OpenTelemetry's.

    `modules` are waited for, `distribution` (or one of its `aliases`) is what ships them,
    `supported` its versions.
    """

    modules: ClassVar[tuple[str, ...]]
    distribution: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    supported: ClassVar[str]
    covers: ClassVar[Coverage]

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: the loader checks a distribution, and ours serves many frameworks."""
        return ()

    @abstractmethod
    def install(self, module: Any, patches: Patches) -> None:
        """Wrap what is to be wrapped in one of `modules`, which was just imported."""

    def _instrument(self, **kwargs: Any) -> None:
        if in_helper():
            return
        self._patches = Patches()
        self._live, self._warned = True, False
        process().attach(kwargs.get("meter_provider"), kwargs.get("tracer_provider"))
        for name in self.modules:
            if (type(self), name) not in _waiting:  # a post-import hook cannot be taken back
                _waiting.add((type(self), name))
                wrapt.register_post_import_hook(self._imported, name)
            elif name in sys.modules:
                self._imported(sys.modules[name])

    def _imported(self, module: Any) -> None:
        if not self._live:
            return
        if complaint := self.unsupported():
            if not self._warned:
                self._warned = True
                _logger.warning("otelml: %s; it runs without our hooks", complaint)
            return
        guarded(self.install, module, self._patches)

    @classmethod
    def installed(cls) -> str | None:
        """Version of the framework, if it is installed."""
        for name in (cls.distribution, *cls.aliases):
            try:
                return version(name)
            except PackageNotFoundError:
                continue
        return None

    @classmethod
    def unsupported(cls) -> str | None:
        """Why the installed version of the framework is not hooked; None if it is."""
        found = cls.installed()
        if found is None or SpecifierSet(cls.supported, prereleases=True).contains(found):
            return None
        return f"{cls.distribution} {found} is not supported, only {cls.supported}"

    def _uninstrument(self, **_: Any) -> None:
        if getattr(self, "_live", False):
            self._live = False
            self._patches.undo()


_process: Process | None = None
_failed: set[str] = set()
_waiting: set[tuple[type, str]] = set()


def process() -> Process:
    """What the hooks of this process share, made on first use."""
    global _process  # noqa: PLW0603
    if _process is None:
        _process = Process(Settings.read())
    return _process


def in_helper() -> bool:
    """Whether this is a process that serves another one's library, not the app.

    >>> in_helper()
    False
    """
    given = " ".join(sys.orig_argv)
    return any(name in given for name in _HELPERS)


def guarded(function: Callable[..., Any], *args: Any) -> Any:
    """What `function` returns; None, and one log line a site, if it raises."""
    try:
        return function(*args)
    except Exception:
        failed(function)
        return None


def failed(site: Callable[..., Any]) -> None:
    """Log the exception at hand, the first time that `site` raises one."""
    name = getattr(site, "__qualname__", repr(site))
    if name not in _failed:
        _failed.add(name)
        _logger.warning("otelml: %s failed; the app goes on without it", name, exc_info=True)


def outer(here: context.Context | None = None) -> Any:
    """The call that encloses this one: None outside of any, `SILENT` where none is recorded.

    One that is over encloses nothing: a task or a thread may keep its context for longer.
    """
    if here is None:
        here = context.get_current()
    found: Any = here.get(CALL)
    if found is not None and not found.over:
        return found
    return SILENT if any(map(here.get, _SUPPRESSED)) else None


def silently(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrapper of what calls models on its own account: training, cross-validation, scoring."""
    token = context.attach(context.set_value(CALL, SILENT))
    try:
        return wrapped(*args, **kwargs)
    finally:
        context.detach(token)
