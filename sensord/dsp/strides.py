"""One stride's row from its contacts: intervals, activity, sanity checks, confidence and what spoiled it."""

from __future__ import annotations

from typing import NamedTuple

from sensord.dsp.activity import ActivityState, looks_like
from sensord.dsp.impact import Impact
from sensord.dsp.strike import strike_type
from sensord.dsp.timing import corrected_contact_s
from sensord.dsp.trajectory import StrideMotion
from sensord.model import NS, Activity, Side, Stride, maker

CONTACT_LIMITS_S = {Activity.RUN: (0.08, 0.55), Activity.WALK: (0.08, 1.6)}
"""Plausible contact times. Running: from 80 ms (sanity limit of the literature) to a slow jog's at the change of gait,
0.6 of 0.9 s; walking: two thirds of the longest stride. Design choices but for the first."""

DUTY_LIMITS = {Activity.RUN: (0.10, 0.70), Activity.WALK: (0.30, 0.85)}
"""Plausible share of the stride on the ground. Running: the reference's limits. Walking: design choice."""

MAX_STRIDE_S = 2.5
"""Longer than this is no stride: she stopped in between (walking strides last 0.9-2.0 s)."""

FINE_RATE_HZ = 190.0
"""Below 200 Hz the reference allows means of contact time only; a 200 Hz pod's own crystal, and the rate as a file's
stamps show it, may be off by 5 % (design choice)."""

WEIGHTS = {
    "gap_at_contact": 0.4,  # samples lost just where a contact lies
    "gap_at_next_contact": 0.4,  # the same where the stride ends: its time may be off by 20 ms
    "unclear_contact": 0.5,  # no minimum of its own: taken at the change from toe-up to toe-down
    "unconfirmed_contact": 0.7,  # the acceleration is unsteady or silent: errors are 1.4 times as large when simulated
    "gyro_clipped": 0.6,
    "off_axis": 0.4,  # the foot turns about another axis than the one found: the pod sits another way
    "contact_time": 0.3,  # not found, or not plausible
    "next_contact_lost": 0.5,
    "unclear_stride": 0.5,  # neither contact had one: marching on the spot, turning
    "stride_time": 0.2,  # too short for a stride
}
"""Design choices: what each flaw leaves of the confidence. `gap` costs the share of the stride that was bridged;
`impact_gap` (samples lost round the impact, which is left empty) and `shock_unseen` (those of the next impact lost or
clipped, so that the stride's length does without) cost nothing else."""

COARSE_WEIGHT = 0.9

TRUSTED = 0.5
"""Confidence from which a value enters means and limits (docs: metrics)."""

_STRIDE = maker(Stride)


class Landing(NamedTuple):
    """One contact in pod time, its impact, and what is wrong with it (keys of `WEIGHTS`, or `impact_gap`).

    `rests_ns`: the foot still rests on the ground then, and its end is not known yet.
    """

    ic_ns: int
    tc_ns: int | None
    impact: Impact | None
    flaws: tuple[str, ...]
    run_score: float | None = None
    rests_ns: int | None = None


