"""How a pod has turned since the first row of a window, and its acceleration seen from there.

The turning of all three axes is kept: a foot turns mostly about its pitch axis, but a tenth of the turning is about
the others, and toes that point outward would shorten every stride. Windows are fixed by events, never by blocks.
"""

from __future__ import annotations

import numpy as np

from sensord.model import FloatArray

_NOT_TURNED = np.eye(3)

STRETCH = 4
"""Rows whose products are formed one after the other, in all stretches of so many rows at once."""


def turned(gyr_radps: FloatArray, rate_hz: float) -> FloatArray:
    """Rotations (n, 3, 3) that take a vector of the pod at each row (n, 3, rad/s) to the pod's axes at row 0.

    Exact for a rate that is straight between rows but for coning, which is below 1e-4 rad a stride at 100 Hz. Products
    are formed inside short stretches, then pairwise of whole stretches (log2 of them steps of whole arrays), since a
    loop over rows would cost ten times as much.
    """
    n = len(gyr_radps)
    stretches = -(-n // STRETCH)
    total = np.empty((stretches * STRETCH, 3, 3))
    total[0] = total[n:] = _NOT_TURNED
    _rotations((gyr_radps[1:] + gyr_radps[:-1]) * (0.5 / rate_hz), total[1:n])
    inside = total.reshape(stretches, STRETCH, 3, 3)
    for row in range(1, STRETCH):
        inside[:, row] = np.matmul(inside[:, row - 1], inside[:, row])
    before = np.empty((stretches, 3, 3))
    before[0], before[1:] = _NOT_TURNED, inside[:-1, -1]
    reach = 1
    while reach < stretches:
        before[reach:] = np.matmul(before[:-reach], before[reach:])
        reach *= 2
    return np.asarray(np.matmul(before[:, None], inside).reshape(-1, 3, 3)[:n])


def _rotations(turns: FloatArray, out: FloatArray) -> None:
    """Rotation vectors (n, 3) to matrices `out` (n, 3, 3), by Rodrigues' formula.

    Its two factors are series to the sixth power: wrong by less than 1e-8 up to 0.4 rad (20 rad/s at 50 Hz).
    """
    turn = np.ascontiguousarray(turns.T)
    x, y, z = turn
    xx, yy, zz = turn * turn
    square = xx + yy + zz
    a = 1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0 - square / 5040.0))  # sin(t) / t
    b = 0.5 - square * (1.0 / 24.0 - square * (1.0 / 720.0 - square / 40320.0))  # (1 - cos(t)) / t^2
    bx, by = b * x, b * y
    xy, xz, yz = bx * y, bx * z, by * z
    ax, ay, az = a * turn
    for at, rest in enumerate((yy + zz, xx + zz, xx + yy)):
        np.subtract(1.0, b * rest, out=out[:, at, at])
    for row, column, even, odd in ((0, 1, xy, az), (2, 0, xz, ay), (1, 2, yz, ax)):
        np.subtract(even, odd, out=out[:, row, column])
        np.add(even, odd, out=out[:, column, row])
