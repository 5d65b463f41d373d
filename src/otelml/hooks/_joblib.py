"""The calling context, carried into the threads of joblib."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final

from opentelemetry import context

from otelml.hooks._patch import outer

_BARE: Final = itemgetter(0)  # unpickled where we may not be installed


class _InContext:
    """A task that runs in the context of whoever dispatched it; pickled, it is the bare task."""

    def __init__(self, function: Any, where: context.Context) -> None:
        self._function, self._where = function, where

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = context.attach(self._where)
        try:
            return self._function(*args, **kwargs)
        finally:
            context.detach(token)

    def __reduce__(self) -> tuple[Any, ...]:
        return _BARE, ((self._function,),)


def in_context(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Carry the enclosing call into joblib's threads, so that what runs there is within it."""
    if outer() is None or not args:
        return wrapped(*args, **kwargs)
    here = context.get_current()

    def tasks() -> Iterator[Any]:
        for task, task_args, task_kwargs in args[0]:
            yield _InContext(task, here), task_args, task_kwargs

    sized = hasattr(args[0], "__len__")  # joblib tells of its progress by it
    return wrapped([*tasks()] if sized else tasks(), *args[1:], **kwargs)
