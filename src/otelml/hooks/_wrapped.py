"""What stands in the place of a patched function: it binds, copies and pickles as before."""

import copy
import inspect
from collections.abc import Callable
from functools import partial, wraps
from inspect import Parameter
from operator import itemgetter
from types import FunctionType, MethodType
from typing import Any, Final, Protocol

import wrapt

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
_ABSENT: Final = Parameter.empty
_BARE: Final = itemgetter(0)  # unpickled where we may not be installed


class _BoundPatch(wrapt.BoundFunctionWrapper):  # type: ignore[type-arg]
    """A bound method that pickles as the attribute that it is."""

    @property
    def _name(self) -> str:
        return str(self._self_parent._self_name)  # noqa: SLF001 - of a `Patch`

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        owner = self._self_instance if self._self_instance is not None else self._self_owner
        return getattr, (owner, self._name)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return getattr(copy.copy(self._self_instance), self._name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return getattr(copy.deepcopy(self._self_instance, memo), self._name)


class Patch(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A function that pickles by its name, as it did before it was wrapped.

    What has no name, such as a `partialmethod`, or no longer stands there is pickled bare.
    """

    __bound_function_wrapper__ = _BoundPatch

    def __init__(self, original: Any, wrapper: Wrapper, on: list[bool], name: str) -> None:
        super().__init__(original, wrapper, on)  # type: ignore[arg-type]
        self._self_name = name

    def __reduce_ex__(self, protocol: Any) -> Any:
        name = getattr(self.__wrapped__, "__qualname__", None)
        if name is None or not self._self_enabled:
            return _BARE, ((self.__wrapped__,),)
        return str(name)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class _Loose(Patch):
    """A callable that does not bind, such as a `partial`: its wrapper is told the instance."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        wrapper, on = self._self_wrapper, self._self_enabled
        return _BoundPatch(self.__wrapped__, instance, wrapper, on, "function", self)  # type: ignore[call-arg]


class Method(Protocol):
    """A wrapper of methods that is told their names.

    It can do without `wrapt`, whose objects cost more than the rest. What awaits goes to its
    `awaited`, which takes the same.
    """

    def call(
        self,
        operation: str,
        wrapped: Any,
        instance: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Call what is wrapped."""


class On(list[bool]):
    """Whether patches are in force: it is empty once they are not, and in other processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ()


def patched(owner: Any, name: str, original: Any, wrapper: Wrapper | Method, on: list[bool]) -> Any:
    """What stands in the place of an attribute of `owner`, of that name."""
    if hasattr(wrapper, "call"):
        if _is_plain(owner, original):
            return _method(name, original, wrapper, on)
        waits = inspect.iscoroutinefunction(original)
        wrapper = partial(getattr(wrapper, "awaited" if waits else "call"), name)
    binds = not isinstance(owner, type) or hasattr(type(original), "__get__")
    return (Patch if binds else _Loose)(original, wrapper, on, name)


def _method(name: str, original: FunctionType, wrapper: Method, on: list[bool]) -> Any:
    """A function that stands for a method: as plain as it was, so that it binds and pickles alike.

    Where it is pickled by value, with a class of `__main__`, what is restored calls the original.
    """

    @wraps(original)
    def patch(instance: Any = _ABSENT, /, *args: Any, **kwargs: Any) -> Any:
        if instance is _ABSENT:  # given by keyword, if at all
            return original(**kwargs)
        if on:
            return wrapper.call(name, MethodType(original, instance), instance, args, kwargs)
        return original(instance, *args, **kwargs)

    patch.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return patch


def _is_plain(owner: Any, original: Any) -> bool:
    """Whether it is a method that another function can stand for: sync, and of a class."""
    waits = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
    return (
        isinstance(owner, type)
        and type(original) is FunctionType
        and not original.__code__.co_flags & (waits | inspect.CO_ITERABLE_COROUTINE)
    )
