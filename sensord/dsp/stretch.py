"""The rows that the detector goes through: their columns, where they lie in pod time, and what is asked most."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from sensord.dsp.filters import project
from sensord.model import FloatArray

ACC = slice(0, 3)
GYR = slice(3, 6)
BRIDGED = 6
COLUMNS = 7
"""Columns of the history: acceleration, angular rate, whether the row was bridged."""


FEW = 32
"""Rows above which numpy is faster."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the rows of the history lie in pod time."""

    segment: int
    origin_ns: int
    period_ns: float

    def time_ns(self, row: float) -> int:
        """Pod time of a (fractional) row."""
        return self.origin_ns + round(row * self.period_ns)

    def row(self, t_ns: int) -> int:
        """The row at or before a pod time."""
        return int((t_ns - self.origin_ns) // self.period_ns)


def pitch_rates(rows: FloatArray, axis: FloatArray, bias: FloatArray) -> list[float]:
    """Pitch rate of history rows (n, 7), as `project` gives it.

    A few rows (a packet or two) in plain floats, because numpy takes longer to be called than to work on them.
    """
    if len(rows) > FEW:
        rates: list[float] = project(rows[:, GYR], axis, bias).tolist()
        return rates
    x, y, z = axis.tolist()
    a, b, c = bias.tolist()
    offset = a * x + b * y + c * z
    return [gyr_x * x + gyr_y * y + gyr_z * z - offset for gyr_x, gyr_y, gyr_z in rows[:, GYR].tolist()]


def size(x: float, y: float, z: float) -> float:
    """Length of one vector, as `norm` gives it for many."""
    return sqrt(x * x + y * y + z * z)
