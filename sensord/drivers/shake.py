"""Which pod is being shaken: the one that turns far more than all others, for a second. No clock; the time is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from sensord.model import NS, SampleBlock

WINDOW_S = 0.3
"""Design choice: how much of each pod's turning is looked at; a hand shakes three times a second or more."""

SHAKEN_RADPS = 3.0
"""Design choice: 170 degrees a second, root mean square; walking about with a pod in each hand stays below."""

TIMES_MORE = 3.0
"""Design choice: and so many times more than the next one, which may lie in the same box."""

FOR_S = 1.0
"""Design choice: and for so long, so that putting a pod down does not count."""


@dataclass(slots=True)
class _Pod:
    turning: deque[tuple[int, float, int]] = field(default_factory=deque)
    """(arrival, sum of squares, samples) of the last blocks."""

    def rms_radps(self, t_ns: int) -> float | None:
        while self.turning and t_ns - self.turning[0][0] > WINDOW_S * NS:
            self.turning.popleft()
        n = sum(count for _, _, count in self.turning)
        return (sum(squares for _, squares, _ in self.turning) / n) ** 0.5 if n else None


class Shaken:
    """Feed it the blocks of all pods; it says which one is shaken once that is clear."""

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}
        self._candidate: str | None = None
        self._since_ns = 0

    def push(self, pod: str, block: SampleBlock, t_ns: int) -> str | None:
        """The shaken pod, or None while it is not clear."""
        squares = float(np.einsum("ij,ij->", block.gyr_radps, block.gyr_radps))
        self._pods.setdefault(pod, _Pod()).turning.append((t_ns, squares, len(block)))
        turning = {name: rms for name, one in self._pods.items() if (rms := one.rms_radps(t_ns)) is not None}
        first, *others = sorted(turning, key=turning.__getitem__, reverse=True)
        clear = turning[first] >= SHAKEN_RADPS and all(turning[first] >= TIMES_MORE * turning[o] for o in others)
        if not clear or first != self._candidate:
            self._candidate, self._since_ns = (first if clear else None), t_ns
            return None
        return first if t_ns - self._since_ns >= FOR_S * NS else None
