"""A column that is taken for one kind here and for another there: numbers, categories, shares.

One with nothing but missing values does not say what it is, so whoever sees it first may be wrong.
"""

from dataclasses import replace
from typing import TypeAlias

from otelml.sketch.categories import Categories
from otelml.sketch.count import Count
from otelml.sketch.numeric import Numeric
from otelml.sketch.probability import Probability

Sketch: TypeAlias = Numeric | Categories | Probability | Count


def as_kind(sketch: Sketch, kind: type[Sketch]) -> Sketch:
    """The same in a column of `kind`: what is missing stays so, other values are mismatched.

    >>> as_kind(Categories.of(["a", None]), Numeric).observations
    2
    """
    if type(sketch) is kind:
        return sketch
    seen, missing = getattr(sketch, "observations", 0), getattr(sketch, "missing", 0)
    nothing = kind.empty()
    if isinstance(nothing, Count):
        return nothing
    return replace(nothing, missing=missing, mismatched=seen - missing)
