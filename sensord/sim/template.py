"""The shape of one stride: what a foot does from lying flat to lying flat again, as knots.

Pitch rate and the velocity of the sole are given at instants that mean something (heel-off, push-off, terminal contact,
early swing, late swing, initial contact, foot slap, flat). Instants and shares are read off the mean strides of the
recordings (`python bench/compare_simulator.py --landmarks` prints them); the amounts follow from the angles, the step
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
    zero = np.zeros_like(c.flat_s)
    knots = [*_push_off(c), *(_swing_run(c) if c.to_run else _swing_walk(c)), *_landing(c)]
    spans = [Span("flat", "tc", c.toe_off_rad)]
    unknowns = ["push", "lobe", "land"]
    if c.to_run:
        unknowns.insert(1, "early")
        spans += [Span("tc", "lowest", c.swing_rad - c.toe_off_rad), Span("lowest", "ic", c.strike_rad - c.swing_rad)]
    else:
        spans += [Span("tc", "ic", c.strike_rad - c.toe_off_rad)]
    spans += [Span("ic", "next flat", zero - c.strike_rad)]
    return solve(knots, unknowns, spans)


def _push_off(c: Cycles) -> list[Knot]:
    """Heel-off to terminal contact; "push" is the lowest pitch rate of it."""
    if c.from_run:
        return [
            Knot(c.flat_s, slope=0.0, name="flat"),
            Knot(c.tc_s - 0.46 * c.contact_s, tied=(("push", 0.13),)),
            Knot(c.tc_s - 0.29 * c.contact_s, tied=(("push", 0.59),)),
            Knot(c.tc_s - PUSH_BEFORE_TC_S, tied=(("push", 1.0),), slope=0.0),
            Knot(c.tc_s, tied=(("push", 0.80),), name="tc"),
        ]
    return [
        Knot(c.flat_s, slope=0.0, name="flat"),
        Knot(c.tc_s - 0.36 * c.contact_s, tied=(("push", 0.05),)),
        Knot(c.tc_s - 0.20 * c.contact_s, tied=(("push", 0.36),)),
        Knot(c.tc_s - 0.105 * c.contact_s, tied=(("push", 0.84),)),
        Knot(c.tc_s - 0.016, tied=(("push", 1.0),), slope=0.0),
        Knot(c.tc_s, tied=(("push", 0.93),), name="tc"),
    ]


def _swing_run(c: Cycles) -> list[Knot]:
    """The foot is relieved, folds up ("early"), comes through ("lobe") and is held still before it lands."""
    s, heel = c.swing_s, c.heel_share
    return [
        Knot(c.tc_s + 0.09 * s, tied=(("push", 0.30),), slope=0.0),
        Knot(c.tc_s + 0.22 * s, tied=(("early", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.345 * s, name="lowest"),
        Knot(c.tc_s + 0.50 * s, tied=(("lobe", 0.66),)),
        Knot(c.tc_s + 0.73 * s, tied=(("lobe", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.86 * s, tied=(("lobe", 0.80 * heel + 0.60 * (1 - heel)),)),
        Knot(c.ic_s - 0.053 * s),
        Knot(c.ic_s - 0.022 * s, base=-np.deg2rad(45.0 * heel + 160.0 * (1 - heel))),
    ]


def _swing_walk(c: Cycles) -> list[Knot]:
    """Walking has no second fold: after terminal contact the foot comes through at once."""
    s = c.swing_s
    return [
        Knot(c.tc_s + 0.05 * s),
        Knot(c.tc_s + 0.14 * s, tied=(("lobe", 0.72),)),
        Knot(c.tc_s + 0.28 * s, tied=(("lobe", 0.88),)),
        Knot(c.tc_s + 0.47 * s, tied=(("lobe", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.64 * s, tied=(("lobe", 0.86),)),
        Knot(c.tc_s + 0.80 * s, tied=(("lobe", 0.88),)),
        Knot(c.tc_s + 0.90 * s, tied=(("lobe", 0.55),)),
    ]


def _landing(c: Cycles) -> list[Knot]:
    """Foot slap of a heel striker, or the heel coming down after the ball ("land"), then flat."""
    heel, deg = c.heel_share, np.rad2deg(c.strike_rad)
    if not c.to_run:
        slap_s, flat_s = 0.035, 0.22 * c.next_contact_s
        lowest = -np.deg2rad(60.0 + 11.0 * np.maximum(deg, 0.0))
        share: FloatArray | float = 0.15
        tail = np.deg2rad(-25.0)
    else:
        slap_s, flat_s = SLAP_AFTER_IC_S, 0.24 * c.next_contact_s
        lowest = -np.deg2rad(250.0 + 13.0 * np.maximum(deg, 0.0))
        share = 0.52 * heel + 0.74 * (1 - heel)
        tail = -np.deg2rad(50.0 + 110.0 * heel)
    return [
        Knot(c.ic_s, base=share * lowest, name="ic"),
        Knot(c.ic_s + slap_s, base=lowest, slope=0.0),
        Knot(c.ic_s + slap_s + 0.42 * (flat_s - slap_s), tied=(("land", 1.0),), slope=heel),
        Knot(c.ic_s + flat_s, base=tail, slope=0.5),
        Knot(c.next_flat_s, slope=0.0, name="next flat"),
    ]


def forward_speeds(c: Cycles) -> Rates:
    """Forward velocity of the sole (m/s) of n cycles: still in stance, one long push forward in swing."""
    s = c.swing_s
    shares = (
        (c.tc_s, 0.10),
        (c.tc_s + 0.10 * s, 0.19),
        (c.tc_s + 0.24 * s, 0.41),
        (c.tc_s + 0.36 * s, 0.67),
        (c.tc_s + 0.50 * s, 0.80),
    )
    late = ((c.tc_s + 0.82 * s, 0.88), (c.tc_s + 0.88 * s, 0.67), (c.ic_s - 0.046 * s, 0.32), (c.ic_s, 0.125))
    knots = [
        Knot(c.flat_s, slope=0.0, name="flat"),
        Knot(c.tc_s - 0.20 * c.contact_s, slope=0.0),
        *(Knot(t, tied=(("speed", share),)) for t, share in shares),
        Knot(c.tc_s + 0.72 * s, tied=(("speed", 1.0),), slope=0.0),
        *(Knot(t, tied=(("speed", share),)) for t, share in late),
        Knot(c.ic_s + 0.016, slope=0.0),
        Knot(c.next_flat_s, slope=0.0, name="next flat"),
    ]
    return solve(knots, ["speed"], [Span("flat", "next flat", c.length_m)])


def upward_speeds(c: Cycles) -> Rates:
    """Upward velocity of the sole (m/s) of n cycles: lifted to `clearance_m`, back to the ground."""
    s, zero = c.swing_s, np.zeros_like(c.flat_s)
    rise = ((c.tc_s - 0.12 * c.contact_s, 0.25), (c.tc_s, 0.60), (c.tc_s + 0.10 * s, 0.82))
    knots = [
        Knot(c.flat_s, slope=0.0, name="flat"),
        Knot(c.tc_s - 0.30 * c.contact_s, slope=0.0),
        *(Knot(t, tied=(("up", share),)) for t, share in rise),
        Knot(c.tc_s + 0.20 * s, tied=(("up", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.37 * s, name="highest"),
        Knot(c.tc_s + 0.58 * s, tied=(("down", 1.0),), slope=0.0),
        Knot(c.tc_s + 0.74 * s, tied=(("down", 0.60),)),
        Knot(c.tc_s + 0.86 * s, tied=(("down", 0.12),)),
        Knot(c.ic_s - 0.07 * s, tied=(("down", 0.12),)),
        Knot(c.ic_s, tied=(("down", 0.38),)),
        Knot(c.ic_s + 0.022, slope=0.0),
        Knot(c.next_flat_s, slope=0.0, name="next flat"),
    ]
    spans = [Span("flat", "highest", c.clearance_m), Span("flat", "next flat", zero)]
    return solve(knots, ["up", "down"], spans)
