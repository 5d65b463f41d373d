"""Keys that a YAML text gives twice: it would read the last, and lose the others without a word."""

from collections.abc import Iterator
from typing import Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
"""`<<`, all of which count."""


def repeated(text: str) -> list[str]:
    """A mistake for each key that is given again, with its path; the text is known to be YAML."""
    return [*_below(yaml.compose(text, Loader=yaml.SafeLoader), "", set())]


def _below(node: yaml.Node | None, where: str, seen: set[yaml.Node]) -> Iterator[str]:
    if node is None or node in seen:  # aliases are the nodes that they stand for
        return
    seen.add(node)
    if isinstance(node, yaml.SequenceNode):
        for position, inner in enumerate(node.value):
            yield from _below(inner, f"{where}.{position}", seen)
    elif isinstance(node, yaml.MappingNode):
        known = set()
        for key, inner in node.value:
            path = f"{where}.{key.value}".lstrip(".")
            name = key.tag, key.value
            if name in known and key.tag != _MERGE:
                yield f"{path}: is given again in line {key.start_mark.line + 1}: leave one"
            known.add(name)
            yield from _below(inner, path, seen)
