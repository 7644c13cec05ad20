"""How a body walks or runs: the numbers a simulated gait is made of, and sensible ones for a speed.

Every default names where it comes from. "Recordings" are the two force-plate runs described in `docs/simulator.md`
(4.12 m/s heel striker: stride 0.682 s, contact 251 ms; 3.54 m/s midfoot: 0.701 s, 236 ms), a shoe pod walking 1.23 m/s
(110 steps/min), and 5,859 strides of a commercial foot pod. They are a handful of people: examples, not a population.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from sensord.errors import InputError, Problem
from sensord.model import Activity

RUN_SPEEDS_MPS = (1.7, 7.0)
"""Running speeds the defaults are meant for."""
WALK_SPEEDS_MPS = (0.8, 1.8)
"""Walking speeds the defaults are meant for."""


@dataclass(frozen=True, slots=True)
class Gait:
    """One steady gait. Angles are of the foot in the sagittal plane, toe up positive, 0 = flat on level ground."""

    activity: Activity
    speed_mps: float
    cadence_spm: float
    contact_time_s: float
    strike_angle_deg: float
    """Pitch at initial contact: above about 8 heel first, below about -2 forefoot first."""
    impact_g: float
    """Peak of the resultant specific force around contact, as a perfect pod would read it."""
    toe_off_angle_deg: float
    """Pitch at terminal contact."""
    swing_angle_deg: float
    """Lowest pitch of the swing, heel towards the buttocks (running; walking has it at terminal contact)."""
    clearance_m: float
    """Height the ball of the foot is carried to."""
    impact_stretch: float = 1.0
    """How much longer the shock of contact lasts than in the derived recordings (two lobes of 9 ms); soft shoes: 2."""
    out_of_plane: float = 1.0
    """Scale of the roll, yaw and sideways motion; 0 = a planar foot."""

    @property
    def stride_time_s(self) -> float:
        """Two steps."""
        return 120.0 / self.cadence_spm

    def check(self) -> None:
        """Raise InputError naming every field that no body could do."""
        stride = self.stride_time_s
        bounds = {
            "speed_mps": (0.3, 8.0),
            "cadence_spm": (60.0, 160.0) if self.activity is Activity.WALK else (110.0, 240.0),
            "contact_time_s": (0.12, 1.1),
            "strike_angle_deg": (-15.0, 35.0),
            "impact_g": (1.5, 80.0),
            "toe_off_angle_deg": (-85.0, -15.0),
            "swing_angle_deg": (-140.0, self.toe_off_angle_deg),
            "clearance_m": (0.03, 0.7),
            "impact_stretch": (0.5, 4.0),
            "out_of_plane": (0.0, 3.0),
        }
        problems = [
            Problem("gait", name, f"{getattr(self, name):g}", f"{low:g} to {high:g}")
            for name, (low, high) in bounds.items()
            if not low <= getattr(self, name) <= high
        ]
        shortest, longest = stride * MIN_DUTY[self.activity], stride * MAX_DUTY[self.activity]
        if not shortest <= self.contact_time_s <= longest:
            expected = f"{shortest:.3f} to {longest:.3f} at this cadence"
            problems.append(Problem("gait", "contact_time_s", f"{self.contact_time_s:g}", expected))
        if problems:
            raise InputError(problems)


MIN_DUTY = {Activity.WALK: 0.50, Activity.RUN: 0.12}
"""Shortest contact as a share of the stride: a walk has double support. Design choice."""
MAX_DUTY = {Activity.WALK: 0.75, Activity.RUN: 0.55}
"""Longest contact as a share of the stride that leaves time for a swing. Design choice."""


def running(speed_mps: float, **overrides: float | None) -> Gait:
    """A run at a speed, 1.7 to 7 m/s (6 to 25 km/h); any field of `Gait` may be given instead of its default."""
    base = Gait(
        activity=Activity.RUN,
        speed_mps=speed_mps,
        # Line through a commercial pod's strides (158 spm at 2.9 m/s to 175 at 4.1), the recordings (171.2 at 3.54,
        # 176.0 at 4.12) and 170 spm at 3.0 m/s (Lieberman 2015, JEB 218:3406).
        cadence_spm=168.0 + 9.0 * (speed_mps - 3.5),
        # Exponent: one runner on a force plate, 259/227/196 ms at 2.5/3.33/4.17 m/s (Alcantara 2022, PeerJ 10:e12752)
        # and the commercial pod's strides both give -0.55; level: between the recordings.
        contact_time_s=min(0.25 * (3.5 / speed_mps) ** 0.55, 0.36),
        strike_angle_deg=15.0,  # heel first as most people; between the recordings (29 and 2 degrees)
        # 12 to 18 g at a lace pod in the recordings, 10 to 12.5 g in the commercial pod; rise with speed: design choice
        impact_g=8.0 + 1.8 * speed_mps,
        toe_off_angle_deg=-54.0,  # recordings: -55 and -52
        # recordings: -99 at 4.12 and -106 at 3.54 m/s; the slope with speed is a design choice
        swing_angle_deg=max(-98.0 - 8.0 * (speed_mps - 3.8), -125.0),
        clearance_m=min(0.09 * speed_mps, 0.50),  # recordings: 0.38 and 0.37 m; proportional to speed: design choice
    )
    return _with(base, overrides)


def walking(speed_mps: float, **overrides: float | None) -> Gait:
    """A walk at a speed, 0.8 to 1.8 m/s; any field of `Gait` may be given instead of its default."""
    cadence_spm = 110.0 * (speed_mps / 1.23) ** 0.5  # 110 spm at 1.23 m/s recorded; step length takes the other half
    base = Gait(
        activity=Activity.WALK,
        speed_mps=speed_mps,
        cadence_spm=cadence_spm,
        contact_time_s=0.625 * 120.0 / cadence_spm,  # share: mean of ten feet checked by hand (Voisard 2023, IPOL 497)
        strike_angle_deg=22.0,
        impact_g=4.0 + 5.0 * speed_mps,  # recorded: 12 g (SD 4) at 1.23 m/s; slope: design choice
        toe_off_angle_deg=-62.0,
        swing_angle_deg=-66.0,
        clearance_m=0.10,
    )
    return _with(base, overrides)


def _with(base: Gait, overrides: dict[str, float | None]) -> Gait:
    known = {f.name for f in fields(Gait)} - {"activity", "speed_mps"}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise InputError([Problem("gait", name, "an unknown name", ", ".join(sorted(known))) for name in unknown])
    gait = replace(base, **{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    gait.check()
    return gait


@dataclass(frozen=True, slots=True)
class Variability:
    """Stride-to-stride scatter, each an AR(1) series of its own: SD and correlation with the stride before.

    SDs are those of the recordings (stride time 0.7 to 0.9 %, contact time 1.2 to 1.5 %, strike angle 0.5 to 1.0
    degrees); impact 7 % (preprint 2026, 10.20944/preprints202601.2214: 6.9 to 7.0 %). Correlations are those of 5,859
    strides of a commercial foot pod: 0.48, 0.45, 0.30 and 0.0. Placement along the path is a design choice.
    """

    stride_time_pct: float = 0.8
    stride_time_phi: float = 0.48
    contact_time_pct: float = 1.3
    contact_time_phi: float = 0.45
    strike_angle_deg: float = 0.8
    strike_angle_phi: float = 0.30
    impact_pct: float = 7.0
    impact_phi: float = 0.0
    placement_m: float = 0.008

    @classmethod
    def none(cls) -> Variability:
        """Every stride like the one before."""
        return cls(stride_time_pct=0, contact_time_pct=0, strike_angle_deg=0, impact_pct=0, placement_m=0)
