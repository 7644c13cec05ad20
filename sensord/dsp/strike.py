"""How the foot lands: its angle to the ground at initial contact, and what kind of strike that is likely to be.

The angle is the pitch at initial contact less the pitch at mid-stance, where the sole lies flat: the pitch rate
integrated over less than 150 ms, so that neither the mount nor the gyro's bias matter (1 degree/s makes 0.1 degrees).
Positive: heel lower. Mid-stance is loaded; a foot that stands may lie one or two degrees otherwise.
"""

from __future__ import annotations

from math import degrees, erf, sqrt

import numpy as np

from sensord.model import FloatArray

REARFOOT_DEG = 8.0
FOREFOOT_DEG = -1.6
"""Rearfoot above, forefoot below, midfoot between (Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104)."""

STRIKE_TYPES = ("rearfoot", "midfoot", "forefoot")

SURE_P = 0.5
"""Design choice: a strike is given a name when it is more likely than not."""

ANGLE_SD_DEG = 3.0
"""What the angle of one stride is worth: precision of a foot-worn pod just before contact is 1.6 ± 1.1 degrees and its
bias between runners 2.0 ± 5.9 (Falbriard et al. 2020, doi:10.3389/fbioe.2020.00065); design choice within that."""


def strike_angle_deg(pitch_radps: FloatArray, rate_hz: float, ic: float, rest: int) -> float:
    """Pitch at row `ic` (fractional) less pitch at row `rest`, degrees; pitch rate (n,) toe-up positive."""
    first = int(ic)
    rates = pitch_radps[first : rest + 1]
    turned = np.concatenate(([0.0], np.cumsum((rates[1:] + rates[:-1]) * (0.5 / rate_hz))))
    share = ic - first
    at_contact = turned[0] * (1.0 - share) + turned[min(1, len(turned) - 1)] * share
    return degrees(float(at_contact - turned[-1]))


def strike_chances(angle_deg: float, sd_deg: float = ANGLE_SD_DEG) -> tuple[float, float, float]:
    """Probabilities of rearfoot, midfoot and forefoot strike; the angle's error is taken as normal."""
    below_rear = _normal((REARFOOT_DEG - angle_deg) / sd_deg)
    fore = _normal((FOREFOOT_DEG - angle_deg) / sd_deg)
    return 1.0 - below_rear, below_rear - fore, fore


def strike_type(chances: tuple[float, float, float]) -> str | None:
    """The kind that is likelier than all others together; None when no kind is."""
    best = max(zip(chances, STRIKE_TYPES, strict=True))
    return best[1] if best[0] > SURE_P else None


def _normal(z: float) -> float:
    return 0.5 * (1.0 + erf(z / sqrt(2.0)))
