"""When and where each foot meets the ground: a bout of a script turned into contacts of both feet.

Steps alternate. Both feet follow one body: a foot stands where the body is in the middle of that contact, so both feet
cover the same distance and a change of speed shows in every stride it should.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PPoly

from sensord.errors import InputError, Problem
from sensord.model import Activity, FloatArray, Side
from sensord.sim.gait import MAX_DUTY, Gait
from sensord.sim.script import Bout, Move

FLAT_SHARE = 0.40
"""Share of the contact after which the foot lies flat (recordings: pitch rate smallest at 0.35 to 0.45)."""

_SPEED_RAMP_S = 1.5  # time to change speed; design choice
_LEAD_S = 0.15  # quiet time before the first heel rises; design choice
_MIN_AMPLITUDE = 0.35  # how much of the full swing the shortest step keeps; design choice


@dataclass(frozen=True, slots=True)
class Contact:
    """One foot on the ground. `ic_s` is None for the standing before a bout, `tc_s` for the standing after it."""

    ic_s: float | None
    tc_s: float | None
    flat_s: float
    x_m: float
    contact_time_s: float
    gait: Gait
    strike_angle_deg: float
    impact_g: float
    amplitude: float
    """0 to 1: how large the swing before this contact is, against the gait's own at its full step length."""


@dataclass(slots=True)
class _Foot:
    """One foot while a bout is being laid out."""

    side: Side
    noise: dict[str, Callable[[], float]]
    contacts: list[Contact]


def _ar1(rng: np.random.Generator, phi: float) -> Callable[[], float]:
    """An AR(1) series with unit variance, clipped at 3 SD so that no draw leaves what a body can do."""
    state = rng.standard_normal()
    gain = float(np.sqrt(1.0 - phi * phi))

    def step() -> float:
        nonlocal state
        state = phi * state + gain * rng.standard_normal()
        return float(np.clip(state, -3.0, 3.0))

    return step


class BodyPath:
    """Where the body is: the integral of a piecewise linear speed."""

    def __init__(self, bout: Bout, x0_m: float, stop_s: float) -> None:
        times = [bout.start_s + _LEAD_S]
        speeds = [0.0]
        for i, (start_s, move) in enumerate(bout.moves):
            end_s = bout.moves[i + 1][0] if i + 1 < len(bout.moves) else stop_s
            begin_s = max(start_s, times[-1])
            ramp_s = min(_SPEED_RAMP_S, 0.4 * (end_s - begin_s))
            if ramp_s <= 0:
                continue
            if begin_s > times[-1]:
                times.append(begin_s)
                speeds.append(speeds[-1])
            times.append(begin_s + ramp_s)
            speeds.append(move.gait.speed_mps)
        ramp_s = min(_SPEED_RAMP_S, 0.4 * (stop_s - times[-1])) if stop_s > times[-1] else 0.0
        times += [stop_s - ramp_s, stop_s] if ramp_s > 0 else [times[-1] + 0.1]
        speeds += [speeds[-1], 0.0] if ramp_s > 0 else [0.0]
        t, v = np.array(times), np.array(speeds)
        speed = PPoly(np.array([np.diff(v) / np.diff(t), v[:-1]]), t)
        self._x = speed.antiderivative()
        self._span = (t[0], t[-1])
        self._x0 = x0_m

    def at(self, t_s: float) -> float:
        """Position along the path, m."""
        return self._x0 + float(self._x(np.clip(t_s, *self._span)))


