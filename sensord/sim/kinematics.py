"""The motion of one foot and of the pod on it, at any instant: pose, specific force, angular rate.

Frames: the world is the ground (or the belt, which is as inertial): x forward, y left, z up. The foot frame is x heel
to toe, y left, z up; R = Rz(yaw) Ry(-pitch) Rx(roll) takes it to the world, pitch toe up positive. In stance the sole
does not slip: the foot turns about its heel until it lies flat, then about its ball. The pod sits at `position_m` in
the foot frame, measured from the heel on the ground.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly

from sensord.model import G_MPS2, Activity, FloatArray, Side
from sensord.sim.curves import Rates, join, steps
from sensord.sim.footfalls import Contact, columns, gait_columns, is_run
from sensord.sim.template import FLAT_RATE_RADPS, PIVOT_M, Cycles, forward_speeds, pitch_rates, ramp, upward_speeds

IMPACT_WINDOW_S = (-0.020, 0.060)
"""Around initial contact, where the impact peak is looked for."""

TREMOR_FADES_S = 0.06
"""Time in which the tremor after contact falls to 1/e. Design choice; see `sensor.SensorModel.rattle` for its size."""
TREMOR_IN_SWING = 0.05
"""Tremor of a swinging foot as a share of that of contact. Design choice."""

# Shape of the shock that rides on the foot's motion: displacement u(t) = t^4 exp(-a t) cos(2 pi f t + p), so that the
# pod ends where and as fast as it would have without it. Fitted to the shock of the derived recordings (a damped
# oscillation of about 50 Hz; `python bench/simulator_landmarks.py` prints the fit, RMS 0.055 of its peak).
_SHOCK_DECAY_PER_S = 292.0
_SHOCK_HZ = 7.94
_SHOCK_PHASE = -1.335
_SHOCK_DELAY_S = 0.002  # onset after initial contact, as in the derived recordings
_SHOCK_TILT_RAD = np.deg2rad(25.0)  # upward and backward, as in the derived recordings


def shock(t_s: FloatArray) -> FloatArray:
    """Second derivative of the shock's displacement, largest value 1 (dimensionless); 0 before t = 0."""
    t = np.maximum(t_s, 0.0)
    w, a = 2.0 * np.pi * _SHOCK_HZ, _SHOCK_DECAY_PER_S
    cos, sin = np.cos(w * t + _SHOCK_PHASE), np.sin(w * t + _SHOCK_PHASE)
    q, dq = t**4, 4.0 * t**3
    second = (12.0 * t**2 - 2.0 * a * dq + (a * a - w * w) * q) * cos + (2.0 * a * w * q - 2.0 * w * dq) * sin
    return second * np.exp(-a * t) / _SHOCK_PEAK


_SHOCK_PEAK = 1.0
_SHOCK_PEAK = float(np.max(np.abs(shock(np.linspace(0.0, 0.1, 100_001)))))
_SHOCK_S = 0.15
"""After this the shock is below 1e-9 of its peak."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What there is at n instants, in the foot frame at the pod: specific force and angular rate, each (n, 3)."""

    force_mps2: FloatArray
    rate_radps: FloatArray


