"""Low-pass filters: causal with carried state for the stream, zero-phase for windows that an event has fixed.

Both are Butterworth filters in second-order sections (scipy.signal). The causal one keeps its bits however the input
is cut, because `sosfilt` carries its state from sample to sample; all channels go through one call, since the call
itself costs more than a block of samples. The zero-phase one runs only on windows fixed by sample index.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from sensord.model import FloatArray

_NYQUIST_MARGIN = 0.4
"""A cut-off is kept below 0.4 of the sampling rate (0.8 of Nyquist): design choice, matters below 75 Hz only."""


@lru_cache(maxsize=32)
def _sections(order: int, cutoff_hz: float, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Second-order sections and their steady state for a unit step."""
    cutoff_hz = min(cutoff_hz, _NYQUIST_MARGIN * rate_hz)
    sos = butter(order, cutoff_hz, fs=rate_hz, output="sos")
    return sos, sosfilt_zi(sos)


class LowPass:
    """Causal second-order low-pass of several channels: rows in, as many rows out, state carried.

    Latency at low frequencies: sqrt(2) / (2 pi cutoff) (`delay_s`), the group delay of a second-order Butterworth.
    """

    def __init__(self, cutoff_hz: float, rate_hz: float) -> None:
        self._sos, self._step = _sections(2, cutoff_hz, rate_hz)
        self._state: FloatArray | None = None
        self.delay_s = float(np.sqrt(2.0) / (2.0 * np.pi * cutoff_hz))

    def push(self, rows: FloatArray) -> FloatArray:
        """Filtered rows (n, channels). Starts settled on the first row, so that a start makes no transient."""
        if self._state is None:
            self._state = self._step[:, :, None] * rows[0]
        out, self._state = sosfilt(self._sos, rows, axis=0, zi=self._state)
        return np.asarray(out)

    def reset(self) -> None:
        """Forget what came before: after a gap the next row starts anew."""
        self._state = None


def zero_phase(values: FloatArray, cutoff_hz: float, rate_hz: float) -> FloatArray:
    """A second-order low-pass run forward, then backward, over one window (n,): no delay, -6 dB at the cut-off.

    Each end is continued by its own last value, so give the window some padding.
    """
    sos, step = _sections(2, cutoff_hz, rate_hz)
    forward, _ = sosfilt(sos, values, zi=step * values[0])
    backward, _ = sosfilt(sos, forward[::-1], zi=step * forward[-1])
    return np.asarray(backward[::-1])


def project(rows: FloatArray, axis: FloatArray) -> FloatArray:
    """Rows (n, 3) along a unit vector (3,): element by element, so that a cut of the rows changes no bit."""
    x, y, z = axis.tolist()
    along: FloatArray = rows[:, 0] * x + rows[:, 1] * y + rows[:, 2] * z
    return along
