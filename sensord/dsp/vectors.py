"""Vectors of three plain floats.

A stride asks for some dozens of them: directions, means, what was left over. numpy takes longer to be called than to
work on three numbers, so arrays are for rows of samples and these are for the rest.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from sensord.model import FloatArray

Vector = tuple[float, float, float]

Matrix = tuple[Vector, Vector, Vector]
"""Three rows."""


def vector(values: FloatArray) -> Vector:
    """An array (3,) as a vector."""
    x, y, z = values.tolist()
    return x, y, z


def matrix(values: FloatArray) -> Matrix:
    """An array (3, 3) as a matrix."""
    (a, b, c), (d, e, f), (g, h, i) = values.tolist()
    return (a, b, c), (d, e, f), (g, h, i)


def mean_of(rows: FloatArray) -> Vector:
    """Mean of the rows (n, 3)."""
    n = len(rows)
    x, y, z = np.add.reduce(rows, axis=0).tolist()
    return x / n, y / n, z / n


def dot(a: Vector, b: Vector) -> float:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def length(a: Vector) -> float:
    """Length."""
    return sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


def scaled(a: Vector, by: float) -> Vector:
    """Times a number."""
    return a[0] * by, a[1] * by, a[2] * by


def plus(a: Vector, b: Vector, times: float = 1.0) -> Vector:
    """`a` and so many `b`."""
    return a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """Vector product."""
    (a0, a1, a2), (b0, b1, b2) = a, b
    return a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0


def rotated(by: Matrix, a: Vector) -> Vector:
    """A vector of the pod in common axes, by a rotation that takes it there."""
    return dot(by[0], a), dot(by[1], a), dot(by[2], a)


def rotated_back(by: Matrix, a: Vector) -> Vector:
    """The inverse of `rotated`."""
    r, s, t = by
    x, y, z = a
    return r[0] * x + s[0] * y + t[0] * z, r[1] * x + s[1] * y + t[1] * z, r[2] * x + s[2] * y + t[2] * z
