"""The shape of one stride: what a foot does from lying flat to lying flat again, as knots.

Pitch rate and the velocity of the sole are given at instants that mean something (heel-off, push-off, terminal contact,
early swing, late swing, initial contact, foot slap, flat). Instants and shares are read off the mean strides of the
recordings (`python bench/simulator_landmarks.py` prints them); the amounts follow from the angles, the step
length and the clearance that a gait asks for.

Measured relations kept (force plate at 20 N against foot pitch rate, two runners): the pitch rate is lowest 8 to 16 ms
after initial contact, and 16 to 27 ms before terminal contact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensord.model import FloatArray
from sensord.sim.curves import Knot, Rates, Span, solve

PIVOT_M = 0.20
"""Heel to ball of the foot along the sole (recordings: 0.202 to 0.213 m)."""

SLAP_AFTER_IC_S = 0.0115
"""Lowest pitch rate after initial contact in running (measured 8 to 16 ms)."""
PUSH_BEFORE_TC_S = 0.0215
"""Lowest pitch rate before terminal contact in running (measured 16 to 27 ms)."""
FLAT_RATE_RADPS = float(np.deg2rad(-45.0))
"""Pitch rate of a running foot in mid-stance (recordings: -57 and -39 degrees/s)."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """n cycles of one foot, each from lying flat in one contact to lying flat in the next. Arrays (n,)."""

    flat_s: FloatArray
    tc_s: FloatArray
    ic_s: FloatArray
    next_flat_s: FloatArray
    contact_s: FloatArray
    """Of the contact that is left."""
    next_contact_s: FloatArray
    length_m: FloatArray
    toe_off_rad: FloatArray
    swing_rad: FloatArray
    strike_rad: FloatArray
    clearance_m: FloatArray
    flat_rate_radps: FloatArray
    """Pitch rate in the middle of the contact that is left: the heel is already on its way up."""
    next_flat_rate_radps: FloatArray
    from_run: bool
    to_run: bool

    @property
    def swing_s(self) -> FloatArray:
        """From leaving the ground to meeting it again."""
        return self.ic_s - self.tc_s

    @property
    def heel_share(self) -> FloatArray:
        """1 when the foot lands on its heel, 0 on its ball, smooth between (5 to 20 degrees; design choice)."""
        return ramp((np.rad2deg(self.strike_rad) - 5.0) / 15.0)


def ramp(s: FloatArray) -> FloatArray:
    """From 0 to 1 with level ends."""
    c = np.clip(s, 0.0, 1.0)
    return c**3 * (10.0 - 15.0 * c + 6.0 * c**2)


def pitch_rates(c: Cycles) -> Rates:
    """Pitch rate (rad/s, toe up) of n cycles."""
    spans = [Span("flat", "tc", c.toe_off_rad)]
    unknowns = ["push", "lobe", "land"]
    if c.to_run:
        unknowns.insert(1, "early")
        spans += [Span("tc", "lowest", c.swing_rad - c.toe_off_rad), Span("lowest", "ic", c.strike_rad - c.swing_rad)]
        knots = [*_push_off(c), *_swing_run(c), *_landing_run(c)]
    else:
        spans += [Span("tc", "ic", c.strike_rad - c.toe_off_rad)]
        knots = [*_push_off(c), *_swing_walk(c), *_landing_walk(c)]
    return solve(knots, unknowns, [*spans, Span("ic", "next flat", -c.strike_rad)])


def _push_off(c: Cycles) -> list[Knot]:
    """Heel-off to terminal contact; "push" is the lowest pitch rate of it."""
    before: tuple[tuple[float, float], ...]
    if c.from_run:
        before, at_tc, lowest_s = ((0.46, 0.13), (0.29, 0.59)), 0.80, PUSH_BEFORE_TC_S
    else:
        before, at_tc, lowest_s = ((0.34, 0.03), (0.27, 0.13), (0.205, 0.32), (0.137, 0.62), (0.07, 0.87)), 0.90, 0.010
    return [
        Knot(c.flat_s, base=c.flat_rate_radps, slope=0.0, name="flat"),
        *(Knot(c.tc_s - u * c.contact_s, tied=(("push", share),)) for u, share in before),
        Knot(c.tc_s - lowest_s, tied=(("push", 1.0),), slope=0.0),
        Knot(c.tc_s, tied=(("push", at_tc),), name="tc"),
    ]


def _swing_run(c: Cycles) -> list[Knot]:
    """The foot is relieved, folds up ("early"), comes through ("lobe") and is held still before it lands."""
    s, heel = c.swing_s, c.heel_share
    return [
        Knot(c.tc_s + 0.095 * s, tied=(("push", 0.28),), slope=0.0),
        Knot(c.tc_s + 0.165 * s, tied=(("early", 0.90),), slope=0.6),
        Knot(c.tc_s + 0.245 * s, tied=(("early", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.345 * s, name="lowest"),
        Knot(c.tc_s + 0.48 * s, tied=(("lobe", 0.63),)),
        Knot(c.tc_s + 0.60 * s, tied=(("lobe", 0.88),)),
        Knot(c.tc_s + 0.74 * s, tied=(("lobe", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.85 * s, tied=(("lobe", 0.84 * heel + 0.66 * (1 - heel)),)),
        Knot(c.ic_s - 0.053 * s),
        Knot(c.ic_s - 0.022 * s, base=-np.deg2rad(45.0 * heel + 160.0 * (1 - heel))),
    ]


def _swing_walk(c: Cycles) -> list[Knot]:
    """Walking has no second fold: after terminal contact the foot comes through at once."""
    shares = (
        (0.10, 0.65),
        (0.20, 0.66),
        (0.35, 0.93),
        (0.50, 1.0),
        (0.65, 0.90),
        (0.76, 1.02),
        (0.85, 0.77),
        (0.92, 0.39),
    )
    lobe = [Knot(c.tc_s + u * c.swing_s, tied=(("lobe", share),)) for u, share in shares]
    return [Knot(c.tc_s + 0.045 * c.swing_s), *lobe]


def _landing_run(c: Cycles) -> list[Knot]:
    """The slap of a heel striker, or the heel coming down after the ball ("land"), then flat."""
    heel, strike_deg = c.heel_share, np.rad2deg(c.strike_rad)
    # a slap takes its time: 50 ms however short the contact, as long as the foot gets flat before it rises again
    flat_s = np.minimum(np.maximum(0.24 * c.next_contact_s, 0.050), 0.32 * c.next_contact_s)
    lowest = -np.deg2rad(250.0 + 13.0 * np.maximum(strike_deg, 0.0)) * (1 - heel)
    rest_s = flat_s - SLAP_AFTER_IC_S
    tail = -np.deg2rad(45.0 + 4.0 * heel * np.maximum(strike_deg, 0.0))
    return [
        Knot(c.ic_s, base=0.74 * lowest, tied=(("land", 0.64 * heel),), name="ic"),
        Knot(c.ic_s + SLAP_AFTER_IC_S, base=lowest, tied=(("land", 1.22 * heel),), slope=0.0),
        Knot(c.ic_s + SLAP_AFTER_IC_S + _either(heel, 0.38, 0.42) * rest_s, tied=(("land", 1.0),), slope=0.7 * heel),
        Knot(
            c.ic_s + SLAP_AFTER_IC_S + _either(heel, 0.65, 0.76) * rest_s,
            base=1.3 * heel * tail,
            tied=(("land", 0.35 * (1 - heel)),),
            slope=_either(heel, 0.3, 1.0),
        ),
        Knot(c.ic_s + flat_s, base=tail, slope=0.5),
        Knot(c.next_flat_s, base=c.next_flat_rate_radps, slope=0.0, name="next flat"),
    ]


def _landing_walk(c: Cycles) -> list[Knot]:
    """The forefoot is let down; 40 to 50 ms after contact it turns fastest."""
    lowest = -np.deg2rad(30.0 + 10.5 * np.maximum(np.rad2deg(c.strike_rad), 0.0))
    return [
        Knot(c.ic_s, base=0.04 * lowest, name="ic"),
        Knot(c.ic_s + 0.047, base=lowest, slope=0.0),
        Knot(c.ic_s + 0.047 + 0.42 * (0.22 * c.next_contact_s - 0.047), tied=(("land", 1.0),)),
        Knot(c.ic_s + 0.22 * c.next_contact_s, base=np.deg2rad(-25.0), slope=0.5),
        Knot(c.next_flat_s, base=c.next_flat_rate_radps, slope=0.0, name="next flat"),
    ]


def forward_speeds(c: Cycles) -> Rates:
    """Forward velocity of the sole (m/s) of n cycles: still in stance, one long push forward in swing."""
    s, heel = c.swing_s, c.heel_share
    leave: tuple[tuple[FloatArray, float], ...]
    land: tuple[tuple[FloatArray, FloatArray | float], ...]
    if c.from_run:
        leave = ((c.tc_s, 0.11), (c.tc_s + 0.08 * s, 0.20), (c.tc_s + 0.20 * s, 0.38), (c.tc_s + 0.32 * s, 0.61))
        leave = leave if c.to_run else leave[:3]  # the first step of a walk after a run joins the walk's swing here
        still_s = 0.17 * c.contact_s
    else:
        leave = (
            (c.tc_s - 0.034 * c.contact_s, 0.14),
            (c.tc_s, 0.33),
            (c.tc_s + 0.05 * s, 0.56),
            (c.tc_s + 0.12 * s, 0.67),
        )
        still_s = 0.10 * c.contact_s
    if c.to_run:
        top = ((c.tc_s + 0.44 * s, 0.765), (c.tc_s + 0.56 * s, 0.87), (c.tc_s + 0.70 * s, 1.0))
        land = (
            (c.tc_s + 0.80 * s, _either(heel, 0.905, 0.955)),
            (c.tc_s + 0.88 * s, _either(heel, 0.66, 0.725)),
            (c.tc_s + 0.92 * s, _either(heel, 0.445, 0.53)),
            (c.ic_s - 0.046 * s, _either(heel, 0.30, 0.365)),
            (c.ic_s - 0.023 * s, _either(heel, 0.225, 0.275)),
            (c.ic_s, _either(heel, 0.097, 0.20)),
        )
        end_s: FloatArray | float = _either(heel, 0.012, 0.018)
    else:
        top = ((c.tc_s + 0.25 * s, 0.78), (c.tc_s + 0.40 * s, 0.915), (c.tc_s + 0.56 * s, 1.0))
        land = tuple(
            (c.tc_s + u * s, share)
            for u, share in ((0.70, 0.93), (0.80, 0.85), (0.88, 0.66), (0.94, 0.48), (1.0, 0.30), (1.05, 0.12))
        )
        end_s = 0.10 * s
    knots = [
        Knot(c.flat_s, slope=0.0, name="flat"),
        Knot(c.tc_s - still_s, slope=0.0),
        *(Knot(t, tied=(("speed", share),)) for t, share in (*leave, *top[:-1])),
        Knot(top[-1][0], tied=(("speed", 1.0),), slope=0.0),
        *(Knot(t, tied=(("speed", share),)) for t, share in land),
        Knot(c.ic_s + end_s, slope=0.0),
        Knot(c.next_flat_s, slope=0.0, name="next flat"),
    ]
    return solve(knots, ["speed"], [Span("flat", "next flat", c.length_m)])


def upward_speeds(c: Cycles) -> Rates:
    """Upward velocity of the sole (m/s) of n cycles: lifted to `clearance_m`, back to the ground."""
    knots = [
        Knot(c.flat_s, slope=0.0, name="flat"),
        *(_rise_run(c) if c.from_run else _rise_walk(c)),
        *(_fall_run(c) if c.to_run else _fall_walk(c)),
        Knot(c.next_flat_s, slope=0.0, name="next flat"),
    ]
    spans = [Span("flat", "highest", c.clearance_m), Span("flat", "next flat", np.zeros_like(c.flat_s))]
    return solve(knots, ["up", "down"], spans)


def _rise_run(c: Cycles) -> list[Knot]:
    s = c.swing_s
    rise = (
        (c.tc_s - 0.20 * c.contact_s, 0.13),
        (c.tc_s - 0.12 * c.contact_s, 0.29),
        (c.tc_s, 0.67),
        (c.tc_s + 0.08 * s, 0.85),
    )
    return [
        Knot(c.tc_s - 0.33 * c.contact_s, slope=0.0),
        *(Knot(t, tied=(("up", share),)) for t, share in rise),
        Knot(c.tc_s + 0.18 * s, tied=(("up", 1.0),), slope=0.0),
    ]


def _rise_walk(c: Cycles) -> list[Knot]:
    u = c.contact_s
    return [
        Knot(c.tc_s - 0.18 * u, slope=0.0),
        *(Knot(c.tc_s - x * u, tied=(("up", share),)) for x, share in ((0.137, 0.17), (0.10, 0.38), (0.068, 0.70))),
        Knot(c.tc_s - 0.030 * u, tied=(("up", 1.0),), slope=0.0),
        Knot(c.tc_s, tied=(("up", 0.93),)),
        Knot(c.tc_s + 0.05 * c.swing_s, tied=(("up", 0.66),)),
    ]


def _fall_run(c: Cycles) -> list[Knot]:
    """Down through mid-swing, held low, let down; a heel striker's heel gives way under load and comes back."""
    s, heel = c.swing_s, c.heel_share
    shares = (
        (c.tc_s + 0.64 * s, 0.80, 0.95),
        (c.tc_s + 0.70 * s, 0.32, 0.78),
        (c.tc_s + 0.76 * s, 0.30, 0.54),
        (c.tc_s + 0.82 * s, 0.53, 0.22),
        (c.tc_s + 0.88 * s, 0.31, -0.10),
        (c.tc_s + 0.93 * s, 0.18, 0.06),
        (c.ic_s - 0.022 * s, 0.34, 0.43),
        (c.ic_s, 0.27, 0.54),
        (c.ic_s + 0.010, 0.17, 0.49),
        (c.ic_s + 0.022, 0.02, 0.20),
        (c.ic_s + 0.040, -0.20, 0.0),
    )
    return [
        Knot(c.tc_s + 0.355 * s, name="highest"),
        Knot(c.tc_s + 0.47 * s, tied=(("down", 0.80),)),
        Knot(c.tc_s + 0.575 * s, tied=(("down", 1.0),), slope=0.0),
        *(Knot(t, tied=(("down", _either(heel, a, b)),)) for t, a, b in shares),
    ]


def _fall_walk(c: Cycles) -> list[Knot]:
    """Walking keeps the toes low in mid-swing and lets the heel down late."""
    shares = (
        (0.22, 0.52),
        (0.36, 1.0),
        (0.45, 0.73),
        (0.55, 0.25),
        (0.65, 0.47),
        (0.75, 0.94),
        (0.85, 0.22),
        (0.92, -0.06),
        (1.0, 0.22),
        (1.05, 0.30),
    )
    highest = 0.27 if c.from_run else 0.15
    fall = [Knot(c.tc_s + u * c.swing_s, tied=(("down", share),)) for u, share in shares if u > highest]
    return [Knot(c.tc_s + highest * c.swing_s, name="highest"), *fall, Knot(c.tc_s + 1.13 * c.swing_s, slope=0.0)]


def _either(heel: FloatArray, heel_first: float, ball_first: float) -> FloatArray:
    return heel * heel_first + (1.0 - heel) * ball_first
