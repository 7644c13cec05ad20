"""Pods on the wrong feet: after contact a foot rolls outward, and which way that is says which foot it is.

Landing on its outer edge and rolling inward over it (eversion) is how feet come down; about heel-to-toe a left foot
rolls the other way than a right one. Seen as the wrong foot, the rolling has the wrong sign and its largest excursion
is that of contact itself, 0. On the recordings of eight people (two runners, six walkers:
`tests/load/test_load_sides.py`) the medians are 1.5 to 24 degrees as worn, and 0 to 1.3 degrees with the two
recordings exchanged.

Only both feet together are believed: one foot may well hardly roll. It is a remark, nothing is exchanged by it: a
runner whose feet both roll inward at contact would get it without reason.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from sensord.model import FootNote, Side, Stride
from sensord.plan.rule import MIN_CONFIDENCE

STRIDES = 15
"""Design choice: strides of each foot that are looked at, about ten seconds of running."""

ROLLS_DEG = 1.0
"""Design choice: a foot whose median excursion is less does not roll outward."""


class SideCheck:
    """Says once, when both feet roll as if each were the other one."""

    def __init__(self) -> None:
        self._rolled: dict[Side, deque[float]] = {side: deque(maxlen=STRIDES) for side in Side}
        self._said = False

    def add(self, stride: Stride) -> FootNote | None:
        """Look at a stride; walking counts too."""
        rolled_deg = stride.eversion_excursion_deg
        if self._said or rolled_deg is None or stride.confidence < MIN_CONFIDENCE:
            return None
        self._rolled[stride.foot].append(rolled_deg)
        if any(len(values) < STRIDES or median(values) >= ROLLS_DEG for values in self._rolled.values()):
            return None
        self._said = True
        return FootNote(
            None, "pods_swapped", "both feet roll as if the pods were on the other feet: check left and right"
        )
