"""The base of every hook: patches that can be undone and pickled, and the one outermost call.

A hook says which modules it waits for and what to wrap in them; loading it imports no framework.
Nothing here raises into the app: a failure of ours is logged once a site and counted by nobody.
"""

import copy
import logging
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final

import wrapt
from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otelml.record.process import Process
from otelml.record.settings import Settings

_logger = logging.getLogger("otelml")
_CALL: Final = context.create_key("otelml-call")
_SILENT: Final = object()
_HELPERS: Final = ("resource_tracker", "joblib.externals.loky", "loky.backend", "forkserver")

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class _BoundPatch(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A bound method that pickles as the attribute that it is."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        owner = self._self_instance if self._self_instance is not None else self._self_owner
        return getattr, (owner, self.__wrapped__.__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return getattr(copy.copy(self._self_instance), self.__wrapped__.__name__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return getattr(copy.deepcopy(self._self_instance, memo), self.__wrapped__.__name__)


class _Patch(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A function that pickles by its name, as it did before it was wrapped."""

    __bound_function_wrapper__ = _BoundPatch

    def __reduce_ex__(self, protocol: Any) -> str:
        return str(self.__wrapped__.__qualname__)

    def __reduce__(self) -> str:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class Patches:
    """What was patched; one table drives patching and undoing."""

    def __init__(self) -> None:
        self._table: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self._lock = threading.Lock()

    def wrap(self, owner: Any, name: str, wrapper: Wrapper) -> None:
        """Wrap an attribute that `owner` itself defines, once."""
        with self._lock:
            original = vars(owner).get(name)
            if original is None or (id(owner), name) in self._table:
                return
            self.replace(owner, name, _Patch(original, wrapper))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put something else in the place of an attribute."""
        self._table[id(owner), name] = owner, name, vars(owner)[name]
        setattr(owner, name, value)

    def undo(self) -> None:
        """Restore all, the latest first."""
        for owner, name, original in reversed([*self._table.values()]):
            setattr(owner, name, original)
        self._table.clear()


class Instrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Base of the hooks; `instrument()` and `uninstrument()` are OpenTelemetry's."""

    modules: ClassVar[tuple[str, ...]]

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
        self._live = True
        self.tracer_provider = kwargs.get("tracer_provider")
        process().bridge.attach(kwargs.get("meter_provider"))
        for name in self.modules:
            wrapt.register_post_import_hook(self._imported, name)

    def _imported(self, module: Any) -> None:
        if self._live:
            guarded(self.install, module, self._patches)

    def _uninstrument(self, **_: Any) -> None:
        if getattr(self, "_live", False):
            self._live = False
            self._patches.undo()


_process: Process | None = None
_failed: set[str] = set()


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
        site = getattr(function, "__qualname__", repr(function))
        if site not in _failed:
            _failed.add(site)
            _logger.warning("otelml: %s failed; the app goes on without it", site, exc_info=True)
        return None


def outer(here: context.Context | None = None) -> Any:
    """The call that encloses this one: None outside of any, `silent` where none is recorded."""
    if here is None:
        here = context.get_current()
    found = here.get(_CALL)
    if found is None and len(here) and not is_instrumentation_enabled():
        return _SILENT
    return found


def is_silent(call: Any) -> bool:
    """Whether that is the sign that nothing is to be recorded."""
    return call is _SILENT


def within(call: Any, base: context.Context | None = None) -> context.Context:
    """A context inside of a call."""
    return context.set_value(_CALL, call, base)


def silently(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrapper of what calls models on its own account: training, cross-validation, scoring."""
    token = context.attach(within(_SILENT))
    try:
        return wrapped(*args, **kwargs)
    finally:
        context.detach(token)
