"""PyTorch: calls of the modules that `OTELML_TORCH_MODULES` names. Off by default.

Every submodule's call comes this way, so the seam is a closure, cheaper than a proxy, and steps
aside at once in training, compilation and tracing.
"""

import functools
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from otelml.hooks._call import Call, Caller
from otelml.hooks._load import Loader, whole
from otelml.hooks._patch import Coverage, Instrumentor, Patches, process
from otelml.hooks._reader import Card, Column, Reader, named, tensor, version_of
from otelml.recording.columns import features, table


class _ModuleReader(Reader):
    framework = "pytorch"

    def data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The only tensor, or all by name."""
        if len(args) == 1 and not kwargs:
            return args[0]
        return {f"input{i}": value for i, value in enumerate(args)} | kwargs

    def describe(self, instance: Any, data: Any) -> Card:
        return Card(
            named(instance, _class_name(instance), None),
            self.framework,
            version_of("torch"),
        )

    def rows(self, data: Any) -> int:
        return super().rows(next(iter(data.values()), None) if isinstance(data, dict) else data)

    def inputs(self, card: Card, data: Any) -> tuple[Column, ...]:
        settings = process().settings
        if not isinstance(data, dict):
            return features(data, None, settings.exclude_features, settings.max_features)
        tensors = {name: value for name, value in data.items() if hasattr(value, "detach")}
        return table(tensors, settings.exclude_features, settings.max_features)

    def outputs(self, card: Card, call: Call, result: Any) -> Iterator[Column]:
        logits = getattr(result, "logits", result)
        yield from tensor(logits)


class TorchInstrumentor(Instrumentor):
    """Hooks of PyTorch."""

    modules: ClassVar[tuple[str, ...]] = (
        "torch.nn.modules.module",
        "torch.serialization",
        "torch.jit._serialization",
    )
    distribution: ClassVar[str] = "torch"
    supported: ClassVar[str] = ">=2.1"
    covers: ClassVar[Coverage] = Coverage(
        "calls of the modules in `OTELML_TORCH_MODULES`",
        features=True,
        confidence=True,
        classes=True,
        load="`torch.load`, `torch.jit.load`",
    )
    reader: ClassVar[Reader] = _ModuleReader()

    def install(self, module: Any, patches: Patches) -> None:
        """Wrap one of the modules."""
        if not (asked := process().settings.torch_modules):
            return
        if module.__name__ != "torch.nn.modules.module":
            patches.wrap(module, "load", Loader(self.reader, whole, _is_module))
            return
        caller, original = Caller(self.reader), module.Module.__call__

        @functools.wraps(original)
        def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if _class_name(self) not in asked or self.training or _is_traced(sys.modules["torch"]):
                return original(self, *args, **kwargs)
            bound = functools.partial(original, self)
            return caller.call("predict", bound, self, args, kwargs)

        patches.replace(module.Module, "__call__", __call__)


def _class_name(instance: Any) -> str:
    """The class; of compiled and scripted modules, the original's."""
    inner = getattr(instance, "_orig_mod", instance)
    return str(getattr(inner, "original_name", type(inner).__name__))


def _is_traced(torch: Any) -> bool:
    return bool(torch.compiler.is_compiling() or torch._C._get_tracing_state())  # noqa: SLF001


def _is_module(result: Any) -> bool:
    return hasattr(result, "forward") and hasattr(result, "state_dict")
