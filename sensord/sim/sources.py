"""What a simulated pod measures: samples on a time line of their own, which starts at 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sensord.model import G_MPS2, NS, FloatArray, IntArray, MaskArray


@dataclass(frozen=True, slots=True)
class Samples:
    """n samples in the pod's frame: t_ns (n,) on the source's time line, acc (n, 3) m/s2, gyr (n, 3) rad/s.

    `saturated` (n,): bits 0-2 acc x,y,z and 3-5 gyr x,y,z were at full scale (as in `model.SampleBlock`).
    """

    t_ns: IntArray
    acc_mps2: FloatArray
    gyr_radps: FloatArray
    saturated: MaskArray

    def __len__(self) -> int:
        return int(self.t_ns.shape[0])


class SampleSource(Protocol):
    """Gives the samples of any stretch of time, the same ones whenever it is asked."""

    def between(self, start_ns: int, end_ns: int, rate_hz: float) -> Samples:
        """Samples with start <= t < end."""
        ...


class SineSource:
    """A sine on the vertical over gravity and one about y: enough to test a link."""

    def __init__(self, frequency_hz: float = 1.5, amplitude_mps2: float = 20.0, amplitude_radps: float = 8.0) -> None:
        self._omega = 2 * np.pi * frequency_hz
        self._acc = amplitude_mps2
        self._gyr = amplitude_radps

    def between(self, start_ns: int, end_ns: int, rate_hz: float) -> Samples:
        """Samples at multiples of the sample period."""
        period_ns = NS / rate_hz
        first, stop = int(np.ceil(start_ns / period_ns)), int(np.ceil(end_ns / period_ns))
        t_ns = np.rint(np.arange(first, stop) * period_ns).astype(np.int64)
        phase = self._omega * (t_ns / NS)
        zero = np.zeros(len(t_ns))
        acc = np.stack([zero, zero, G_MPS2 + self._acc * np.sin(phase)], axis=1)
        gyr = np.stack([zero, self._gyr * np.cos(phase), zero], axis=1)
        return Samples(t_ns, acc, gyr, np.zeros(len(t_ns), np.uint8))


class ShakenSource:
    """A pod that lies still and is shaken by hand from `begin_s` to `end_s`, about three times a second."""

    def __init__(self, begin_s: float, end_s: float) -> None:
        self._begin_ns, self._end_ns = round(begin_s * NS), round(end_s * NS)

    def between(self, start_ns: int, end_ns: int, rate_hz: float) -> Samples:
        """Samples at multiples of the sample period."""
        period_ns = NS / rate_hz
        first, stop = int(np.ceil(start_ns / period_ns)), int(np.ceil(end_ns / period_ns))
        t_ns = np.rint(np.arange(first, stop) * period_ns).astype(np.int64)
        shaken = (t_ns >= self._begin_ns) & (t_ns < self._end_ns)
        turning = np.where(shaken, np.sin(2 * np.pi * 3.2 * t_ns / NS), 0.0)
        zero = np.zeros(len(t_ns))
        gyr = np.stack([zero, 2.0 * turning, 9.0 * turning], axis=1)
        acc = np.stack([15.0 * turning, zero, np.full(len(t_ns), G_MPS2)], axis=1)
        return Samples(t_ns, acc, gyr, np.zeros(len(t_ns), np.uint8))


class ArraySource:
    """Plays recorded or rendered arrays (for example `sim.runner`'s): times are taken from the first sample on.

    Before its start it holds the first sample and, unless it loops, after its end the last one, so that a pod that is
    asked too early or too late stands still instead of falling silent. Gaps in the arrays stay gaps.
    """

    def __init__(
        self,
        t_ns: IntArray,
        acc_mps2: FloatArray,
        gyr_radps: FloatArray,
        saturated: MaskArray | None = None,
        *,
        loop: bool = False,
    ) -> None:
        if len(t_ns) < 2 or np.any(np.diff(t_ns) <= 0):
            raise ValueError("a source needs two samples or more, in order")
        self._t_ns = np.asarray(t_ns, np.int64) - int(t_ns[0])
        self._acc = np.asarray(acc_mps2, np.float64)
        self._gyr = np.asarray(gyr_radps, np.float64)
        self._saturated = np.zeros(len(t_ns), np.uint8) if saturated is None else np.asarray(saturated, np.uint8)
        self._loop = loop
        step_ns = int(np.median(np.diff(self._t_ns)))
        self.length_ns = int(self._t_ns[-1]) + step_ns

    def between(self, start_ns: int, end_ns: int, rate_hz: float) -> Samples:
        """Samples as they are in the arrays; `rate_hz` only spaces those that are held."""
        parts = [self._held(start_ns, min(end_ns, 0), 0, rate_hz)]
        at_ns = max(start_ns, 0)
        while at_ns < end_ns and (self._loop or at_ns < self.length_ns):
            round_ns = at_ns // self.length_ns * self.length_ns
            until_ns = min(end_ns, round_ns + self.length_ns)
            parts.append(self._played(at_ns - round_ns, until_ns - round_ns, round_ns))
            at_ns = until_ns
        parts.append(self._held(at_ns, end_ns, len(self._t_ns) - 1, rate_hz))
        return Samples(
            np.concatenate([p.t_ns for p in parts]),
            np.concatenate([p.acc_mps2 for p in parts]),
            np.concatenate([p.gyr_radps for p in parts]),
            np.concatenate([p.saturated for p in parts]),
        )

    def _played(self, start_ns: int, end_ns: int, shift_ns: int) -> Samples:
        cut = slice(*np.searchsorted(self._t_ns, [start_ns, end_ns]))
        return Samples(self._t_ns[cut] + shift_ns, self._acc[cut], self._gyr[cut], self._saturated[cut])

    def _held(self, start_ns: int, end_ns: int, index: int, rate_hz: float) -> Samples:
        period_ns = NS / rate_hz
        first, stop = int(np.ceil(start_ns / period_ns)), int(np.ceil(end_ns / period_ns))
        t_ns = np.rint(np.arange(first, max(stop, first)) * period_ns).astype(np.int64)
        rows = np.full(len(t_ns), index)
        return Samples(t_ns, self._acc[rows], self._gyr[rows], self._saturated[rows])