class StrideRows:
    """Numbers the strides of one foot and makes their rows."""

    def __init__(self, side: Side, rate_hz: float) -> None:
        self._side = side
        self._rate_hz = rate_hz
        self._activity = ActivityState()
        self.count = 0
        self.doubtful = 0
        """Strides in a row, up to the latest, that are not to be trusted."""

    @property
    def activity(self) -> Activity | None:
        """Activity of the latest stride since the last stop."""
        return self._activity.current

    def stopped(self) -> None:
        """She stopped: activity is decided anew."""
        self._activity.restart()

    def row(
        self,
        landing: Landing,
        next_ns: int | None,
        *,
        segment: int,
        trust: float,
        flaws: list[str],
        motion: StrideMotion,
        looks: tuple[float | None, float | None] = (None, None),
    ) -> Stride:
        """The stride that begins with this landing; `next_ns` None when the next contact was lost.

        `looks`: `run_score` of its contact and of the next one.
        """
        flaws = [*flaws, *landing.flaws, *(["shock_unseen"] if motion.mended else [])]
        stride_s = None if next_ns is None else (next_ns - landing.ic_ns) / NS
        contact_s = None if landing.tc_ns is None else (landing.tc_ns - landing.ic_ns) / NS
        activity = self._activity_of(stride_s, contact_s, looks)
        if not _plausible(stride_s, contact_s, activity):
            contact_s = None
            flaws.append("contact_time")
        raw_s = contact_s
        if contact_s is not None and activity is Activity.RUN:
            contact_s = corrected_contact_s(contact_s, stride_s)
        swing_s = duty = None
        if stride_s is not None and contact_s is not None:
            swing_s, duty = stride_s - contact_s, contact_s / stride_s
        chances = motion.strike_p if activity is Activity.RUN else None
        rearfoot, midfoot, forefoot = (None, None, None) if chances is None else chances
        impact = landing.impact
        stride = _STRIDE(
            foot=self._side,
            stride=self.count,
            segment=segment,
            ic_pod_ns=landing.ic_ns,
            tc_pod_ns=landing.tc_ns if contact_s is not None else None,
            next_ic_pod_ns=next_ns,
            activity=activity,
            stride_time_s=stride_s,
            contact_time_s=contact_s,
            swing_time_s=swing_s,
            duty_factor=duty,
            cadence_spm=None if stride_s is None else 120.0 / stride_s,
            stride_length_m=None,
            speed_mps=None,
            strike_angle_deg=motion.strike_angle_deg,
            strike_type=None if chances is None else strike_type(chances),
            impact_peak_g=impact.peak_g if impact else None,
            impact_clipped=impact.clipped if impact else False,
            force_peak_bw=None,
            impulse_bw_s=None,
            gap="gap" in flaws,
            confidence=self._confidence(trust, flaws),
            spoiled=tuple(flaws),
            contact_time_raw_s=raw_s,
            trajectory_length_m=motion.length_m,
            swing_peak_radps=motion.swing_peak_radps,
            strike_rearfoot_p=rearfoot,
            strike_midfoot_p=midfoot,
            strike_forefoot_p=forefoot,
            eversion_excursion_deg=motion.eversion_excursion_deg,
            eversion_peak_dps=motion.eversion_peak_dps,
            impact_source=impact.source if impact else None,
            impact_band_g=impact.band_g if impact else None,
            turn_deg=motion.turn_deg,
        )
        self.count += 1
        self.doubtful = self.doubtful + 1 if stride.confidence < TRUSTED else 0
        return stride

    def _activity_of(
        self, stride_s: float | None, contact_s: float | None, looks: tuple[float | None, float | None]
    ) -> Activity:
        if stride_s is None:
            return self._activity.current or Activity.RUN
        return self._activity.of(*looks, 120.0 / stride_s, None if contact_s is None else contact_s / stride_s)

    def _confidence(self, trust: float, flaws: list[str]) -> float:
        confidence = trust if self._rate_hz >= FINE_RATE_HZ else trust * COARSE_WEIGHT
        for flaw in flaws:
            confidence *= WEIGHTS.get(flaw, 1.0)
        return confidence


def _plausible(stride_s: float | None, contact_s: float | None, activity: Activity) -> bool:
    if contact_s is None:
        return False
    if stride_s is None:
        shortest, longest = CONTACT_LIMITS_S[activity]
        return shortest <= contact_s <= longest
    alone = looks_like(120.0 / stride_s, contact_s / stride_s) or activity  # `activity` lags at a change
    shortest, longest = CONTACT_LIMITS_S[alone]
    least, most = DUTY_LIMITS[alone]
    return shortest <= contact_s <= longest and least <= contact_s / stride_s <= most