class FootMotion:
    """One foot over a whole script."""

    def __init__(self, side: Side, bouts: Sequence[list[Contact]], duration_s: float) -> None:
        self.side = side
        self._mirror = 1.0 if side is Side.LEFT else -1.0
        pitch: list[Rates] = []
        forward: list[Rates] = []
        upward: list[Rates] = []
        for contacts in bouts:
            for cycles in _cycles(contacts):
                pitch.append(pitch_rates(cycles))
                forward.append(forward_speeds(cycles))
                upward.append(upward_speeds(cycles))
        self._pitch = _Curve(join(pitch, 0.0, duration_s))
        self._x = _Curve(join(forward, 0.0, duration_s))
        self._z = _Curve(join(upward, 0.0, duration_s))
        self._pivot, self._roll, self._yaw, self._y = _side_curves(bouts, duration_s)
        landed = [c for contacts in bouts for c in contacts if c.ic_s is not None]
        self._ic = np.array([c.ic_s for c in landed], dtype=np.float64)
        self._shock_mps2 = np.zeros(len(landed))
        self._stretch = gait_columns(landed, "impact_stretch")
        self._impact_g = columns(landed, "impact_g")

    def pitch_rad(self, t_s: FloatArray) -> FloatArray:
        """Pitch of the foot, toe up positive, (n,)."""
        return np.asarray(self._pitch.integral(t_s))

    def rotation(self, t_s: FloatArray) -> FloatArray:
        """Rotation foot to world, (n, 3, 3)."""
        b, f, p = -self._pitch.integral(t_s), self._mirror * self._roll(t_s), self._mirror * self._yaw(t_s)
        cb, sb, cf, sf, cp, sp = np.cos(b), np.sin(b), np.cos(f), np.sin(f), np.cos(p), np.sin(p)
        rows = [
            [cp * cb, cp * sb * sf - sp * cf, cp * sb * cf + sp * sf],
            [sp * cb, sp * sb * sf + cp * cf, sp * sb * cf - cp * sf],
            [-sb, cb * sf, cb * cf],
        ]
        return np.stack([np.stack(r, axis=-1) for r in rows], axis=-2)

    def ball(self, t_s: FloatArray) -> FloatArray:
        """Position of the ball of the foot on the sole in the world, (n, 3), m."""
        th, pivot = self._pitch.integral(t_s), self._pivot(t_s)
        x = self._x.integral(t_s) + pivot * (np.cos(th) - 1.0)
        return np.stack([x, self._mirror * self._y(t_s), self._z.integral(t_s) + pivot * np.sin(th)], axis=-1)

    def pod(self, t_s: FloatArray, position_m: FloatArray) -> FloatArray:
        """Position of a pod in the world, (n, 3), m (without the shock, which starts and ends at nothing)."""
        lever = position_m - np.array([PIVOT_M, 0.0, 0.0])
        return np.asarray(self.ball(t_s) + np.einsum("nij,j->ni", self.rotation(t_s), lever))

    def sample(self, t_s: FloatArray, position_m: FloatArray) -> Sampled:
        """Specific force (gravity included, at rest +g upward) and angular rate at a pod, foot frame."""
        rotation = self.rotation(t_s)
        rate, spin = self._angular(t_s)
        world = self._ball_acceleration(t_s)
        if len(self._ic):
            last = np.clip(np.searchsorted(self._ic, t_s) - 1, 0, None)
            since = (t_s - self._ic[last] - _SHOCK_DELAY_S) / self._stretch[last]
            jolt = np.where(since < _SHOCK_S, self._shock_mps2[last] * shock(np.minimum(since, _SHOCK_S)), 0.0)
            world[:, 0] -= np.sin(_SHOCK_TILT_RAD) * jolt
            world[:, 2] += np.cos(_SHOCK_TILT_RAD) * jolt
        world[:, 2] += G_MPS2
        lever = np.broadcast_to(position_m - np.array([PIVOT_M, 0.0, 0.0]), world.shape)
        force = np.einsum("nji,nj->ni", rotation, world)
        force += np.cross(spin, lever) + np.cross(rate, np.cross(rate, lever))
        return Sampled(force, rate)

    def fit_impacts(self, wanted_g: FloatArray, position_m: FloatArray) -> FloatArray:
        """Size every shock so that the peak resultant around contact is `wanted_g` (k,); returns the peaks reached, g.

        A foot that brakes harder by its motion alone keeps that peak: then the shock is nothing.
        """
        if not len(self._ic):
            return np.zeros(0)
        t = self._ic[:, None] + np.arange(IMPACT_WINDOW_S[0], IMPACT_WINDOW_S[1], 0.0005)
        flat = t.ravel()
        self._shock_mps2[:] = 0.0
        still = self.sample(flat, position_m).force_mps2.reshape(*t.shape, 3)
        up = np.array([-np.sin(_SHOCK_TILT_RAD), 0.0, np.cos(_SHOCK_TILT_RAD)])
        wave = shock((t - self._ic[:, None] - _SHOCK_DELAY_S) / self._stretch[:, None]).ravel()[:, None] * up
        wave = np.einsum("nji,nj->ni", self.rotation(flat), wave).reshape(still.shape)
        target = np.asarray(wanted_g) * G_MPS2
        low, high = np.zeros(len(target)), 4.0 * target + 20.0
        for _ in range(32):
            middle = (low + high) / 2.0
            peak = np.linalg.norm(still + middle[:, None, None] * wave, axis=-1).max(axis=1)
            low, high = np.where(peak < target, middle, low), np.where(peak < target, high, middle)
        quiet = np.linalg.norm(still, axis=-1).max(axis=1) >= target
        self._shock_mps2[:] = np.where(quiet, 0.0, high)
        reached = np.linalg.norm(still + self._shock_mps2[:, None, None] * wave, axis=-1).max(axis=1)
        return np.asarray(reached / G_MPS2)

    def tremor_g(self, t_s: FloatArray) -> FloatArray:
        """How hard shoe and pod are being shaken, (n,), g: the impact, fading after each contact; 0 in standing."""
        if not len(self._ic):
            return np.zeros_like(t_s)
        last = np.searchsorted(self._ic, t_s) - 1
        since = t_s - self._ic[np.clip(last, 0, None)]
        fading = np.where(last >= 0, np.exp(-since / TREMOR_FADES_S) * self._impact_g[last], 0.0)
        swinging = np.abs(self._x.rate(t_s)) > 0.5
        return np.asarray(fading + TREMOR_IN_SWING * self._impact_g[last] * swinging)

    def _angular(self, t_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angular rate and its derivative in the foot frame, each (n, 3)."""
        b, db, ddb = -self._pitch.integral(t_s), -self._pitch.rate(t_s), -self._pitch.slope(t_s)
        m = self._mirror
        f, df, ddf = m * self._roll(t_s), m * self._roll(t_s, 1), m * self._roll(t_s, 2)
        dp, ddp = m * self._yaw(t_s, 1), m * self._yaw(t_s, 2)
        cb, sb, cf, sf = np.cos(b), np.sin(b), np.cos(f), np.sin(f)
        rate = np.stack([df - dp * sb, db * cf + dp * cb * sf, -db * sf + dp * cb * cf], axis=-1)
        spin = np.stack(
            [
                ddf - ddp * sb - dp * db * cb,
                ddb * cf - db * df * sf + ddp * cb * sf - dp * db * sb * sf + dp * df * cb * cf,
                -ddb * sf - db * df * cf + ddp * cb * cf - dp * db * sb * cf - dp * df * cb * sf,
            ],
            axis=-1,
        )
        return rate, spin

    def _ball_acceleration(self, t_s: FloatArray) -> FloatArray:
        """Second derivative of `ball`, (n, 3)."""
        th, w, dw = self._pitch.integral(t_s), self._pitch.rate(t_s), self._pitch.slope(t_s)
        q, dq, ddq = self._pivot(t_s), self._pivot(t_s, 1), self._pivot(t_s, 2)
        c, s = np.cos(th), np.sin(th)
        x = self._x.slope(t_s) + ddq * (c - 1.0) - 2.0 * dq * s * w - q * (c * w * w + s * dw)
        z = self._z.slope(t_s) + ddq * s + 2.0 * dq * c * w + q * (c * dw - s * w * w)
        return np.stack([x, self._mirror * self._y(t_s, 2), z], axis=-1)


class _Curve:
    """A rate curve with its integral and derivative."""

    def __init__(self, rate: PPoly) -> None:
        self.rate = rate
        self.integral = rate.antiderivative()
        self.slope = rate.derivative()


def _cycles(contacts: list[Contact]) -> list[Cycles]:
    """Contacts of one bout as cycles, grouped by what is left and what is entered (walk or run)."""
    run = is_run(contacts)
    kinds = run[:-1] * 2 + run[1:]
    flat, tc, ic = (columns(contacts, name) for name in ("flat_s", "tc_s", "ic_s"))
    contact_s, x, size = (columns(contacts, name) for name in ("contact_time_s", "x_m", "amplitude"))
    strike = np.deg2rad(columns(contacts, "strike_angle_deg"))
    toe_off = np.deg2rad(gait_columns(contacts, "toe_off_angle_deg"))
    swing = np.deg2rad(gait_columns(contacts, "swing_angle_deg"))
    clearance = gait_columns(contacts, "clearance_m")
    rolls_over = run & np.isfinite(tc) & np.isfinite(ic)
    flat_rate = np.where(rolls_over, FLAT_RATE_RADPS, 0.0)
    out = []
    for kind in np.unique(kinds):
        i = np.flatnonzero(kinds == kind)
        j = i + 1
        out.append(
            Cycles(
                flat_s=flat[i],
                tc_s=tc[i],
                ic_s=ic[j],
                next_flat_s=flat[j],
                contact_s=contact_s[i],
                next_contact_s=contact_s[j],
                length_m=x[j] - x[i],
                toe_off_rad=toe_off[i] * size[j],
                swing_rad=np.minimum(swing[j], toe_off[i] - 0.05) * size[j],
                strike_rad=strike[j],
                clearance_m=clearance[j] * size[j],
                flat_rate_radps=flat_rate[i],
                next_flat_rate_radps=flat_rate[j],
                from_run=bool(kind & 2),
                to_run=bool(kind & 1),
            )
        )
    return out


def _side_curves(bouts: Sequence[list[Contact]], duration_s: float) -> tuple[PPoly, PPoly, PPoly, PPoly]:
    """Pivot (m behind the ball that touches first), roll, yaw (rad) and sideways path (m) of a left foot.

    Roll: inverted in late swing and at contact (recordings: -11 degrees, flat 60 ms later), a little in push-off.
    Yaw and the sideways path are small; their sizes are design choices within what the recordings show.
    """
    pivot: list[tuple[float, float]] = [(-1.0, 0.0)]
    roll, yaw, side = list(pivot), list(pivot), list(pivot)
    for contacts in bouts:
        for a, b in itertools.pairwise(contacts):
            if a.tc_s is None or b.ic_s is None:
                continue
            s, c, k = b.ic_s - a.tc_s, b.contact_time_s, np.deg2rad(b.amplitude * b.gait.out_of_plane)
            heel = PIVOT_M * float(ramp(np.array((b.strike_angle_deg - 5.0) / 15.0)))
            land = min(0.07, 0.3 * c)
            # the pivot changes where the foot is near level, so that changing it moves the foot little
            start, end = (0.64, 0.92) if b.gait.activity is Activity.RUN else (0.40, 0.90)
            pivot += [(a.tc_s + start * s, 0.0), (a.tc_s + end * s, heel), (b.ic_s + 0.02, heel), (b.flat_s, 0.0)]
            roll += [(a.flat_s, 0.0), (a.tc_s, -6.0 * k), (a.tc_s + 0.45 * s, 4.0 * k), (b.ic_s - 0.07 * s, -10.0 * k)]
            roll += [(b.ic_s, -11.0 * k), (b.ic_s + land, 1.0 * k), (b.flat_s, 0.0)]
            yaw += [(a.flat_s, 0.0), (a.tc_s, 3.0 * k), (a.tc_s + 0.4 * s, 6.0 * k), (b.ic_s - 0.07 * s, -4.0 * k)]
            yaw += [(b.ic_s + land, 0.0)]
            side += [(a.tc_s, 0.0), (a.tc_s + 0.5 * s, 0.03 * b.amplitude * b.gait.out_of_plane), (b.ic_s, 0.0)]
    paths = [_through(points, duration_s) for points in (pivot, roll, yaw, side)]
    return paths[0], paths[1], paths[2], paths[3]


def _through(points: list[tuple[float, float]], duration_s: float) -> PPoly:
    kept = [points[0]]
    for p in [*points[1:], (max(duration_s, points[-1][0]) + 1.0, 0.0)]:
        if p[0] - kept[-1][0] > 1e-6:
            kept.append(p)
    t, value = (np.array(v) for v in zip(*kept, strict=True))
    return steps(t, value)
