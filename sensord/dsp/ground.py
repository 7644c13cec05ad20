"""Whether there was ground under a contact: a foot on a pedal goes round and round, and never lands.

On the ground a foot is jerked when it lands, or it rests while the body passes over it; running has the first, walking
both, a careful turning step the second. What has neither is no gait.
"""

from __future__ import annotations

import numpy as np

from sensord.model import FloatArray

JERK_MPS3 = 200.0
"""Design choice. The softest landing among ten walking feet jerks by 350 m/s3 (turning steps by 120), running ones by
1300; a crank of 0.17 m at 100 rpm by 195 (r w3)."""

OVER_S = 0.005
"""Design choice: jerk is the change over this time, so that noise does not make it at high rates."""

BEFORE_S = 0.04
AFTER_S = 0.08
"""Design choice: a landing jerks the foot in this time about initial contact."""

REST_RADPS = 0.5
REST_S = 0.15
"""Design choice: a foot rests that turns at less than 29 deg/s for this long."""


def on_ground(acc_mps2: FloatArray, turning_radps: FloatArray, ic: float, rate_hz: float) -> bool:
    """Whether a contact at row `ic` touched the ground.

    `acc_mps2` (n,) and `turning_radps` (n,) are the sizes of acceleration and angular rate over the window it lies in.
    """
    over = max(1, round(OVER_S * rate_hz))
    first, last = max(0, int(ic - BEFORE_S * rate_hz)), int(ic + AFTER_S * rate_hz) + 2
    near = acc_mps2[first:last]
    if len(near) > over and float(np.abs(near[over:] - near[:-over]).max()) * rate_hz / over >= JERK_MPS3:
        return True
    turns = np.flatnonzero(np.concatenate(([True], turning_radps >= REST_RADPS, [True])))
    return bool(np.diff(turns).max() - 1 >= REST_S * rate_hz)
