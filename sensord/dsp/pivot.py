"""Steps that the pitch rate does not show: turning steps, closing steps, a foot set down flat.

Turning round, a foot is lifted, turned about the upright axis and set down; it hardly pitches. What remains is that it
moves between two rests, for as long as a swing takes. Only looked for in walking, where the foot rests on the ground,
and only between a step that was seen and the next one (or standing): turning on the spot for itself is no walk.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensord.dsp.filters import zero_phase
from sensord.model import FloatArray

CUTOFF_HZ = 10.0
"""Design choice: smooths the shock of landing, keeps a rest of 0.1 s."""

MOVES_RADPS = 1.0
"""Design choice: a foot on the ground turns at less than this (3 % of it in mid-stance, heel lift apart)."""

FAST_RADPS = 2.0
"""Design choice: a step reaches this (80 deg/s is the floor of the gate; a turning foot does twice that)."""

SHORTEST_S = 0.25
"""Design choice: a swing takes longer (0.35 s and more in walking); settling of the foot is over sooner."""

REST_S = 0.2
"""Design choice: how long the foot rests before and after; a walking mid-stance lasts longer."""

SET_DOWN = 0.5
"""Design choice: a foot without a slap is down where its turning has last fallen to half of the swing's highest, and
one without a push-off has left the ground where it has first risen to it."""


def find_pivots(turning_radps: FloatArray, rate_hz: float) -> list[tuple[float, float]]:
    """(lifted, set down) rows of steps inside a window of the size of the angular rate (n,) that begins with a contact.

    A motion that reaches either end of the window is none: it is the landing before, or the next push-off.
    """
    if len(turning_radps) < SHORTEST_S * rate_hz:
        return []
    smooth = zero_phase(turning_radps, CUTOFF_HZ, rate_hz)
    rest, shortest = REST_S * rate_hz, SHORTEST_S * rate_hz
    found = []
    for start, end in _motions(smooth > MOVES_RADPS, rest):
        inside = start >= rest and len(smooth) - end >= rest
        if inside and end - start >= shortest and float(smooth[start:end].max()) >= FAST_RADPS:
            motion = smooth[start:end]
            found.append((start + len(motion) - 1 - set_down(motion[::-1]), start + set_down(motion)))
    return found


def _motions(moves: npt.NDArray[np.bool_], rest: float) -> list[tuple[int, int]]:
    """Stretches [start, end) of motion, those joined that have no rest in between."""
    padded = np.concatenate(([False], moves, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    motions: list[tuple[int, int]] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if motions and start - motions[-1][1] < rest:
            motions[-1] = (motions[-1][0], end)
        else:
            motions.append((start, end))
    return motions


def set_down(turning_radps: FloatArray) -> float:
    """The fractional row where a motion (n,) has fallen to `SET_DOWN` of its highest turning for the last time."""
    level = SET_DOWN * float(turning_radps.max())
    row = int(np.flatnonzero(turning_radps >= level)[-1])
    if row == len(turning_radps) - 1:
        return float(row)
    return row + float((turning_radps[row] - level) / (turning_radps[row] - turning_radps[row + 1]))
