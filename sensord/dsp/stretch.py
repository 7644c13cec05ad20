"""The rows that the detector goes through: their columns, where they lie in pod time, and what is asked most."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

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


class PitchLine(NamedTuple):
    """The pitch axis, and what the gyroscope's bias gives along it (rad/s), in plain numbers."""

    x: float
    y: float
    z: float
    offset: float

    @classmethod
    def of(cls, axis: FloatArray, bias: FloatArray) -> PitchLine:
        """For rates without this bias (3,) about this unit vector (3,)."""
        x, y, z = axis.tolist()
        a, b, c = bias.tolist()
        return cls(x, y, z, a * x + b * y + c * z)

    def along(self, gyr_radps: FloatArray) -> FloatArray:
        """Pitch rates (n,) of rows (n, 3), element by element, so a cut changes no bit."""
        x, y, z, offset = self
        along: FloatArray = gyr_radps[:, 0] * x + gyr_radps[:, 1] * y + gyr_radps[:, 2] * z
        along -= offset
        return along

    def rates(self, gyr_radps: FloatArray) -> list[float]:
        """The same as a list. A few rows (a packet or two) in plain floats, because numpy takes longer to be called
        than to work on them."""
        if len(gyr_radps) > FEW:
            rates: list[float] = self.along(gyr_radps).tolist()
            return rates
        x, y, z, offset = self
        return [gyr_x * x + gyr_y * y + gyr_z * z - offset for gyr_x, gyr_y, gyr_z in gyr_radps.tolist()]


class Looked(NamedTuple):
    """What was worked out of a window's rows: from row `first` on the sizes of the acceleration, and pitch rates."""

    first: int
    acc_mps2: FloatArray
    pitch_radps: FloatArray


def size(x: float, y: float, z: float) -> float:
    """Length of one vector, as `norm` gives it for many."""
    return sqrt(x * x + y * y + z * z)
