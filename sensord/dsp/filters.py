"""Low-pass filters: causal with carried state for the stream, zero-phase for windows that an event has fixed.

Both are second-order Butterworth filters designed by scipy.signal. The causal one is stepped sample by sample in
plain floats: it keeps its bits however the input is cut, and for one channel in short blocks it costs a tenth of a
scipy call. The zero-phase one runs `lfilter` forward and backward on windows fixed by row number: for one second-order
section that is the arithmetic of `sosfilt` at a quarter of what a call costs.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log
from typing import Any

import numpy as np
from scipy.signal import butter, firwin, lfilter, lfilter_zi, upfirdn

from sensord.dsp.vectors import Vector
from sensord.model import FloatArray

try:  # what `lfilter` calls once it has looked at its arguments, which takes three times as long as filtering a stride
    from scipy.signal._sigtools import _linear_filter
except ImportError:  # it is not part of scipy's interface

    def _linear_filter(b: FloatArray, a: FloatArray, x: FloatArray, axis: int, zi: FloatArray) -> Any:  # noqa: ANN401
        return lfilter(b, a, x, axis, zi)


_NYQUIST_MARGIN = 0.4
"""A cut-off is kept below 0.4 of the sampling rate (0.8 of Nyquist): design choice, matters below 75 Hz only."""


@lru_cache(maxsize=32)
def _section(cutoff_hz: float, rate_hz: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Numerator, denominator, and the steady state for a unit step."""
    b, a = butter(2, min(cutoff_hz, _NYQUIST_MARGIN * rate_hz), fs=rate_hz)
    return b, a, lfilter_zi(b, a)


class LowPass:
    """Causal second-order low-pass of one channel, state carried from call to call.

    Latency at low frequencies: sqrt(2) / (2 pi cutoff) (`delay_s`), the group delay of a second-order Butterworth.
    """

    def __init__(self, cutoff_hz: float, rate_hz: float) -> None:
        b, a, step = _section(cutoff_hz, rate_hz)
        self._b0, self._b1, self._b2 = b.tolist()
        _, self._a1, self._a2 = a.tolist()
        self._settled = step.tolist()
        self._state: tuple[float, float] | None = None
        self.delay_s = float(np.sqrt(2.0) / (2.0 * np.pi * cutoff_hz))

    def push(self, values: list[float]) -> list[float]:
        """Filtered values, as many. Starts settled on the first one, so that a start makes no transient."""
        if not values:
            return []
        b0, b1, b2, a1, a2 = self._b0, self._b1, self._b2, self._a1, self._a2
        z1, z2 = self._state if self._state is not None else (s * values[0] for s in self._settled)
        out = []
        for x in values:  # direct form II transposed, as in scipy
            y = b0 * x + z1
            z1 = b1 * x - a1 * y + z2
            z2 = b2 * x - a2 * y
            out.append(y)
        self._state = (z1, z2)
        return out

    def reset(self) -> None:
        """Forget what came before: the next value starts anew."""
        self._state = None


def zero_phase(values: FloatArray, cutoff_hz: float, rate_hz: float) -> FloatArray:
    """A second-order low-pass run forward, then backward, over one window (n,): no delay, -6 dB at the cut-off.

    Each end is continued by its own last value, so give the window some padding. Several channels (k, n) at once cost
    hardly more than one.
    """
    b, a, step = _section(cutoff_hz, rate_hz)
    forward, _ = _linear_filter(b, a, values, -1, values[..., :1] * step)
    backward, _ = _linear_filter(b, a, forward[..., ::-1], -1, forward[..., -1:] * step)
    return np.asarray(backward[..., ::-1])


_FORGOTTEN = 1e-13
"""Share of a value that is less than its own rounding."""


@lru_cache(maxsize=32)
def _memory(cutoff_hz: float, rate_hz: float) -> int:
    """Rows after which the filter has forgotten: its two poles lie at sqrt(a2) from the centre."""
    _, a, _ = _section(cutoff_hz, rate_hz)
    return ceil(2.0 * log(_FORGOTTEN) / log(float(a[2])))


def zero_phase_near(values: FloatArray, first: int, last: int, cutoff_hz: float, rate_hz: float) -> FloatArray:
    """Rows first..last-1 of `zero_phase` of channels (k, n), where these are few: (k, last - first).

    What is further away than the filter remembers is not looked at; what is left is filtered by a small matrix.
    """
    reach = _memory(cutoff_hz, rate_hz)
    low, high = max(0, first - reach), min(values.shape[1], last + reach)
    return np.asarray(values[:, low:high] @ _near(high - low, first - low, last - low, cutoff_hz, rate_hz))


@lru_cache(maxsize=32)
def _near(rows: int, first: int, last: int, cutoff_hz: float, rate_hz: float) -> FloatArray:
    """What each of so many rows gives to rows first..last-1: (rows, last - first)."""
    return np.ascontiguousarray(zero_phase(np.eye(rows), cutoff_hz, rate_hz)[:, first:last])


_FINER_HALF = 10
_FINER_KAISER = 5.0
"""Half-length in samples and window of the interpolation, as `scipy.signal.resample_poly` has them."""


@lru_cache(maxsize=32)
def _between(times: int) -> FloatArray:
    """Low-pass at the old Nyquist frequency for `times` as many samples."""
    taps = firwin(2 * _FINER_HALF * times + 1, 1.0 / times, window=("kaiser", _FINER_KAISER))
    return np.asarray(times * taps)


def finer(values: FloatArray, times: int) -> FloatArray:
    """Channels (k, n) as a band-limited signal has them at `times` the rate: (k, (n - 1) * times + 1).

    The ends are continued by their own values, so give the window some padding.
    """
    if times <= 1:
        return values
    padded = np.concatenate(
        (np.repeat(values[:, :1], _FINER_HALF, axis=1), values, np.repeat(values[:, -1:], _FINER_HALF, axis=1)), axis=1
    )
    start = 2 * _FINER_HALF * times
    return np.asarray(
        upfirdn(_between(times), padded, times, axis=1)[:, start : start + (values.shape[1] - 1) * times + 1]
    )


def project(rows: FloatArray, axis: FloatArray | Vector, offset: FloatArray | None = None) -> FloatArray:
    """Rows (n, 3), less an offset (3,), along a unit vector (3,): element by element, so a cut changes no bit."""
    x, y, z = axis if isinstance(axis, tuple) else axis.tolist()
    along: FloatArray = rows[:, 0] * x + rows[:, 1] * y + rows[:, 2] * z
    if offset is not None:
        a, b, c = offset.tolist()
        along -= a * x + b * y + c * z
    return along


def highest(values: FloatArray) -> float:
    """The largest of values (n,), none of them nan: `max` at a third of its cost."""
    most: float = values.item(values.argmax())
    return most


def norm(rows: FloatArray) -> FloatArray:
    """Lengths of rows (n, 3), element by element."""
    squares = rows * rows
    return np.asarray(np.sqrt(squares[:, 0] + squares[:, 1] + squares[:, 2]))
