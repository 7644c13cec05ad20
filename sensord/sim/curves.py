"""Smooth curves through a few meaningful instants, for thousands of strides at once.

A rate curve is a piecewise cubic through knots (time, rate) with chosen slopes; its integral (an angle, a position) is
twice continuously differentiable. Rates are linear in a few unknowns a stride, which are solved so that the integral
between named knots is what it has to be: the foot arrives where the next contact is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PPoly

from sensord.model import FloatArray


@dataclass(frozen=True, slots=True)
class Knot:
    """One instant of every stride: `t` (n,), rate = `base` + sum of `tied[u]` times unknown u.

    `slope` 0 makes the rate level there (an extremum), 1 lets it pass through as its neighbours say.
    """

    t: FloatArray
    base: FloatArray | float = 0.0
    tied: tuple[tuple[str, FloatArray | float], ...] = ()
    slope: FloatArray | float = 1.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """What the rate must integrate to between two named knots: `total` (n,)."""

    start: str
    end: str
    total: FloatArray


@dataclass(frozen=True, slots=True)
class Rates:
    """Knots of n strides: times, rates and slopes, each (n, K)."""

    t: FloatArray
    rate: FloatArray
    slope: FloatArray


def solve(knots: Sequence[Knot], unknowns: Sequence[str], spans: Sequence[Span]) -> Rates:
    """Rates of every stride: the unknowns are chosen so that every span has its total (as many spans as unknowns)."""
    t = np.stack([k.t for k in knots], axis=1)
    n, count = t.shape
    place = {u: i + 1 for i, u in enumerate(unknowns)}
    parts = np.zeros((n, count, len(unknowns) + 1))  # [constant, unknown 1, ...]
    for j, knot in enumerate(knots):
        parts[:, j, 0] = knot.base
        for u, share in knot.tied:
            parts[:, j, place[u]] = share
    level = np.stack([np.broadcast_to(np.asarray(k.slope, dtype=np.float64), (n,)) for k in knots], axis=1)
    slopes = level[:, :, None] * _parabolic_slopes(t, parts)
    h = np.diff(t, axis=1)[:, :, None]
    area = h / 2.0 * (parts[:, 1:] + parts[:, :-1]) + h**2 / 12.0 * (slopes[:, :-1] - slopes[:, 1:])
    total = np.concatenate([np.zeros((n, 1, area.shape[2])), np.cumsum(area, axis=1)], axis=1)
    index = {k.name: j for j, k in enumerate(knots) if k.name}
    rows = np.stack([total[:, index[s.end]] - total[:, index[s.start]] for s in spans], axis=1)
    want = np.stack([s.total for s in spans], axis=1) - rows[:, :, 0]
    found = np.linalg.solve(rows[:, :, 1:], want[:, :, None])[:, :, 0]
    weights = np.concatenate([np.ones((n, 1)), found], axis=1)
    return Rates(t, np.einsum("nkb,nb->nk", parts, weights), np.einsum("nkb,nb->nk", slopes, weights))


def _parabolic_slopes(t: FloatArray, parts: FloatArray) -> FloatArray:
    """Slope at each knot of the parabola through it and its neighbours; 0 at the ends."""
    h = np.diff(t, axis=1)[:, :, None]
    steep = np.diff(parts, axis=1) / h
    out = np.zeros_like(parts)
    out[:, 1:-1] = (h[:, 1:] * steep[:, :-1] + h[:, :-1] * steep[:, 1:]) / (h[:, 1:] + h[:, :-1])
    return out


def join(pieces: Sequence[Rates], start_s: float, end_s: float) -> PPoly:
    """One rate curve over [start_s, end_s]: the strides in order of time, zero where nothing moves."""
    order = np.argsort([p for piece in pieces for p in piece.t[:, 0]], kind="stable")
    t = [row for piece in pieces for row in piece.t]
    rate = [row for piece in pieces for row in piece.rate]
    slope = [row for piece in pieces for row in piece.slope]
    columns: list[list[FloatArray]] = [[], [], []]
    last = start_s
    for i in order:
        # a stride begins with the knot the one before ended with; after standing, it begins with a knot of its own
        first = 1 if columns[0] and t[i][0] - last < 1e-9 else 0
        columns[0].append(t[i][first:])
        columns[1].append(rate[i][first:])
        columns[2].append(slope[i][first:])
        last = t[i][-1]
    head, tail = np.array([start_s - 1.0]), np.array([end_s + 1.0])
    zero = np.zeros(1)
    return CubicHermiteSpline(
        np.concatenate([head, *columns[0], tail]),
        np.concatenate([zero, *columns[1], zero]),
        np.concatenate([zero, *columns[2], zero]),
        extrapolate=True,
    )


def steps(t: FloatArray, value: FloatArray) -> PPoly:
    """A twice continuously differentiable curve through (t, value), level at every knot (quintic steps)."""
    h, d = np.diff(t), np.diff(value)
    zero = np.zeros_like(h)
    return PPoly(np.stack([6 * d / h**5, -15 * d / h**4, 10 * d / h**3, zero, zero, value[:-1]]), t, extrapolate=True)
