"""What stands in the place of a patched function: it binds, copies and pickles as before."""

import copy
import inspect
from collections.abc import Callable
from functools import wraps
from types import FunctionType, MethodType
from typing import Any, Protocol

import wrapt

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


class Patch(wrapt.FunctionWrapper):  # type: ignore[type-arg]
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


class Method(Protocol):
    """A wrapper of methods that can do without `wrapt`, whose objects cost more than the rest."""

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


def method(original: FunctionType, wrapper: Method, on: list[bool]) -> Any:
    """A function that stands for a method: as plain as it was, so that it binds and pickles alike.

    Where it is pickled by value, with a class of `__main__`, what is restored calls the original.
    """
    name = original.__name__

    @wraps(original)
    def patch(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        if on:
            return wrapper.call(name, MethodType(original, instance), instance, args, kwargs)
        return original(instance, *args, **kwargs)

    patch.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return patch


def is_plain(owner: Any, original: Any) -> bool:
    """Whether it is a method that another function can stand for: sync, and of a class."""
    waits = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
    return (
        isinstance(owner, type)
        and type(original) is FunctionType
        and not original.__code__.co_flags & (waits | inspect.CO_ITERABLE_COROUTINE)
    )
