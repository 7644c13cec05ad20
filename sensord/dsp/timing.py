"""The timing model of contact time: what is left between the moments found and a force plate, by stride frequency.

    contact time = found + B0_S + B1 * stride frequency (strides/s)

The bias of every published rule depends on speed (Falbriard et al. 2018, doi:10.3389/fphys.2018.00610; Rossanigo et al.
2025, doi:10.1109/ACCESS.2025.3530687), and stride frequency is the measured quantity that stands for it. Both
coefficients are 0: two runners at 1.43 and 1.47 strides/s leave 0 to -7 ms and cannot tell an offset from a slope
(`python bench/fit_contact.py` shows the fit, and what each runner's says about the other). The raw value is kept beside
the corrected one, so that a later fit can be applied to old runs.
"""

from __future__ import annotations

B0_S = 0.0
B1_S2 = 0.0
"""In s, and in s per (stride/s): not fitted, for want of runners and speeds."""


def corrected_contact_s(found_s: float, stride_time_s: float | None) -> float:
    """Contact time in s as a force plate (20 N) would have it; as found when the stride time is not known."""
    if stride_time_s is None:
        return found_s
    return found_s + B0_S + B1_S2 / stride_time_s
