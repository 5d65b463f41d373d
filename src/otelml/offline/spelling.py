"""One category, many spellings: a file may have 1 as 1.0 or 01, and True as TRUE or 1."""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Spelling: TypeAlias = Mapping[Any, str]
"""Names that a baseline has, by the texts and the numbers that a file may have in their place."""

_TRUE: Final = dict.fromkeys(("True", "true", "TRUE", "1"), "True")
_FALSE: Final = dict.fromkeys(("False", "false", "FALSE", "0"), "False")
_BOOLEANS: Final = MappingProxyType(_TRUE | _FALSE)


def spelling(known: Collection[str]) -> Spelling:
    """How a baseline spells the categories of a column; empty if there is one way only."""
    texts = _BOOLEANS if {"True", "False"} >= {*known} else {name: name for name in known}
    numbers = {_number(text): name for text, name in texts.items()}
    numbers.pop(None, None)
    return {**texts, **numbers} if known and numbers else {}


def as_known(text: str, known: Spelling) -> str:
    """A category as the baseline spells it; one that it does not have, as it is.

    >>> as_known("01", spelling(["1", "2"])), as_known("01", spelling(["01", "A2"]))
    ('1', '01')
    >>> as_known("-0", spelling(["0", "1"])), as_known("TRUE", spelling(["True", "False"]))
    ('0', 'True')
    """
    if name := known.get(text):
        return name
    number = _number(text)
    return text if number is None else known.get(number, text)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