class BoutLayout:
    """Contacts of both feet in one bout; each foot begins and ends standing."""

    def __init__(self, bout: Bout, x0_m: float, first: Side, seed: tuple[int, ...]) -> None:
        self._bout = bout
        self._rngs = [np.random.default_rng([*seed, k]) for k in range(3)]  # first foot, second foot, steps
        self._first = first
        self._feet = {side: _Foot(side, {}, []) for side in (first, first.other)}
        self._start_noise(bout.moves[0][1])
        steps = self._step_times()
        if len(steps) < 4:
            raise InputError(
                Problem("script", f"moving from {bout.start_s:g} s", f"{len(steps)} steps fit", "time for 4 or more")
            )
        self._path = BodyPath(bout, x0_m, stop_s=steps[-2])
        self.end_x_m = self._path.at(steps[-1])
        self._stand(x0_m, steps)
        for k, ic_s in enumerate(steps):
            self._contact(k, ic_s, steps)

    def contacts(self, side: Side) -> list[Contact]:
        """In order of time: standing, the contacts of the bout, of which the last goes over into standing."""
        return self._feet[side].contacts

    def _side(self, k: int) -> Side:
        return self._first if k % 2 == 0 else self._first.other

    def _move(self, t_s: float) -> tuple[float, Move]:
        return [m for m in self._bout.moves if m[0] <= t_s or m is self._bout.moves[0]][-1]

    def _start_noise(self, move: Move) -> None:
        var = move.variability
        for foot, rng in zip(self._feet.values(), self._rngs, strict=False):
            foot.noise = {
                "contact": _ar1(rng, var.contact_time_phi),
                "strike": _ar1(rng, var.strike_angle_phi),
                "impact": _ar1(rng, var.impact_phi),
                "place": _ar1(rng, 0.0),
            }
        self._step_noise = _ar1(self._rngs[2], var.stride_time_phi)

    def _minutes(self, t_s: float, start_s: float) -> float:
        return max(t_s - start_s, 0.0) / 60.0

    def _step_times(self) -> list[float]:
        first = self._bout.moves[0][1].gait
        swing_s = first.stride_time_s - first.contact_time_s
        t = self._bout.start_s + _LEAD_S + (1.0 - FLAT_SHARE) * first.contact_time_s + swing_s
        steps: list[float] = []
        while True:
            start_s, move = self._move(t)
            if t > self._bout.end_s - 0.1 - move.gait.contact_time_s:
                return steps
            steps.append(t)
            drift = 1.0 + move.cadence_drift_pct_per_min / 100.0 * self._minutes(t, start_s)
            step_s = move.gait.stride_time_s / 2.0 / drift
            # the step that ends with this foot's next contact belongs to the other foot now on the ground
            sign = 0.5 if self._side(len(steps)) is Side.LEFT else -0.5
            step_s *= 1.0 + sign * move.step_time_asymmetry_pct / 100.0
            # two steps a stride, the noise of neighbours is correlated: SD of the stride is that of the step
            t += step_s * (1.0 + move.variability.stride_time_pct / 100.0 * self._step_noise())

    def _stand(self, x0_m: float, steps: list[float]) -> None:
        """The standing that each foot leaves with its first step."""
        gait = self._bout.moves[0][1].gait
        for k in (0, 1):
            tc_s = steps[k] - (gait.stride_time_s - gait.contact_time_s)
            flat_s = tc_s - (1.0 - FLAT_SHARE) * gait.contact_time_s
            c = Contact(None, tc_s, flat_s, x0_m, gait.contact_time_s, gait, 0.0, 0.0, 0.0)
            self._feet[self._side(k)].contacts.append(c)

    def _contact(self, k: int, ic_s: float, steps: list[float]) -> None:
        foot = self._feet[self._side(k)]
        start_s, move = self._move(ic_s)
        gait, var = move.gait, move.variability
        sign = 0.5 if foot.side is Side.LEFT else -0.5
        minutes = self._minutes(ic_s, start_s)
        contact_s = gait.contact_time_s
        contact_s *= 1.0 + sign * move.contact_asymmetry_pct / 100.0
        contact_s *= 1.0 + move.contact_drift_pct_per_min / 100.0 * minutes
        contact_s *= 1.0 + var.contact_time_pct / 100.0 * foot.noise["contact"]()
        impact_g = gait.impact_g * (1.0 + sign * move.impact_asymmetry_pct / 100.0)
        impact_g *= 1.0 + move.impact_drift_pct_per_min / 100.0 * minutes
        impact_g *= 1.0 + var.impact_pct / 100.0 * foot.noise["impact"]()
        strike_deg = gait.strike_angle_deg + var.strike_angle_deg * foot.noise["strike"]()
        place_m = var.placement_m * foot.noise["place"]()
        last = k + 2 >= len(steps)
        if not last:
            contact_s = min(contact_s, MAX_DUTY[gait.activity] * (steps[k + 2] - ic_s))
        before = foot.contacts[-1]
        x_m = self.end_x_m if last else self._path.at(ic_s + contact_s / 2.0) + place_m
        amplitude = np.clip((x_m - before.x_m) / (gait.speed_mps * gait.stride_time_s), _MIN_AMPLITUDE**2, 1.0) ** 0.5
        foot.contacts.append(
            Contact(
                ic_s=ic_s,
                tc_s=None if last else ic_s + contact_s,
                flat_s=ic_s + FLAT_SHARE * contact_s,
                x_m=x_m,
                contact_time_s=contact_s,
                gait=gait,
                strike_angle_deg=strike_deg * amplitude,
                impact_g=impact_g * amplitude,
                amplitude=float(amplitude),
            )
        )


def columns(contacts: list[Contact], name: str) -> FloatArray:
    """One number of every contact as an array; None becomes NaN."""
    return np.array([np.nan if (v := getattr(c, name)) is None else v for c in contacts], dtype=np.float64)


def gait_columns(contacts: list[Contact], name: str) -> FloatArray:
    """One number of every contact's gait as an array."""
    return np.array([getattr(c.gait, name) for c in contacts], dtype=np.float64)


def is_run(contacts: list[Contact]) -> np.ndarray:
    """True where a contact belongs to running."""
    return np.array([c.gait.activity is Activity.RUN for c in contacts], dtype=bool)
