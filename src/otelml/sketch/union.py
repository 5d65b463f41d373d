"""Body and tail of two sketches together: who stays, who returns, and who leaves for the tail."""

from functools import reduce
from typing import Final, TypeAlias

import numpy as np

from otelml.sketch.buckets import FINEST
from otelml.sketch.exponential import Exponential, pool
from otelml.sketch.trim import FEW, MUCH, layout

Halves: TypeAlias = tuple[Exponential, Exponential]
"""Body and tail."""

_CROWD: Final = 0.01
"""Share of the values that merging leaves in a tail too coarse for the body to take them back."""

_CROWDED: Final = 32
"""The same of a small sketch, whatever its share: it may grow."""

_FINE: Final = 10
"""Scale at which a tail returns to the body of a small sketch, though that be finer by chance."""

_MANY: Final = 512
"""Values from which on a sketch is not small."""


def union(one: Halves, other: Halves) -> Halves:
    """The halves of both sketches, as fine as they can be.

    Tails that are fine enough return to the pool, out of which the new body is chosen; a tail
    coarser than the body that comes out stays a tail.
    """
    sizes = _count(*one), _count(*other)
    if not all(sizes):
        return one if sizes[0] else other
    origin = (one if sizes[0] >= sizes[1] else other)[0].origin
    one, other = _about(one, origin), _about(other, origin)
    every = [h for h in (*one, *other) if h.count]
    extremes = (
        float(np.fmin.reduce([h.minimum for h in every])),
        float(np.fmax.reduce([h.maximum for h in every])),
    )
    parts, tails = _divided(one, other)
    total = sum(sizes)
    few, enough = _few(total), _FINE if total < _MANY else FINEST
    while True:
        scale = min(h.scale for h in parts)
        while tails and (
            tails[-1].scale >= min(scale, enough)
            or (_count(*tails) > few and tails[-1].scale + MUCH > scale)
            or 2 * _count(*tails) > total
        ):
            parts.append(tails.pop())
            scale = min(scale, parts[-1].scale)
        stuck = reduce(Exponential.merge, tails, Exponential.empty(origin))
        zeros = sum(h.zeros for h in parts)
        body, tail = layout(scale, zeros, pool(parts, scale), extremes, origin, stuck)
        if not tails or tails[-1].scale < body.scale:
            return body, _finer(tail, one[1], other[1])
        parts.append(tails.pop())


def _divided(one: Halves, other: Halves) -> tuple[list[Exponential], list[Exponential]]:
    """What the new body is made of, and what is in tails, the coarsest first.

    A body that would make the other one much coarser is a tail, unless it outweighs it, or would
    share the tail with what is much coarser yet.
    """
    coarse, fine = sorted((one[0], other[0]), key=lambda h: h.scale)
    tails = sorted((h for h in (one[1], other[1]) if h.count), key=lambda h: h.scale)
    total = _count(*one, *other)
    alone = not tails or tails[0].scale + MUCH > coarse.scale
    most = max(_few(total), total // 2 if alone else 0)
    if coarse.scale + MUCH <= fine.scale and _count(coarse, *tails) <= most:
        return [fine], sorted([coarse, *tails], key=lambda h: h.scale)
    return [coarse, fine], tails


def _few(total: int) -> float:
    return max(_CROWD * total, 2 * FEW, min(_CROWDED, total // 4))


def _finer(tail: Exponential, *parts: Exponential) -> Exponential:
    """The sum of these tails if the new one holds the very same values, less finely."""
    if tail.count != _count(*parts):
        return tail
    kept = reduce(Exponential.merge, parts)
    if kept.scale <= tail.scale:
        return tail
    alike = kept.rescale(tail.scale)
    return kept if (alike.positive, alike.negative) == (tail.positive, tail.negative) else tail


def _count(*histograms: Exponential) -> int:
    return sum(h.count for h in histograms)


def _about(halves: Halves, origin: float) -> Halves:
    """The same about another origin, where other values may be the odd ones."""
    body, tail = halves
    if body.origin == origin:
        return halves
    zeros, signs = body.shifted(origin)
    extremes = (
        float(np.fmin(body.minimum, tail.minimum)),
        float(np.fmax(body.maximum, tail.maximum)),
    )
    return layout(FINEST, zeros, signs, extremes, origin, tail.about(origin))
