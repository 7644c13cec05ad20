"""Vertical force and impulse of each running stride, estimated from its timing alone: in body weights, on level ground.

Over a whole step the ground must give back what gravity takes: impulse = body weight x step time, and the mean force
of a stance is that over contact time, 1/(2 x duty factor) when both feet are alike. Both are physics, exact in steady
level running. Where both feet are on one clock a foot's own step is its contact and half of the flights before and
after it (ballistic; takes the centre of mass to be as high at landing as at leaving).

The peak needs a shape of the force. `force_peak_sine_bw` takes half a sine: pi/2 x mean force (Morin et al. 2005, J
Appl Biomech 21:167, doi:10.1123/jab.21.2.167, equation 6). The same paper measured what that lacks: on a treadmill the
plate read 2.05 kN where the sine gave 1.91 (its table 1: 8 men, 3.3 to 6.7 m/s; 2.13 and 2.06 overground, 10 elite
runners at 4 m/s and faster). `force_peak_bw` is the sine times the first ratio: ours are no elite runners. Patoz et al.
2023 (doi:10.1111/sms.14252, 115 runners) found peak linear in 1/duty factor with 4 % RMSE and no bias; their
coefficients are not in what could be read of that paper. A `PeakLine` of one's own may be given with its source.

Not given: walking (two peaks, both feet down), a doubtful contact, more than `MAX_GRADE_PCT` of slope (timing models
fail there: Meyer et al. 2023, Int J Sports Med 44:673). A slope that nobody stated is taken as level, which `assumed`
says. An error of +10 ms in a contact of 240 ms makes mean and peak about 4 % too small.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from sensord.model import NS, Activity, Side, Stride, changed
from sensord.plan.rule import MIN_CONFIDENCE

MAX_GRADE_PCT = 3.0
"""Steeper is not level. Design choice: at 5 degrees (8.7 %) the sine peak was 4 to 7.5 % off on one runner, at 10
degrees up to 19 % (own check on open force data; `sensord validate`)."""

SAME_CONTACT_NS = NS // 50
"""The other foot's step ends where this one begins: 20 ms are more than the clocks' disagreement (3 ms) and its
change, and less than any flight that matters (design choice)."""

SINE = pi / 2.0
"""Peak of half a sine over its mean."""


@dataclass(frozen=True, slots=True)
class PeakLine:
    """Peak force = slope / duty factor + intercept, in body weights, and where the two numbers come from."""

    slope_bw: float
    intercept_bw: float
    source: str


TREADMILL = PeakLine(pi / 4.0 * 2.05 / 1.91, 0.0, "Morin et al. 2005, doi:10.1123/jab.21.2.167, table 1")
"""Half a sine and what a force plate in a treadmill read beside it; see the module."""


class ForceModel:
    """`apply` fills the force fields of a stride (body weights), where the model holds. Strides in their order."""

    def __init__(self, *, grade_pct: float | None = None, peak: PeakLine = TREADMILL) -> None:
        """`grade_pct`: slope of the ground in %, uphill positive; None: nobody said. `peak`: a line of one's own."""
        self._peak = peak
        self._level = grade_pct is None or abs(grade_pct) <= MAX_GRADE_PCT
        # end of the latest running step in run time, and its flight
        self._steps: dict[Side, tuple[int, float]] = {}
        self.assumed: str | None = "level ground assumed" if grade_pct is None else None
        """What the values rest on that nobody said."""

    def known_grade(self, grade_pct: float | None) -> None:
        """The slope from here on, as asked or from a GNSS track; None: no longer known."""
        self._level = grade_pct is None or abs(grade_pct) <= MAX_GRADE_PCT
        self.assumed = "level ground assumed" if grade_pct is None else None

    def apply(self, stride: Stride) -> Stride:
        """The stride with `force_mean_bw`, `force_peak_bw`, `force_peak_sine_bw`, `impulse_bw_s` where they hold."""
        before_s = self._flight_before(stride)
        contact_s, duty = stride.contact_time_s, stride.duty_factor
        if (
            not self._level
            or stride.activity is not Activity.RUN
            or stride.confidence < MIN_CONFIDENCE
            or stride.stride_time_s is None
            or contact_s is None
            or duty is None
        ):
            return stride
        step_s = stride.stride_time_s / 2.0
        if before_s is not None and stride.flight_time_s is not None:
            step_s = contact_s + (before_s + stride.flight_time_s) / 2.0
        mean = step_s / contact_s
        line = self._peak
        return changed(
            stride,
            force_mean_bw=mean,
            force_peak_bw=2.0 * line.slope_bw * mean + line.intercept_bw,
            force_peak_sine_bw=SINE * mean,
            impulse_bw_s=step_s,
        )

    def _flight_before(self, stride: Stride) -> float | None:
        """Flight before this contact, when the other foot's step is known to end in it; keeps this one's."""
        begin_ns, step_s, flight_s = stride.ic_run_ns, stride.step_time_s, stride.flight_time_s
        other = self._steps.get(stride.foot.other)
        if begin_ns is None or step_s is None or flight_s is None or stride.activity is not Activity.RUN:
            self._steps.pop(stride.foot, None)
            return None
        self._steps[stride.foot] = (begin_ns + round(step_s * NS), flight_s)
        return other[1] if other is not None and abs(other[0] - begin_ns) <= SAME_CONTACT_NS else None
